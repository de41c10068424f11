#include "agent/answer.h"

#include "agent/chunk.h"
#include "base/utf8.h"
#include "data/json.h"

#include <errno.h>
#include <string.h>

void answer_init(struct answer *answer, enum think_mode mode, think_text *text, void *context)
{
    *answer = (struct answer){.text = text, .context = context};
    assembly_init(&answer->assembly);
    think_init(&answer->think, mode);
    buffer_init(&answer->scratch, ASSEMBLY_LIMIT);
}

void answer_release(struct answer *answer)
{
    assembly_release(&answer->assembly);
    buffer_release(&answer->scratch);
    json_free(answer->refusal);
    answer->refusal = NULL;
}

void answer_reset(struct answer *answer, enum think_mode mode)
{
    assembly_clear(&answer->assembly);
    think_init(&answer->think, mode);
    json_free(answer->refusal);
    answer->refusal = NULL;
    answer->began = false;
}

static enum answer_status no_room(struct error *error)
{
    if (errno == EMSGSIZE)
        error_set(error, "the answer is longer than %d MiB or has more than %d tool calls",
            ASSEMBLY_LIMIT >> 20, ASSEMBLY_CALLS_MOST);
    else
        error_set(error, "out of memory");
    return ANSWER_BAD;
}

static int keep(
    struct answer *answer, enum think_kind kind, const char *field, const char *text, size_t length)
{
    int result = kind == THINK_CONTENT
                     ? assembly_add_content(&answer->assembly, text, length)
                     : assembly_add_reasoning(&answer->assembly, field, text, length);
    if (result == 0)
        result = answer->text(answer->context, kind, text, length);
    return result;
}

/* From the splitter: reasoning here was marked by tags, not by a member. */
static int split_text(void *context, enum think_kind kind, const char *text, size_t length)
{
    return keep(context, kind, NULL, text, length);
}

static int add_content(struct answer *answer, const char *text, size_t length)
{
    if (length == 0)
        return 0;
    answer->began = true;
    return think_feed(&answer->think, text, length, split_text, answer);
}

static int add_reasoning(struct answer *answer, const char *field, const char *text, size_t length)
{
    if (length == 0)
        return 0;
    answer->began = true;
    if (think_flush(&answer->think, split_text, answer) < 0)
        return -1;
    think_server_separates(&answer->think);
    return keep(answer, THINK_REASONING, field, text, length);
}

/* One choice as a tree. */

static int add_text_value(struct answer *answer, const cJSON *value, const char *field)
{
    if (!cJSON_IsString(value))
        return 0;
    size_t length = strlen(value->valuestring);
    return field != NULL ? add_reasoning(answer, field, value->valuestring, length)
                         : add_content(answer, value->valuestring, length);
}

/* A list of parts: {"type":"text","text":...}, {"type":"thinking","thinking":[parts]}. */
static int add_parts(struct answer *answer, const cJSON *parts, const char *field)
{
    const cJSON *part;
    cJSON_ArrayForEach(part, parts)
    {
        const cJSON *thinking = json_get(part, "thinking");
        int result;
        if (cJSON_IsArray(thinking) && field == NULL)
            result = add_parts(answer, thinking, "reasoning_content");
        else if (thinking != NULL)
            result = add_text_value(answer, thinking, "reasoning_content");
        else
            result = add_text_value(answer, json_get(part, "text"), field);
        if (result < 0)
            return -1;
    }
    return 0;
}

static int add_message(struct answer *answer, const cJSON *message)
{
    static const char *const fields[] = {"reasoning", "reasoning_content", NULL};
    for (int i = 0; fields[i] != NULL; i++) {
        const char *text = json_string(message, fields[i]);
        if (text == NULL || *text == '\0')
            continue;
        if (add_reasoning(answer, fields[i], text, strlen(text)) < 0)
            return -1;
        break; /* some servers send the same text under both names */
    }
    const cJSON *content = json_get(message, "content");
    if (cJSON_IsArray(content) ? add_parts(answer, content, NULL) < 0
                               : add_text_value(answer, content, NULL) < 0)
        return -1;
    const cJSON *calls = json_array(message, "tool_calls");
    if (calls == NULL || calls->child == NULL)
        return 0;
    answer->began = true;
    if (think_flush(&answer->think, split_text, answer) < 0)
        return -1;
    return assembly_add_calls(&answer->assembly, calls);
}

static bool is_error(const cJSON *tree, bool error_event)
{
    const cJSON *error = json_get(tree, "error");
    if (error != NULL && !cJSON_IsNull(error) && !cJSON_IsFalse(error))
        return true;
    const char *object = json_string(tree, "object");
    if (object != NULL && strcmp(object, "error") == 0)
        return true;
    return error_event && json_get(tree, "choices") == NULL;
}

/* Takes the tree. */
static enum answer_status add_tree(
    struct answer *answer, cJSON *tree, bool error_event, struct error *error)
{
    if (is_error(tree, error_event)) {
        json_free(answer->refusal);
        answer->refusal = tree;
        return ANSWER_REFUSED;
    }
    int result = 0;
    assembly_set_usage(&answer->assembly, json_object(tree, "usage"));
    const cJSON *choices = json_array(tree, "choices");
    const cJSON *choice = choices != NULL ? choices->child : NULL;
    const cJSON *message = json_object(choice, "delta");
    if (message == NULL)
        message = json_object(choice, "message");
    if (message != NULL)
        result = add_message(answer, message);
    int failure = errno;
    assembly_set_finish_reason(&answer->assembly, json_string(choice, "finish_reason"));
    json_free(tree);
    errno = failure;
    return result < 0 ? no_room(error) : ANSWER_MORE;
}

