#include "script.h"

#include "base/buffer.h"
#include "base/line_reader.h"
#include "data/json.h"
#include "script_key.h"
#include "template.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)

enum {
    RULES_MOST = 100000,
    SPLIT_MOST = 1 << 20,      /* bytes */
    CHUNK_SIZE_MOST = 1 << 20, /* characters */
    TOKENS_MOST = 100000000,   /* a day at a thousand a second */
    TOKEN_SIZE_MOST = 4096,    /* bytes */
    PIECES_MOST = 1000000000,
};

#define ANSWER(member) offsetof(struct answer, member)
static const struct key answer_keys[] = {
    {"content", KEY_VALUE, ANSWER(content), TYPE_TEXT | TYPE_LIST, 0},
    {"reasoning", KEY_VALUE, ANSWER(reasoning), TYPE_TEXT | TYPE_LIST, 0},
    {"reasoning_field", KEY_TEXT, ANSWER(reasoning_field), 0, 0},
    {"tool_calls", KEY_VALUE, ANSWER(tool_calls), TYPE_LIST, 0},
    {"finish_reason", KEY_VALUE, ANSWER(finish_reason), TYPE_TEXT | TYPE_NULL | TYPE_FALSE, 0},
    {"usage", KEY_VALUE, ANSWER(usage), TYPE_OBJECT | TYPE_FALSE, 0},
    {"stream_error", KEY_VALUE, ANSWER(stream_error), TYPE_TEXT | TYPE_OBJECT, 0},
    {"error", KEY_VALUE, ANSWER(error), TYPE_TEXT | TYPE_OBJECT, 0},
    {"body", KEY_VALUE, ANSWER(body), TYPE_ANY, 0},
    {"raw", KEY_VALUE, ANSWER(raw), TYPE_TEXT | TYPE_LIST, 0},
    {"headers", KEY_VALUE, ANSWER(headers), TYPE_OBJECT, 0},
    {"quirks", KEY_VALUE, ANSWER(quirk_names), TYPE_LIST, 0},
    {"synthesise", KEY_VALUE, ANSWER(synthesise), TYPE_OBJECT, 0},
    {"content_type", KEY_TEXT, ANSWER(content_type), 0, 0},
    {"templates", KEY_BOOLEAN, ANSWER(templates), 0, 0},
    {"disconnect", KEY_BOOLEAN, ANSWER(disconnect), 0, 0},
    {"hang", KEY_BOOLEAN, ANSWER(hang), 0, 0},
    {"status", KEY_INTEGER, ANSWER(status), 200, 599},
    {"chunk_size", KEY_INTEGER, ANSWER(chunk_size), 1, CHUNK_SIZE_MOST},
    {"split_bytes", KEY_INTEGER, ANSWER(split_bytes), 1, SPLIT_MOST},
    {"disconnect_after", KEY_INTEGER, ANSWER(disconnect_after), 0, PIECES_MOST},
    {"delay_ms", KEY_INTEGER, ANSWER(delay_ms), 0, DAY_MS},
    {"first_byte_delay_ms", KEY_INTEGER, ANSWER(first_byte_delay_ms), 0, DAY_MS},
    {"chunk_delay_ms", KEY_INTEGER, ANSWER(chunk_delay_ms), 0, DAY_MS},
    {0},
};

#define MATCH(member) offsetof(struct match, member)
static const struct key match_keys[] = {
    {"exact", KEY_TEXT, MATCH(exact), 0, 0},
    {"contains", KEY_TEXT, MATCH(contains), 0, 0},
    {"regex", KEY_TEXT, MATCH(regex), 0, 0},
    {"role", KEY_TEXT, MATCH(role), 0, 0},
    {"model", KEY_TEXT, MATCH(model), 0, 0},
    {"tool", KEY_TEXT, MATCH(tool), 0, 0},
    {"body", KEY_TEXT, MATCH(body), 0, 0},
    {"system", KEY_TEXT, MATCH(system), 0, 0},
    {"path", KEY_TEXT, MATCH(path), 0, 0},
    {"header", KEY_VALUE, MATCH(header), TYPE_OBJECT, 0},
    {"tools", KEY_VALUE, MATCH(tools), TYPE_TRUTH, 0},
    {"stream", KEY_VALUE, MATCH(stream), TYPE_TRUTH, 0},
    {"request", KEY_INTEGER, MATCH(request), 1, PIECES_MOST},
    {0},
};

