#include "agent/policy.h"

#include "agent/glob.h"
#include "agent/shell_split.h"
#include "agent/url_pattern.h"
#include "base/buffer.h"
#include "data/json.h"
#include "io/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_LIMIT = 64 << 20 }; /* bytes of an argument that is matched as JSON */

/* A call, and what its command consists of. */
struct case_file {
    const struct policy_call *call;
    bool has_command;
    bool unreadable; /* the command could not be split */
    struct shell_commands commands;
};

/* How far a rule's patterns fit. MAYBE: what it fits is certain only when it runs. */
enum fit { FIT_NO, FIT_MAYBE, FIT_YES };

static bool is_path(const struct policy_call *call, const char *text)
{
    const cJSON *path;
    cJSON_ArrayForEach(path, call->paths)
    {
        if (cJSON_IsString(path) && strcmp(path->valuestring, text) == 0)
            return true;
    }
    return false;
}

static bool path_matches(const struct policy_call *call, const char *pattern, const char *path)
{
    char expanded[PATH_MAX];
    if (paths_expand_home(expanded, sizeof expanded, pattern, NULL) < 0)
        return false;
    const char *base = strcmp(call->project, "/") == 0 ? "" : call->project;
    if (expanded[0] == '/')
        return glob_match(GLOB_PATH, expanded, path);
    /* A project whose own name holds pattern characters must not match as a pattern. */
    if (!paths_inside(path, call->project))
        return false;
    const char *below = path + strlen(base);
    below += *below == '/';
    if (strncmp(expanded, "**/", 3) == 0 && glob_match(GLOB_PATH, expanded + 3, below))
        return true;
    return glob_match(GLOB_PATH, strcmp(expanded, ".") == 0 ? "" : expanded, below);
}

/* Commands. */

/* Commands that run the command behind them. */
static bool is_wrapper(const char *text, size_t length)
{
    static const char *const wrappers[] = {"sudo", "doas", "pkexec", "su", "runuser", "env",
        "nohup", "nice", "ionice", "chrt", "taskset", "prlimit", "timeout", "stdbuf", "setsid",
        "setpriv", "flock", "script", "strace", "ltrace", "gdb", "xargs", "exec", "command",
        "builtin", "jobs", "busybox", "toybox", "chroot", "unshare", "nsenter", "bwrap",
        "systemd-run", "find", "fd", "watch", "entr", "parallel", "sh", "bash", "dash", "zsh",
        "ksh", "ash", "ssh", "ts-jail", "-p", "--"};
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++) {
        if (length == strlen(wrappers[i]) && strncmp(text, wrappers[i], length) == 0)
            return true;
    }
    return false;
}

/* From the last '/' of the command's name on. */
static const char *without_directory(const char *text)
{
    const char *name = text;
    for (const char *at = text; *at != ' ' && *at != '\0'; at++) {
        if (*at == '/')
            name = at + 1;
    }
    return name;
}

/* A pattern against a text of which only the first bytes are certain. */
static enum fit uncertain_fit(const char *pattern, const char *text, size_t literal)
{
    size_t same = 0;
    while (same < literal && pattern[same] == text[same] && strchr("*?\\", pattern[same]) == NULL)
        same++;
    bool fits = same == literal || (pattern[same] != '\0' && strchr("*?\\", pattern[same]) != NULL);
    return fits ? FIT_MAYBE : FIT_NO;
}

static enum fit text_fit(const char *pattern, const char *text, size_t literal)
{
    if (glob_match(GLOB_TEXT, pattern, text))
        return FIT_YES;
    return literal < strlen(text) ? uncertain_fit(pattern, text, literal) : FIT_NO;
}

