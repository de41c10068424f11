/*
 * What 'always' covers. Never everything: for a shell command each of its
 * simple commands, and beyond its very words only where the beginning says
 * what it does ("git status *", "ls *"); for a tool with paths, the tool inside
 * the project, or exactly that path; for any other tool, the tool.
 */
#include "agent/glob.h"
#include "agent/shell_split.h"
#include "base/buffer.h"
#include "common/program.h"
#include "data/json.h"
#include "io/paths.h"
#include "ts-approve/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LIMIT = 1 << 20, RULES_MOST = 4096 };

typedef void take_rule(void *context, const char *tool, const char *pattern, bool is_path);

static bool is_one_of(const char *text, size_t length, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strlen(*list) == length && strncmp(text, *list, length) == 0)
            return true;
    }
    return false;
}

static void need(int result)
{
    if (result < 0)
        die(EXIT_SYSTEM, "remember a decision: %s", strerror(errno));
}

/* Append text so that it matches only itself. */
static void append_literal(struct buffer *pattern, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr("*?\\", text[i]) != NULL)
            need(buffer_append_byte(pattern, '\\'));
        need(buffer_append_byte(pattern, text[i]));
    }
}

/* How much of a command's beginning tells what kind it is; 0: all of it is needed. */
static size_t telling_length(const struct shell_command *command)
{
    static const char *const readers[] = {"ls", "cat", "head", "tail", "wc", "grep", "pwd", "echo",
        "stat", "file", "du", "df", "diff", "cmp", "tree", "which", NULL};
    static const char *const with_verbs[] = {
        "git", "npm", "cargo", "go", "make", "docker", "kubectl", "pip", "apt", "systemctl", NULL};
    const char *text = command->text;
    size_t name = strcspn(text, " ");
    if (command->command != 0 || command->literal < name)
        return 0;
    if (is_one_of(text, name, readers))
        return name;
    if (!is_one_of(text, name, with_verbs) || text[name] == '\0')
        return 0;
    size_t verb = strspn(text + name + 1, "abcdefghijklmnopqrstuvwxyz-");
    size_t length = name + 1 + verb;
    bool whole = text[length] == ' ' || text[length] == '\0';
    return verb > 0 && text[name + 1] != '-' && whole && command->literal >= length ? length : 0;
}

static void take_command(
    const char *tool, const struct shell_command *command, take_rule *take, void *context)
{
    struct buffer pattern;
    size_t telling = telling_length(command);
    buffer_init(&pattern, TEXT_LIMIT);
    append_literal(&pattern, command->text, telling > 0 ? telling : strlen(command->text));
    if (telling > 0)
        need(buffer_append_text(&pattern, " *"));
    take(context, tool, pattern.data, false);
    buffer_release(&pattern);
}

static bool take_commands(const char *tool, const char *command, take_rule *take, void *context)
{
    struct shell_commands commands;
    if (shell_split(command, &commands, NULL) < 0)
        return false;
    for (size_t i = 0; i < commands.count; i++)
        take_command(tool, &commands.items[i], take, context);
    bool some = commands.count > 0;
    shell_commands_release(&commands);
    return some;
}

static void take_paths(const struct approver *approver, const char *tool, const cJSON *paths,
    take_rule *take, void *context)
{
    const cJSON *path;
    cJSON_ArrayForEach(path, paths)
    {
        struct buffer pattern;
        const char *text = cJSON_IsString(path) ? path->valuestring : "";
        bool inside = paths_inside(text, approver->project);
        buffer_init(&pattern, TEXT_LIMIT);
        append_literal(
            &pattern, inside ? approver->project : text, strlen(inside ? approver->project : text));
        if (inside)
            need(buffer_append_text(&pattern, "/**"));
        take(context, tool, pattern.data, true);
        buffer_release(&pattern);
    }
}

/* Of a tool that others define, and may define otherwise tomorrow (MCP). */
static const char *definition_of(const struct entry *entry)
{
    return json_string(entry->item, "definition_hash");
}

/* Hand out the rules that an 'always' for this call stands for; false: there can be none. */
static bool rules_for(
    const struct approver *approver, const struct entry *entry, take_rule *take, void *context)
{
    const char *tool = json_string(entry->item, "func_name");
    const cJSON *paths = json_array(entry->item, "paths");
    const char *command = json_string(json_get(entry->item, "arguments"), "command");
    if (tool == NULL || json_boolean(entry->item, "repaired", false))
        return false;
    if (definition_of(entry) != NULL) {
        struct buffer pattern;
        buffer_init(&pattern, TEXT_LIMIT);
        append_literal(&pattern, definition_of(entry), strlen(definition_of(entry)));
        take(context, tool, pattern.data, false);
        buffer_release(&pattern);
        return true;
    }
    if (command != NULL)
        return take_commands(tool, command, take, context);
    if (paths != NULL && paths->child != NULL)
        take_paths(approver, tool, paths, take, context);
    else
        take(context, tool, NULL, false);
    return true;
}

static void describe_rule(void *context, const char *tool, const char *pattern, bool is_path)
{
    struct buffer *text = context;
    (void)is_path;
    if (text->length > 0)
        need(buffer_append_text(text, "; "));
    need(buffer_printf(text, "%s%s%s", tool, pattern != NULL ? ": " : "",
        pattern != NULL ? pattern : ", whatever its arguments"));
}

