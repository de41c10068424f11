#include "command.h"

#include "data/json.h"
#include "io/paths.h"
#include "spill.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATHS_OPENED = 8 }; /* arguments of one call that are opened for reading */

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
    if (call->setting->mode == MODE_ALWAYS)
        return true;
    if (choice != NULL)
        return strcmp(choice, "off") != 0;
    return call->setting->mode == MODE_AUTO && !json_boolean(call->item, "seen", false);
}

/* What the sandbox hides but this call was allowed to have. */
static void open_paths(struct command *command, const struct call *call)
{
    const struct setting *setting = call->setting;
    for (const char **root = setting->roots; *root != NULL; root++) {
        add(command, "--write");
        add(command, "%s", *root);
    }
    if (spill_directory() != NULL) {
        add(command, "--read");
        add(command, "%s", spill_directory());
    }
    /* A user's own tool lives in a directory that the sandbox hides. */
    const char *slash = strrchr(call->tool->program, '/');
    if (slash != NULL && slash != call->tool->program) {
        add(command, "--read");
        add(command, "%.*s", (int)(slash - call->tool->program), call->tool->program);
    }
    if (!call->tool->read_only)
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
    if (call->jailed) {
        add(command, "--processes");
        add(command, "%" PRId64, setting->processes);
        open_paths(command, call);
        hide_paths(command, call);
        if (call->tool->network)
            add(command, "--network");
    }
    if (call->tool->state) {
        add(command, "--state");
        add(command, "%s", setting->state_directory);
    }
    static const char *const descriptors[] = {"--keep-fd", "3", "--keep-fd", "4", "--status-fd",
        "5", "--env", "TS_EVENT_FD=3", "--env", "TS_ANSWER_FD=4"};
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++)
        add(command, "%s", descriptors[i]);
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
    return 0;
}

void command_release(struct command *command)
{
    for (size_t i = 0; i < command->count; i++)
        free(command->words[i]);
    command->count = 0;
}