/* For deny and ask: every guise of the command that is known is tried. */
static enum fit prohibition_fit(const char *pattern, const struct shell_command *command)
{
    const char *text = command->text + command->command;
    size_t literal = command->literal > command->command ? command->literal - command->command : 0;
    enum fit best = text_fit(pattern, command->text, command->literal);
    const char *name = without_directory(text);
    bool wrapped = is_wrapper(name, strcspn(name, " "));
    for (const char *at = text; best != FIT_YES && *at != '\0';) {
        size_t left = literal > (size_t)(at - text) ? literal - (size_t)(at - text) : 0;
        enum fit fit = text_fit(pattern, at, left);
        best = fit > best ? fit : best;
        const char *plain = without_directory(at);
        left = literal > (size_t)(plain - text) ? literal - (size_t)(plain - text) : 0;
        fit = plain != at ? text_fit(pattern, plain, left) : FIT_NO;
        best = fit > best ? fit : best;
        if (!wrapped)
            break;
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return best;
}

/* The file a word names, its links followed, as the shell would open it in the project; below the
 * project without the project's own name. false: it is known only when it runs, or is no path. */
static bool resolve_word(
    const struct policy_call *call, const char *word, size_t length, char *path, size_t size)
{
    char given[PATH_MAX];
    if (length == 0 || length >= sizeof given || call->project == NULL)
        return false;
    memcpy(given, word, length);
    given[length] = '\0';
    return paths_resolve(path, size, call->project, given, NULL) == 0;
}

/* "text" for "> PATH" and for "/a/link ARGUMENTS" with the path as it really is. */
static enum fit resolved_fit(
    const struct policy_call *call, const char *pattern, const struct shell_command *command)
{
    const char *text = command->text + command->command;
    bool redirects = strncmp(text, "> ", 2) == 0 || strncmp(text, "< ", 2) == 0;
    const char *word = redirects ? text + 2 : text;
    size_t length = redirects ? strlen(word) : strcspn(word, " ");
    char path[PATH_MAX], whole[PATH_MAX * 2];
    if (command->literal < (size_t)(word - command->text) + length ||
        (!redirects && memchr(word, '/', length) == NULL) ||
        !resolve_word(call, word, length, path, sizeof path))
        return FIT_NO;
    const char *forms[] = {path, redirects ? path : without_directory(path)};
    if (redirects && paths_inside(path, call->project) && strcmp(call->project, "/") != 0)
        forms[1] = path + strlen(call->project) + (path[strlen(call->project)] == '/');
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        int needed = snprintf(whole, sizeof whole, "%.2s%s%s", redirects ? text : "", forms[i],
            redirects ? "" : word + length);
        if (needed < (int)sizeof whole && glob_match(GLOB_TEXT, pattern, whole))
            return FIT_YES;
    }
    return FIT_NO;
}

static enum fit command_prohibited(const struct case_file *file, char *const *patterns)
{
    if (file->unreadable)
        return FIT_MAYBE;
    enum fit best = FIT_NO;
    for (; *patterns != NULL; patterns++) {
        for (size_t i = 0; i < file->commands.count && best != FIT_YES; i++) {
            enum fit fit = prohibition_fit(*patterns, &file->commands.items[i]);
            if (fit == FIT_NO)
                fit = resolved_fit(file->call, *patterns, &file->commands.items[i]);
            best = fit > best ? fit : best;
        }
    }
    return best;
}

/* Arguments. */

static enum fit url_fit(char *const *patterns, const char *text, bool allow)
{
    static const enum fit fits[] = {
        [URL_FIT_NO] = FIT_NO, [URL_FIT_MAYBE] = FIT_MAYBE, [URL_FIT_YES] = FIT_YES};
    enum fit best = FIT_NO;
    for (; *patterns != NULL && best != FIT_YES; patterns++) {
        enum fit fit = fits[allow ? url_pattern_allows(*patterns, text)
                                  : url_pattern_forbids(*patterns, text)];
        best = fit > best ? fit : best;
    }
    return best;
}

static enum fit value_fit(
    const struct policy_call *call, char *const *patterns, const char *text, bool allow)
{
    bool path = is_path(call, text);
    if (!path && url_like(text))
        return url_fit(patterns, text, allow);
    for (; *patterns != NULL; patterns++) {
        if (path ? path_matches(call, *patterns, text) : glob_match(GLOB_TEXT, *patterns, text))
            return FIT_YES;
        if (path && !allow && glob_match(GLOB_TEXT, *patterns, text))
            return FIT_YES;
    }
    return FIT_NO;
}