#define SYNTHESIS(member) offsetof(struct synthesis, member)
static const struct key synthesis_keys[] = {
    {"tokens", KEY_INTEGER, SYNTHESIS(tokens), 0, TOKENS_MOST},
    {"rate", KEY_NUMBER, SYNTHESIS(rate), 0, 1000000},
    {"token_size", KEY_INTEGER, SYNTHESIS(token_size), 1, TOKEN_SIZE_MOST},
    {"first_token_delay_ms", KEY_INTEGER, SYNTHESIS(first_token_delay_ms), 0, DAY_MS},
    {0},
};

static const struct key tool_call_keys[] = {
    {"name", KEY_VALUE, 0, TYPE_ANY, 0},
    {"arguments", KEY_VALUE, 0, TYPE_ANY, 0},
    {"id", KEY_VALUE, 0, TYPE_TEXT | TYPE_NULL, 0},
    {"index", KEY_VALUE, 0, cJSON_Number, 0},
    {"type", KEY_VALUE, 0, TYPE_TEXT | TYPE_NULL, 0},
    {0},
};

static int check_templates(const cJSON *value, struct error *error)
{
    if (cJSON_IsString(value))
        return template_check(value->valuestring, error);
    const cJSON *child;
    if (cJSON_IsArray(value) || cJSON_IsObject(value)) {
        cJSON_ArrayForEach(child, value)
        {
            if (check_templates(child, error) < 0)
                return -1;
        }
    }
    return 0;
}

static int check_texts(const char *name, const cJSON *value, struct error *error)
{
    const cJSON *piece;
    if (cJSON_IsArray(value)) {
        cJSON_ArrayForEach(piece, value)
        {
            if (!cJSON_IsString(piece))
                return error_set(error, "'%s' must be a string or an array of strings", name);
        }
    }
    return 0;
}

static int check_raw(const cJSON *raw, struct error *error)
{
    const cJSON *piece;
    if (cJSON_IsArray(raw)) {
        cJSON_ArrayForEach(piece, raw)
        {
            if (!cJSON_IsString(piece) && json_string(piece, "base64") == NULL)
                return error_set(error, "'raw' must hold strings or {\"base64\":\"...\"}");
        }
    }
    return 0;
}

static int check_headers(const char *name, const cJSON *headers, bool nulls, struct error *error)
{
    const cJSON *header;
    cJSON_ArrayForEach(header, headers)
    {
        if (!cJSON_IsString(header) && !(nulls && cJSON_IsNull(header)))
            return error_set(error, "'%s' must hold strings", name);
    }
    return 0;
}

static int check_tool_calls(const cJSON *calls, struct error *error)
{
    const cJSON *call;
    cJSON_ArrayForEach(call, calls)
    {
        if (!cJSON_IsObject(call))
            return error_set(error, "'tool_calls' must hold objects");
        if (script_set_keys(NULL, tool_call_keys, call, "a tool call", error) < 0)
            return -1;
    }
    return 0;
}

static int check_answer(struct answer *answer, struct error *error)
{
    if (check_texts("content", answer->content, error) < 0 ||
        check_texts("reasoning", answer->reasoning, error) < 0 ||
        check_tool_calls(answer->tool_calls, error) < 0 || check_raw(answer->raw, error) < 0 ||
        check_headers("headers", answer->headers, false, error) < 0 ||
        script_quirks(answer->quirks, answer->quirk_names, error) < 0)
        return -1;
    if (answer->synthesise != NULL && script_set_keys(&answer->synthesis, synthesis_keys,
                                          answer->synthesise, "'synthesise'", error) < 0)
        return -1;
    if (!answer->templates)
        return 0;
    if (check_templates(answer->content, error) < 0 ||
        check_templates(answer->reasoning, error) < 0 ||
        check_templates(answer->tool_calls, error) < 0)
        return -1;
    return 0;
}

static int read_match(struct rule *rule, const cJSON *value, struct error *error)
{
    struct match *match = &rule->match;
    rule->conditional = true;
    if (cJSON_IsString(value)) {
        match->contains = value->valuestring;
        return 0;
    }
    if (!cJSON_IsObject(value))
        return error_set(error, "'match' must be a string or an object");
    if (script_set_keys(match, match_keys, value, "'match'", error) < 0 ||
        check_headers("header", match->header, true, error) < 0)
        return -1;
    if (match->regex == NULL)
        return 0;
    int status = regcomp(&match->expression, match->regex, REG_EXTENDED | REG_NEWLINE);
    if (status != 0) {
        char reason[200];
        regerror(status, &match->expression, reason, sizeof reason);
        return error_set(error, "regex '%s': %s", match->regex, reason);
    }
    match->compiled = true;
    return 0;
}