/* Payloads. */

/* Bytes that are no UTF-8, and "\u0000", become U+FFFD. */
static int repair(struct buffer *repaired, const char *text, size_t length)
{
    static const char null_escape[] = "\\u0000";
    if (utf8_append_repaired(repaired, text, length) < 0)
        return -1;
    char *at = repaired->data;
    char *end = repaired->data + repaired->length;
    while (at < end) {
        if (*at != '\\') {
            at++;
        } else if ((size_t)(end - at) >= 6 && memcmp(at, null_escape, 6) == 0) {
            memcpy(at, "\\ufffd", 6);
            at += 6;
        } else {
            at += 2; /* an escaped backslash does not begin the next escape */
        }
    }
    return 0;
}

static cJSON *parse_leniently(const char *text, size_t length, struct error *error)
{
    cJSON *tree = json_parse(text, length, error);
    if (tree != NULL)
        return tree;
    struct buffer repaired;
    buffer_init(&repaired, (size_t)ASSEMBLY_LIMIT * 3);
    if (repair(&repaired, text, length) == 0)
        tree = json_parse(repaired.data, repaired.length, NULL);
    buffer_release(&repaired);
    return tree;
}

static bool is_done_mark(const char *payload, size_t length)
{
    static const char mark[] = "[DONE]";
    while (length > 0 && (*payload == ' ' || *payload == '\t')) {
        payload++;
        length--;
    }
    return length >= sizeof mark - 1 && memcmp(payload, mark, sizeof mark - 1) == 0;
}

static bool blank(const char *text, size_t length)
{
    while (length > 0 && (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n')) {
        text++;
        length--;
    }
    return length == 0;
}

/* Several values in one event, a line each. */
static enum answer_status add_lines(struct answer *answer, const char *payload, size_t length,
    bool error_event, struct error *error)
{
    const char *end = payload + length;
    while (payload < end) {
        const char *newline = memchr(payload, '\n', (size_t)(end - payload));
        const char *stop = newline != NULL ? newline : end;
        enum answer_status status =
            answer_payload(answer, payload, (size_t)(stop - payload), error_event, error);
        if (status != ANSWER_MORE)
            return status;
        payload = newline != NULL ? newline + 1 : end;
    }
    return ANSWER_MORE;
}

static enum answer_status not_json(
    const char *payload, size_t length, bool error_event, struct error *error)
{
    struct buffer shown;
    size_t most = length < 120 ? length : 120;
    buffer_init(&shown, 1024);
    utf8_append_visible(&shown, payload, most, false);
    if (error_event)
        error_set(error, "the server reports: %s", shown.data);
    else
        error_prefix(error, "the stream holds '%s%s': ", shown.data, most < length ? "..." : "");
    buffer_release(&shown);
    return ANSWER_BAD;
}

enum answer_status answer_payload(struct answer *answer, const char *payload, size_t length,
    bool error_event, struct error *error)
{
    struct plain_chunk plain;
    if (!error_event && chunk_read_plain(payload, length, &answer->scratch, &plain)) {
        if (add_reasoning(answer, plain.reasoning_field, plain.reasoning, plain.reasoning_length) <
                0 ||
            add_content(answer, plain.content, plain.content_length) < 0)
            return no_room(error);
        return ANSWER_MORE;
    }
    if (is_done_mark(payload, length))
        return ANSWER_END;
    if (blank(payload, length))
        return ANSWER_MORE;
    cJSON *tree = parse_leniently(payload, length, error);
    if (tree != NULL)
        return add_tree(answer, tree, error_event, error);
    if (memchr(payload, '\n', length) != NULL)
        return add_lines(answer, payload, length, error_event, error);
    return not_json(payload, length, error_event, error);
}

enum answer_status answer_whole(
    struct answer *answer, const char *body, size_t length, struct error *error)
{
    cJSON *tree = parse_leniently(body, length, error);
    if (tree == NULL)
        return not_json(body, length, false, error);
    const cJSON *choices = json_array(tree, "choices");
    if (!is_error(tree, false) && (choices == NULL || choices->child == NULL)) {
        json_free(tree);
        error_set(error, "the server sent JSON that is no chat completion");
        return ANSWER_BAD;
    }
    return add_tree(answer, tree, false, error);
}

int answer_finish(struct answer *answer, struct error *error)
{
    if (think_flush(&answer->think, split_text, answer) == 0 &&
        assembly_finish(&answer->assembly) == 0)
        return 0;
    no_room(error);
    return -1;
}

/* Tool calls that the server left in the text. */

static bool bare_call(const char *content, size_t length)
{
    while (length > 0 && strchr(" \t\r\n", *content) != NULL && *content != '\0') {
        content++;
        length--;
    }
    if (length == 0 || *content != '{')
        return false;
    cJSON *tree = json_parse(content, length, NULL);
    bool call = json_string(tree, "name") != NULL && json_object(tree, "arguments") != NULL;
    json_free(tree);
    return call;
}

bool answer_is_tool_call_text(const char *content, size_t length)
{
    static const char *const marks[] = {"<tool_call>", "[TOOL_CALLS]", "<function=", NULL};
    for (int i = 0; marks[i] != NULL; i++) {
        if (memmem(content, length, marks[i], strlen(marks[i])) != NULL)
            return true;
    }
    return bare_call(content, length);
}