/* A value that is no text is matched as its JSON; of a list, every item for allow, any else. */
static enum fit argument_fit(const struct policy_call *call, const struct policy_argument *argument,
    const cJSON *value, bool allow)
{
    if (cJSON_IsString(value))
        return value_fit(call, argument->patterns, value->valuestring, allow);
    if (cJSON_IsArray(value)) {
        const cJSON *item;
        enum fit whole = allow && cJSON_GetArraySize(value) > 0 ? FIT_YES : FIT_NO;
        cJSON_ArrayForEach(item, value)
        {
            enum fit fit = argument_fit(call, argument, item, allow);
            if (allow ? fit < whole : fit > whole)
                whole = fit;
        }
        return whole;
    }
    struct buffer text;
    buffer_init(&text, VALUE_LIMIT);
    enum fit fit = json_append(&text, value) == 0
                       ? value_fit(call, argument->patterns, text.data, allow)
                       : FIT_NO;
    buffer_release(&text);
    return fit;
}

static bool is_command(const struct case_file *file, const struct policy_argument *argument)
{
    return file->has_command && strcmp(argument->name, "command") == 0;
}

/* The tool and all arguments but the command. */
static enum fit rest_fit(const struct case_file *file, const struct policy_rule *rule)
{
    const struct policy_call *call = file->call;
    enum fit worst = FIT_YES;
    if (!glob_match(GLOB_TEXT, rule->tool, call->tool))
        return FIT_NO;
    for (size_t i = 0; i < rule->argument_count; i++) {
        const struct policy_argument *argument = &rule->arguments[i];
        const cJSON *value = json_get(call->arguments, argument->name);
        if (is_command(file, argument))
            continue;
        enum fit fit = value != NULL
                           ? argument_fit(call, argument, value, rule->verdict == POLICY_ALLOW)
                           : FIT_NO;
        worst = fit < worst ? fit : worst;
    }
    return worst;
}

static const struct policy_argument *command_of(
    const struct case_file *file, const struct policy_rule *rule)
{
    for (size_t i = 0; i < rule->argument_count; i++) {
        if (is_command(file, &rule->arguments[i]))
            return &rule->arguments[i];
    }
    return NULL;
}

static bool names_a_path(const struct policy_call *call, const struct policy_rule *rule)
{
    for (size_t i = 0; i < rule->argument_count; i++) {
        const char *text = json_string(call->arguments, rule->arguments[i].name);
        if (text != NULL && is_path(call, text))
            return true;
    }
    return false;
}

/* Verdicts. */

static enum fit prohibition(const struct case_file *file, const struct policy_rule *rule)
{
    enum fit rest = rest_fit(file, rule);
    const struct policy_argument *command = command_of(file, rule);
    if (rest == FIT_NO || command == NULL)
        return rest;
    enum fit fit = command_prohibited(file, command->patterns);
    return fit < rest ? fit : rest;
}

static void note_allow(struct policy_decision *decision, const struct policy_rule *rule)
{
    decision->rule = rule;
    if (rule->sandbox == POLICY_SANDBOX_UNSAID)
        return;
    if (decision->sandbox == POLICY_SANDBOX_UNSAID || rule->sandbox == POLICY_SANDBOX_WORKSPACE)
        decision->sandbox = rule->sandbox;
}

static bool allows_command(const struct case_file *file, const struct policy_rule *rule,
    const struct shell_command *command)
{
    const struct policy_argument *argument = command_of(file, rule);
    if (argument == NULL)
        return true;
    for (char **pattern = argument->patterns; *pattern != NULL; pattern++) {
        if (glob_match(GLOB_TEXT, *pattern, command->text))
            return true;
    }
    return false;
}

