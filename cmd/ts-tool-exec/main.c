/*
 * ts-tool-exec: run what was decided, and say how each call ended.
 *
 * Lines it does not know pass through in order. A cancel line is held until the
 * results of what it cancelled have been put out, and what comes behind it
 * waits with it.
 */
#include "agent/project_tools.h"
#include "batch.h"
#include "common/mcp_tools.h"
#include "common/program.h"
#include "common/settings.h"
#include "common/stage.h"
#include "data/json.h"
#include "io/state_directory.h"
#include "io/paths.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTION_PROJECT = OPTION_LONG, HELD_LIMIT = 64 << 20 };

static const struct option_spec options[] = {
    {OPTION_PROJECT, "project", "DIR", "where tools work (default: the current directory)"},
    SETTINGS_OPTION_CONFIG,
    {0},
};

struct executor {
    struct stage stage;
    struct setting setting;
    struct audit audit;
    struct batches batches;
    struct config *config;
    struct buffer held; /* lines behind a cancel that is not done, each with its newline */
    char project[PATH_MAX];
    struct state_directory state;
    bool ending;
    int exit_code;
};

static void forward(struct executor *executor, const char *line, size_t length)
{
    if (executor->held.length == 0) {
        stage_put(&executor->stage, line, length);
    } else if (buffer_append(&executor->held, line, length) < 0 ||
               buffer_append_byte(&executor->held, '\n') < 0) {
        die(EXIT_SYSTEM, "hold lines back: %s", strerror(errno));
    }
}

static void put_held(struct executor *executor)
{
    const char *at = executor->held.data;
    const char *end = at + executor->held.length;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (newline > at) /* the first is only a mark */
            stage_put(&executor->stage, at, (size_t)(newline - at));
        at = newline + 1;
    }
    buffer_clear(&executor->held);
}

static void idle(void *context)
{
    struct executor *executor = context;
    put_held(executor);
    if (executor->ending)
        stage_finish(&executor->stage, executor->exit_code);
}

static void take_line(void *context, cJSON *tree, const char *line, size_t length)
{
    struct executor *executor = context;
    const char *type = json_string(tree, "type");
    if (type != NULL && batches_take_nested(&executor->batches, tree, line, length))
        return;
    if (type != NULL && strcmp(type, "decided") == 0) {
        batches_add(&executor->batches, tree);
    } else if (type != NULL && strcmp(type, "cancel") == 0) {
        if (!batches_idle(&executor->batches) && executor->held.length == 0 &&
            buffer_append_byte(&executor->held, '\n') < 0)
            die(EXIT_SYSTEM, "out of memory");
        batches_stop(&executor->batches, json_string(tree, "batch_id"), END_CANCELLED);
        forward(executor, line, length);
    } else {
        forward(executor, line, length);
    }
}

static void input_ended(void *context)
{
    struct executor *executor = context;
    executor->ending = true;
    batches_abandon_nested(&executor->batches);
    if (batches_idle(&executor->batches))
        stage_finish(&executor->stage, executor->exit_code);
}

static void release(struct executor *executor)
{
    struct error error;
    batches_release(&executor->batches);
    for (const char **root = executor->setting.roots; *root != NULL; root++)
        free((char *)*root);
    free(executor->setting.roots);
    scope_release(&executor->setting.scope);
    tool_set_release(&executor->setting.tools);
    audit_release(&executor->audit);
    config_free(executor->config);
    buffer_release(&executor->held);
    if (state_directory_release(&executor->state, &error) < 0)
        warn("%s", error.text);
}

/* Results are still written, unless nobody reads them. */
static bool take_signal(void *context, int signal)
{
    struct executor *executor = context;
    if (signal == SIGPIPE) {
        release(executor);
        return true;
    }
    executor->ending = true;
    executor->exit_code = 128 + signal;
    executor->batches.stopping = true;
    if (batches_idle(&executor->batches))
        stage_finish(&executor->stage, executor->exit_code);
    else
        batches_stop(&executor->batches, NULL, END_INTERRUPTED);
    return false;
}