static char *describe_definition(const struct entry *entry)
{
    struct buffer text;
    const char *tool = json_string(entry->item, "func_name");
    if (tool == NULL || json_boolean(entry->item, "repaired", false))
        return NULL;
    buffer_init(&text, TEXT_LIMIT);
    need(buffer_printf(&text, "%s, whatever its arguments, while its definition is this", tool));
    return stage_need(buffer_take(&text));
}

char *always_describe(const struct approver *approver, const struct entry *entry)
{
    struct buffer text;
    if (definition_of(entry) != NULL)
        return describe_definition(entry);
    buffer_init(&text, TEXT_LIMIT * 2);
    char *result = NULL;
    if (rules_for(approver, entry, describe_rule, &text))
        result = stage_need(buffer_take(&text));
    buffer_release(&text);
    return result;
}

static void remember_rule(void *context, const char *tool, const char *pattern, bool is_path)
{
    struct approver *approver = context;
    size_t count = 0;
    for (const struct always_rule *rule = approver->always; rule != NULL; rule = rule->next) {
        bool same = pattern != NULL && rule->pattern != NULL ? strcmp(pattern, rule->pattern) == 0
                                                             : pattern == rule->pattern;
        if (same && strcmp(rule->tool, tool) == 0)
            return;
        if (++count == RULES_MOST)
            return;
    }
    struct always_rule *rule = stage_need(calloc(1, sizeof *rule));
    rule->tool = stage_need(strdup(tool));
    rule->pattern = pattern != NULL ? stage_need(strdup(pattern)) : NULL;
    rule->is_path = is_path;
    rule->next = approver->always;
    approver->always = rule;
}

/* The store's rules of this session. Without a session a rule must not outlive the process: it
 * would hold for whatever runs by hand later. */
static struct store *rule_store(struct approver *approver, bool only_look, const char **session)
{
    struct store *store = record_store(approver, only_look, session);
    return (*session)[0] != '\0' ? store : NULL;
}

static void store_rule(void *context, const char *tool, const char *pattern, bool is_path)
{
    struct approver *approver = context;
    struct store_rule rule = {.tool = tool, .pattern = pattern, .is_path = is_path};
    struct error error;
    struct store *store = rule_store(approver, false, &rule.session_id);
    if (store == NULL)
        remember_rule(approver, tool, pattern, is_path);
    else if (store_rule_add(store, &rule, &error) < 0)
        warn("remember a decision: %s", error.text);
}

void always_add(struct approver *approver, const struct entry *entry)
{
    rules_for(approver, entry, store_rule, approver);
    always_forget(approver);
}

static int take_stored(void *context, const struct store_rule *rule, struct error *error)
{
    (void)error;
    remember_rule(context, rule->tool, rule->pattern, rule->is_path);
    return 0;
}

void always_forget(struct approver *approver)
{
    approver->always_known = false;
}

static void read_rules(struct approver *approver)
{
    const char *session;
    struct error error;
    struct store *store = rule_store(approver, true, &session);
    approver->always_known = true;
    if (store == NULL)
        return;
    always_release(approver);
    if (store_rule_list(store, session, take_stored, approver, &error) < 0) {
        warn("read the session's rules: %s", error.text);
        always_release(approver);
    }
}

static bool covered(
    const struct approver *approver, const char *tool, const char *text, bool is_path)
{
    for (const struct always_rule *rule = approver->always; rule != NULL; rule = rule->next) {
        if (strcmp(rule->tool, tool) == 0 && rule->is_path == is_path &&
            (rule->pattern == NULL ||
                glob_match(is_path ? GLOB_PATH : GLOB_TEXT, rule->pattern, text)))
            return true;
    }
    return false;
}

bool always_covers(struct approver *approver, const struct entry *entry)
{
    const char *tool = json_string(entry->item, "func_name");
    const char *command = json_string(json_get(entry->item, "arguments"), "command");
    const cJSON *paths = json_array(entry->item, "paths"), *path;
    const char *definition = definition_of(entry);
    if (json_boolean(entry->item, "repaired", false))
        return false;
    if (!approver->always_known)
        read_rules(approver);
    bool all = true;
    if (definition != NULL) {
        all = covered(approver, tool, definition, false);
    } else if (command != NULL) {
        struct shell_commands commands;
        if (shell_split(command, &commands, NULL) < 0)
            return false;
        for (size_t i = 0; i < commands.count; i++)
            all = all && covered(approver, tool, commands.items[i].text, false);
        all = all && commands.count > 0;
        shell_commands_release(&commands);
    } else if (paths != NULL && paths->child != NULL) {
        cJSON_ArrayForEach(path, paths)
        {
            all = all && cJSON_IsString(path) && covered(approver, tool, path->valuestring, true);
        }
    } else {
        all = covered(approver, tool, "", false);
    }
    return all;
}

void always_release(struct approver *approver)
{
    while (approver->always != NULL) {
        struct always_rule *rule = approver->always;
        approver->always = rule->next;
        free(rule->tool);
        free(rule->pattern);
        free(rule);
    }
}