/* The first allow rule for one of the call's commands; command NULL: for the call as a whole. */
static const struct policy_rule *find_allow(
    const struct policy *policy, const struct case_file *file, const struct shell_command *command)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        if (rule->verdict != POLICY_ALLOW || rest_fit(file, rule) != FIT_YES ||
            (file->call->outside && !names_a_path(file->call, rule)))
            continue;
        if (command != NULL ? allows_command(file, rule, command) : command_of(file, rule) == NULL)
            return rule;
    }
    return NULL;
}

static void decide_allow(
    const struct policy *policy, const struct case_file *file, struct policy_decision *decision)
{
    const struct policy_rule *whole = find_allow(policy, file, NULL);
    struct policy_decision allowed = {.verdict = POLICY_ALLOW};
    if (whole != NULL) {
        note_allow(&allowed, whole);
        *decision = allowed;
        return;
    }
    if (!file->has_command || file->unreadable || file->commands.count == 0)
        return;
    for (size_t i = 0; i < file->commands.count; i++) {
        const struct policy_rule *rule = find_allow(policy, file, &file->commands.items[i]);
        if (rule == NULL)
            return;
        note_allow(&allowed, rule);
    }
    *decision = allowed;
}

static void decide(
    const struct policy *policy, const struct case_file *file, struct policy_decision *decision)
{
    const struct policy_rule *asking = NULL;
    bool maybe = false;
    for (size_t i = 0; i < policy->count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        if (rule->verdict == POLICY_ALLOW)
            continue;
        enum fit fit = prohibition(file, rule);
        if (fit == FIT_YES && rule->verdict == POLICY_DENY) {
            *decision = (struct policy_decision){.verdict = POLICY_DENY, .rule = rule};
            return;
        }
        if (fit == FIT_YES && asking == NULL)
            asking = rule;
        maybe = maybe || fit == FIT_MAYBE;
    }
    *decision = (struct policy_decision){0};
    if (asking != NULL || maybe) {
        decision->verdict = POLICY_ASK;
        decision->rule = asking;
        decision->note = asking != NULL ? NULL : "what the call does is known only when it runs";
        return;
    }
    decide_allow(policy, file, decision);
}

void policy_decide(
    const struct policy *policy, const struct policy_call *call, struct policy_decision *decision)
{
    const char *command = json_string(call->arguments, "command");
    struct case_file file = {.call = call, .has_command = command != NULL};
    if (command != NULL && policy->count > 0)
        file.unreadable = shell_split(command, &file.commands, NULL) < 0;
    decide(policy, &file, decision);
    shell_commands_release(&file.commands);
}

/* For people. */

static void find_rules(
    const struct policy *policy, const struct case_file *file, struct policy_part *part)
{
    for (size_t i = 0; i < policy->count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        enum fit fit = rule->verdict == POLICY_ALLOW ? FIT_NO : prohibition(file, rule);
        const struct policy_rule **place = rule->verdict == POLICY_DENY ? &part->deny : &part->ask;
        if (fit == FIT_MAYBE)
            place = &part->maybe;
        if (fit != FIT_NO && *place == NULL)
            *place = rule;
    }
    part->allow = find_allow(policy, file, NULL);
    if (part->allow == NULL && file->commands.count > 0)
        part->allow = find_allow(policy, file, &file->commands.items[0]);
}

int policy_parts(const struct policy *policy, const struct policy_call *call,
    void (*take)(void *context, const struct policy_part *part), void *context, struct error *error)
{
    const char *command = json_string(call->arguments, "command");
    struct shell_commands commands = {0};
    if (command != NULL && shell_split(command, &commands, error) < 0)
        return -1;
    struct case_file file = {.call = call, .has_command = command != NULL};
    struct policy_part part = {0};
    if (command == NULL) {
        find_rules(policy, &file, &part);
        take(context, &part);
    }
    for (size_t i = 0; i < commands.count; i++) {
        file.commands = (struct shell_commands){.items = &commands.items[i], .count = 1};
        part = (struct policy_part){.text = commands.items[i].text};
        find_rules(policy, &file, &part);
        take(context, &part);
    }
    shell_commands_release(&commands);
    return 0;
}