/* Directories that are there; one that is not can hide nothing. */
static const char **find_roots(const struct executor *executor)
{
    size_t count = config_list_size(executor->config, "tools.roots");
    const char **roots = stage_need(calloc(count + 1, sizeof *roots));
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        char path[PATH_MAX];
        struct error error;
        if (paths_resolve(path, sizeof path, executor->project,
                config_list_item(executor->config, "tools.roots", i), &error) < 0)
            die(EXIT_CONFIG, "tools.roots: %s", error.text);
        if (access(path, F_OK) == 0)
            roots[found++] = stage_need(strdup(path));
    }
    return roots;
}

static enum sandbox_mode find_mode(const struct config *config)
{
    const char *mode = config_text(config, "tools.sandbox");
    return strcmp(mode, "always") == 0 ? MODE_ALWAYS
           : strcmp(mode, "off") == 0  ? MODE_OFF
                                       : MODE_AUTO;
}

static void prepare(struct executor *executor)
{
    struct setting *setting = &executor->setting;
    struct error error;
    if (tool_set_load(&setting->tools, config_text(executor->config, "tools.tools_dir"), &error) <
            0 ||
        project_tools_add(&setting->tools, executor->project, NULL, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
    mcp_tools_take(&setting->tools, executor->config);
    setting->stage = &executor->stage;
    setting->config = executor->config;
    setting->audit = &executor->audit;
    setting->project = executor->project;
    setting->state_directory = executor->state.path;
    setting->mode = find_mode(executor->config);
    setting->timeout = (double)config_integer(executor->config, "tools.timeout");
    setting->truncation = (size_t)config_integer(executor->config, "tools.truncation");
    setting->roots = find_roots(executor);
    if (audit_init(&executor->audit, executor->config, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    if (scope_init(&setting->scope, setting->project, executor->config, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
    setting->memory = config_integer(executor->config, "tools.memory_mib");
    setting->processes = config_integer(executor->config, "tools.processes");
    setting->file_size = config_integer(executor->config, "tools.file_size_mib");
#ifdef __SANITIZE_ADDRESS__
    setting->memory = 0; /* the sanitizer's shadow of 20 TiB counts as data */
#endif
    executor->batches = (struct batches){.setting = setting, .idle = idle, .context = executor};
    executor->stage = (struct stage){
        .program = "ts-tool-exec",
        .line = take_line,
        .ended = input_ended,
        .signal = take_signal,
        .context = executor,
    };
    buffer_init(&executor->held, HELD_LIMIT);
}

int main(int argc, char **argv)
{
    static struct executor executor;
    static struct settings settings;
    struct program program = {
        .name = "ts-tool-exec",
        .synopsis = "[options] < decided-batches",
        .purpose = "runs decided tool calls and puts one result out for each",
        .options = options,
        .shared_options = config_options(CONFIG_FOR_TOOLS | CONFIG_FOR_EXEC),
    };
    struct error error;
    const char *value;
    const char *project = ".";
    char directory[PATH_MAX];
    int option;
    program_start(&program, argc, argv);
    while ((option = program_option(&value)) != OPTION_END) {
        if (!settings_take(&settings, option, value))
            project = value;
    }
    if (argv[program_operand()] != NULL)
        die_usage("unexpected argument '%s'", argv[program_operand()]);
    executor.config = settings_load(&settings);
    if (getcwd(directory, sizeof directory) == NULL)
        die(EXIT_SYSTEM, "find the current directory: %s", strerror(errno));
    if (paths_resolve(executor.project, sizeof executor.project, directory, project, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    prepare(&executor);
    if (state_directory_take(&executor.state, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    stage_start(&executor.stage);
    int code = stage_run(&executor.stage);
    release(&executor);
    return code;
}