static int read_times(struct rule *rule, const cJSON *value, struct error *error)
{
    rule->times = rule->conditional ? 0 : 1;
    if (value == NULL)
        return 0;
    if (cJSON_IsString(value) && strcmp(value->valuestring, "always") == 0)
        rule->times = 0;
    else if (!json_value_integer(value, &rule->times) || rule->times < 1)
        return error_set(error, "'times' must be a whole number from 1, or \"always\"");
    return 0;
}

void answer_defaults(struct answer *answer)
{
    *answer = (struct answer){
        .reasoning_field = "reasoning_content",
        .templates = true,
        .chunk_size = 16,
        .disconnect_after = -1,
        .synthesis = {.tokens = 100, .token_size = 4},
    };
}

static int read_rule(struct rule *rule, struct error *error)
{
    answer_defaults(&rule->answer);
    const cJSON *match = json_get(rule->tree, "match");
    if (match != NULL && read_match(rule, match, error) < 0)
        return -1;
    if (read_times(rule, json_get(rule->tree, "times"), error) < 0)
        return -1;
    const cJSON *member;
    cJSON_ArrayForEach(member, rule->tree)
    {
        if (strcmp(member->string, "match") == 0 || strcmp(member->string, "times") == 0 ||
            strcmp(member->string, "comment") == 0)
            continue;
        const struct key *key = script_find_key(answer_keys, member->string);
        if (key == NULL)
            return error_set(error, "unknown key '%s'", member->string);
        if (script_set_key(&rule->answer, key, member, error) < 0)
            return -1;
    }
    return check_answer(&rule->answer, error);
}

static void rule_release(struct rule *rule)
{
    if (rule->match.compiled)
        regfree(&rule->match.expression);
    json_free(rule->tree);
}

int script_add(
    struct script *script, const char *text, size_t length, unsigned long line, struct error *error)
{
    if (script->count == RULES_MOST)
        return error_set(error, "more than %d rules", RULES_MOST);
    if (script->count == script->capacity) {
        size_t capacity = script->capacity == 0 ? 16 : script->capacity * 2;
        struct rule *rules = realloc(script->rules, capacity * sizeof *rules);
        if (rules == NULL)
            return error_set(error, "out of memory");
        script->rules = rules;
        script->capacity = capacity;
    }
    struct rule *rule = &script->rules[script->count];
    *rule = (struct rule){.line = line};
    rule->tree = json_parse_object(text, length, error);
    if (rule->tree == NULL)
        return -1;
    if (read_rule(rule, error) < 0) {
        rule_release(rule);
        return -1;
    }
    script->count++;
    return 0;
}

static bool is_blank(const char *line, size_t length)
{
    size_t at = 0;
    while (at < length && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r'))
        at++;
    return at == length || line[at] == '#';
}

static int load_lines(
    struct script *script, struct line_reader *reader, const char *path, struct error *error)
{
    char *line;
    size_t length;
    enum line_status status;
    while (!reader->ended) {
        if (line_reader_fill(reader) < 0) {
            if (errno == EINTR)
                continue;
            return error_system(error, "read '%s'", path);
        }
        while ((status = line_reader_next(reader, &line, &length)) != LINE_NONE) {
            if (status == LINE_TOO_LONG)
                return error_set(error, "%s:%lu: line too long", path, reader->number);
            if (!is_blank(line, length) &&
                script_add(script, line, length, reader->number, error) < 0)
                return error_prefix(error, "%s:%lu: ", path, reader->number);
        }
    }
    return 0;
}

int script_load(struct script *script, const char *path, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_system(error, "open '%s'", path);
    struct line_reader reader;
    line_reader_init(&reader, fd, LINE_LIMIT_MODEL);
    int status = load_lines(script, &reader, path, error);
    line_reader_release(&reader);
    close(fd);
    return status;
}

void script_release(struct script *script)
{
    for (size_t i = 0; i < script->count; i++)
        rule_release(&script->rules[i]);
    free(script->rules);
    *script = (struct script){0};
}
