#include "command.h"

#include "agent/tool_environment.h"
#include "data/json.h"
#include "io/paths.h"
#include "spill.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATHS_OPENED = 8, /* arguments of one call that are opened for reading */
    GRACE_MS = 500,   /* for a tool that has started others to end them; less than STOP_MS */
};

static void add(struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct command *command, const char *format, ...)
{
    char *word = NULL;
    va_list values;
    va_start(values, format);
    if (command->count == COMMAND_WORDS || vasprintf(&word, format, values) < 0)
        command->failed = true;
    else
        command->words[command->count++] = word;
    va_end(values);
}

bool command_jailed(const struct call *call)
{
    const char *choice = json_string(call->item, "sandbox_choice");
    if (call->tool->sandbox == TOOL_SANDBOX_SELF)
        return false;
    if (call->tool->sandbox == TOOL_SANDBOX_STRICT)
        return call->setting->mode != MODE_OFF;
    if (call->setting->mode == MODE_ALWAYS)
        return true;
    if (choice != NULL)
        return strcmp(choice, "off") != 0;
    return call->setting->mode == MODE_AUTO && !json_boolean(call->item, "seen", false);
}

/* Somebody who could see the path allowed it; a flag for all calls does not open a hidden one. */
static bool is_allowed_by_name(const struct call *call)
{
    const char *decider = json_string(call->item, "decided_by");
    return decider != NULL && strcmp(decider, "flag") != 0;
}

/* The directory that a file is in; false when it is not there. */
static bool find_directory(char *directory, const char *file, struct stat *status)
{
    const char *slash = strrchr(file, '/');
    snprintf(directory, PATH_MAX, "%.*s", slash != NULL ? (int)(slash - file) : 1,
        slash != NULL ? file : ".");
    return stat(directory, status) == 0;
}

/* A user's own tool lives in a directory that the sandbox hides, together with what belongs to it.
 * Around a program that lies elsewhere may be anything: all of the home directory, say. */
static void open_program(struct command *command, const struct tool_definition *tool)
{
    char directory[PATH_MAX], other[PATH_MAX];
    struct stat here, there;
    bool beside = find_directory(directory, tool->program, &here) &&
                  find_directory(other, tool->file, &there) && here.st_dev == there.st_dev &&
                  here.st_ino == there.st_ino;
    add(command, "--read");
    add(command, "%s", beside ? directory : tool->program);
}

/* What the sandbox hides but this call was allowed to have. */
static void open_paths(struct command *command, const struct call *call)
{
    const struct setting *setting = call->setting;
    for (const char **root = setting->roots; *root != NULL; root++) {
        add(command, call->tool->sandbox == TOOL_SANDBOX_STRICT ? "--read" : "--write");
        add(command, "%s", *root);
    }
    if (spill_directory() != NULL) {
        add(command, "--read");
        add(command, "%s", spill_directory());
    }
    open_program(command, call->tool);
    if (!call->tool->read_only || !is_allowed_by_name(call))
        return;
    const cJSON *path;
    int opened = 0;
    cJSON_ArrayForEach(path, json_array(call->item, "paths"))
    {
        if (!cJSON_IsString(path) || path->valuestring[0] != '/' || opened == PATHS_OPENED ||
            paths_inside(path->valuestring, setting->project) ||
            access(path->valuestring, F_OK) < 0)
            continue;
        add(command, "--read");
        add(command, "%s", path->valuestring);
        opened++;
    }
}

/* What no tool may see, also where it lies in something that was opened. */
static void hide_paths(struct command *command, const struct call *call)
{
    const struct scope *scope = &call->setting->scope;
    for (size_t i = 0; i < scope->denied_named; i++) {
        const char *path = scope->denied[i];
        if (access(path, F_OK) < 0 || paths_inside(call->setting->project, path))
            continue;
        add(command, "--hide");
        add(command, "%s", path);
    }
}

/* Variables of a tool that keeps itself in bounds: our settings, and what its needs name. */
static const char *const settings_passed[] = {"TURNSTONE_*", "TS_*", "XDG_*", NULL};
static const char *const network_passed[] = {"http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", NULL};
static const char *const model_passed[] = {"OPENAI_API_KEY", "OPENAI_BASE_URL", NULL};
static const char *const search_passed[] = {"TAVILY_API_KEY", NULL};
static const char *const nothing_passed[] = {NULL};

enum { PASSED_LISTS = 4 };

static void choose_passed(
    const struct tool_definition *tool, const char *const *lists[PASSED_LISTS])
{
    bool self = tool->sandbox == TOOL_SANDBOX_SELF;
    lists[0] = self ? settings_passed : nothing_passed;
    lists[1] = tool->needs != 0 ? network_passed : nothing_passed;
    lists[2] = (tool->needs & TOOL_NEEDS_MODEL) != 0 ? model_passed : nothing_passed;
    lists[3] = (tool->needs & TOOL_NEEDS_SEARCH) != 0 ? search_passed : nothing_passed;
}

