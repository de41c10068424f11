/* Reading policies; judging by them is in policy.c. */
#include "agent/policy.h"
#include "base/buffer.h"
#include "data/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RULES_MOST = 4096,
    PATTERNS_MOST = 1024, /* of one argument */
};

/* Where in which file, for sentences. */
struct place {
    const char *name;
    struct error *error;
};

static int wrong(const struct place *place, int line, int column, const char *what)
{
    return error_set(place->error, "%s:%d:%d: %s", place->name, line, column, what);
}

static void rule_release(struct policy_rule *rule)
{
    for (size_t i = 0; i < rule->argument_count; i++) {
        free(rule->arguments[i].name);
        for (char **pattern = rule->arguments[i].patterns; pattern != NULL && *pattern != NULL;
             pattern++)
            free(*pattern);
        free(rule->arguments[i].patterns);
    }
    free(rule->arguments);
    free(rule->place);
    free(rule->tool);
    free(rule->reason);
    *rule = (struct policy_rule){0};
}

void policy_release(struct policy *policy)
{
    for (size_t i = 0; i < policy->count; i++)
        rule_release(&policy->rules[i]);
    free(policy->rules);
    *policy = (struct policy){0};
}

static int copy_text(const struct place *place, const struct toml_value *value, char **copy)
{
    if (value->type != TOML_STRING || value->count == 0)
        return wrong(place, value->line, value->column, "must be a text that is not empty");
    if (strlen(value->text) != value->count)
        return wrong(place, value->line, value->column, "holds a NUL, which matches nothing");
    *copy = strdup(value->text);
    return *copy != NULL ? 0 : error_system(place->error, "keep the policy");
}

static int read_sandbox(
    const struct place *place, const struct toml_value *value, struct policy_rule *rule)
{
    const char *text = value->type == TOML_STRING ? value->text : "";
    if (rule->verdict != POLICY_ALLOW)
        return wrong(place, value->line, value->column, "'sandbox' goes with [[allow]] only");
    if (strcmp(text, "workspace") == 0)
        rule->sandbox = POLICY_SANDBOX_WORKSPACE;
    else if (strcmp(text, "off") == 0)
        rule->sandbox = POLICY_SANDBOX_OFF;
    else
        return wrong(
            place, value->line, value->column, "'sandbox' must be \"workspace\" or \"off\"");
    return 0;
}

static int read_argument(
    const struct place *place, const struct toml_member *member, struct policy_argument *argument)
{
    const struct toml_value *value = member->value;
    bool list = value->type == TOML_ARRAY;
    size_t count = list ? value->count : 1;
    if (count == 0 || count > PATTERNS_MOST)
        return wrong(place, value->line, value->column, "must list 1 to 1024 patterns");
    argument->name = strdup(member->key);
    argument->patterns = calloc(count + 1, sizeof *argument->patterns);
    if (argument->name == NULL || argument->patterns == NULL)
        return error_system(place->error, "keep the policy");
    for (size_t i = 0; i < count; i++) {
        if (copy_text(place, list ? value->items[i] : value, &argument->patterns[i]) < 0)
            return -1;
    }
    return 0;
}

static int read_member(
    const struct place *place, const struct toml_member *member, struct policy_rule *rule)
{
    if (strcmp(member->key, "tool") == 0)
        return copy_text(place, member->value, &rule->tool);
    if (strcmp(member->key, "reason") == 0)
        return copy_text(place, member->value, &rule->reason);
    if (strcmp(member->key, "sandbox") == 0)
        return read_sandbox(place, member->value, rule);
    return read_argument(place, member, &rule->arguments[rule->argument_count++]);
}

static int read_rule(
    const struct place *place, const struct toml_value *table, struct policy_rule *rule)
{
    if (table->type != TOML_TABLE)
        return wrong(place, table->line, table->column, "a rule must be a table");
    struct buffer text;
    buffer_init(&text, strlen(place->name) + 32);
    if (buffer_printf(&text, "%s:%d", place->name, table->line) < 0 ||
        (rule->place = buffer_take(&text)) == NULL ||
        (rule->arguments = calloc(table->count + 1, sizeof *rule->arguments)) == NULL)
        return error_system(place->error, "keep the policy");
    for (size_t i = 0; i < table->count; i++) {
        if (read_member(place, &table->members[i], rule) < 0)
            return -1;
    }
    if (rule->tool == NULL)
        return wrong(place, table->line, table->column, "a rule needs 'tool'");
    return 0;
}

static int add_rule(const struct place *place, struct policy *policy,
    const struct toml_value *table, enum policy_verdict verdict)
{
    if (policy->count == RULES_MOST)
        return wrong(place, table->line, table->column, "more than 4096 rules");
    struct policy_rule *rules = realloc(policy->rules, (policy->count + 1) * sizeof *rules);
    if (rules == NULL)
        return error_system(place->error, "keep the policy");
    policy->rules = rules;
    policy->rules[policy->count] = (struct policy_rule){.verdict = verdict};
    return read_rule(place, table, &policy->rules[policy->count++]);
}

static int read_rules(
    const struct place *place, struct policy *policy, const struct toml_value *root)
{
    static const char *const names[] = {
        [POLICY_ALLOW] = "allow", [POLICY_ASK] = "ask", [POLICY_DENY] = "deny"};
    for (size_t i = 0; i < root->count; i++) {
        const struct toml_member *member = &root->members[i];
        enum policy_verdict verdict = POLICY_NONE;
        for (enum policy_verdict known = POLICY_ALLOW; known <= POLICY_DENY; known++) {
            if (strcmp(member->key, names[known]) == 0)
                verdict = known;
        }
        if (verdict == POLICY_NONE || member->value->type != TOML_ARRAY)
            return wrong(place, member->line, member->column,
                "only [[deny]], [[ask]] and [[allow]] tables are known here");
        for (size_t j = 0; j < member->value->count; j++) {
            if (add_rule(place, policy, member->value->items[j], verdict) < 0)
                return -1;
        }
    }
    return 0;
}

int policy_parse(
    struct policy *policy, const char *text, size_t length, const char *name, struct error *error)
{
    struct toml_document *document = toml_parse(text, length, name, error);
    if (document == NULL)
        return -1;
    const struct place place = {name, error};
    int result = read_rules(&place, policy, toml_root(document));
    toml_free(document);
    return result;
}

int policy_load(struct policy *policy, const char *path, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_system(error, "open policy '%s'", path);
    struct buffer text;
    buffer_init(&text, TOML_SIZE_LIMIT);
    ssize_t count = -1;
    do {
        if (buffer_reserve(&text, 4096) < 0)
            break;
        count = read(fd, text.data + text.length, 4096);
        if (count > 0)
            text.length += (size_t)count;
    } while (count > 0 || (count < 0 && errno == EINTR));
    int result = count < 0 ? error_system(error, "read policy '%s'", path)
                           : policy_parse(policy, text.data, text.length, path, error);
    close(fd);
    buffer_release(&text);
    return result;
}