static void pass_variables(struct command *command, const struct tool_definition *tool)
{
    const char *const *lists[PASSED_LISTS];
    choose_passed(tool, lists);
    for (int i = 0; i < PASSED_LISTS; i++) {
        for (const char *const *word = lists[i]; *word != NULL; word++) {
            add(command, "--pass");
            add(command, "%s", *word);
        }
    }
}

/* ts-jail itself gets no more than it passes on, and what tells it where our directories are: a
 * command outside a sandbox can read the environment of the process that started it. */
static bool wanted(const char *entry, const struct tool_definition *tool)
{
    const char *const *lists[PASSED_LISTS];
    if (!tool->state && tool_environment_matches(entry, "TS_STATE_DIR"))
        return false; /* not named to it: it would be another conversation's */
    choose_passed(tool, lists);
    for (int i = 0; i < PASSED_LISTS; i++) {
        for (const char *const *word = lists[i]; *word != NULL; word++) {
            if (tool_environment_matches(entry, *word))
                return true;
        }
    }
    return tool_environment_has(entry) || tool_environment_matches(entry, "XDG_*");
}

static int build_environment(struct command *command, const struct call *call, struct error *error)
{
    const struct tool_definition *tool = call->tool;
    unsigned secrets = 0;
    size_t count = 0;
    if ((tool->needs & TOOL_NEEDS_MODEL) != 0)
        secrets |= CONFIG_MODEL_SECRETS;
    if ((tool->needs & TOOL_NEEDS_SEARCH) != 0)
        secrets |= CONFIG_SEARCH_SECRETS;
    char **exported = config_export(call->setting->config, secrets);
    while (exported != NULL && exported[count] != NULL)
        count++;
    command->environment = exported != NULL ? calloc(count + 1, sizeof *exported) : NULL;
    char **next = command->environment;
    for (char **entry = exported; next != NULL && *entry != NULL; entry++) {
        if (!wanted(*entry, tool))
            continue;
        if ((*next++ = strdup(*entry)) == NULL)
            next = NULL;
    }
    return next != NULL ? 0 : error_set(error, "start ts-jail: out of memory");
}

int command_build(struct command *command, const struct call *call, struct error *error)
{
    const struct setting *setting = call->setting;
    *command = (struct command){.count = 0};
    if (paths_helper(command->path, sizeof command->path, "ts-jail", error) < 0)
        return -1;
    add(command, "ts-jail");
    add(command, "--profile");
    add(command, "%s", call->jailed ? "workspace" : "off");
    add(command, "--project");
    add(command, "%s", setting->project);
    add(command, "--timeout");
    add(command, "%.3f", call->timeout);
    add(command, "--memory");
    add(command, "%" PRId64, setting->memory);
    add(command, "--file-size");
    add(command, "%" PRId64, setting->file_size);
    if (call->tool->sandbox == TOOL_SANDBOX_SELF) {
        add(command, "--grace");
        add(command, "%.3f", (double)GRACE_MS / 1000);
    }
    if (call->jailed) {
        add(command, "--processes");
        add(command, "%" PRId64, setting->processes);
        open_paths(command, call);
        hide_paths(command, call);
        if (call->tool->network)
            add(command, "--network");
        if (call->tool->sandbox == TOOL_SANDBOX_STRICT)
            add(command, "--read-only");
    }
    if (call->tool->state) {
        add(command, "--state");
        add(command, "%s", setting->state_directory);
    }
    static const char *const descriptors[] = {"--keep-fd", "3", "--keep-fd", "4", "--status-fd",
        "5", "--env", "TS_EVENT_FD=3", "--env", "TS_ANSWER_FD=4"};
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++)
        add(command, "%s", descriptors[i]);
    pass_variables(command, call->tool);
    add(command, "--env");
    add(command, "TS_CALL_ID=%s", call->id);
    add(command, "--env");
    add(command, "TS_TOOL_TIMEOUT=%g", call->timeout);
    add(command, "--");
    add(command, "%s", call->tool->program);
    for (char **word = call->tool->argv; *word != NULL; word++)
        add(command, "%s", *word);
    add(command, "run");
    if (command->failed)
        return error_set(error, "start ts-jail: its command line is too long");
    return build_environment(command, call, error);
}

void command_release(struct command *command)
{
    for (size_t i = 0; i < command->count; i++)
        free(command->words[i]);
    command->count = 0;
    for (char **entry = command->environment; entry != NULL && *entry != NULL; entry++)
        free(*entry);
    free(command->environment);
    command->environment = NULL;
}
