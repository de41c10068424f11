#include "ts-tool-prep/preview.h"

#include "agent/project_tools.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/exit_code.h"
#include "common/jailed_child.h"
#include "data/json.h"
#include "io/paths.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ANSWER_LIMIT = 4 << 20, /* bytes of one answer */
    COMPLAINT_LIMIT = 4096, /* bytes of stderr and of the jail's report that are kept */
    PATIENCE = 5,
    GRACE_MS = 1000, /* for ts-jail to end what it started */
    PATHS_MOST = 8,  /* paths outside the project that are opened */
    WORDS_MOST = 96, /* argv of ts-jail: the options and the tool's own words */
    TEXT_SIZE = PATH_MAX + 32,
};

/* The program's descriptors, besides its arguments on 0. */
enum stream { STREAM_ANSWER = 1, STREAM_COMPLAINT, STREAM_JAIL, STREAM_COUNT };

struct preview {
    struct preview_setting setting;
    const struct tool_definition *tool;
    char *call_id;
    cJSON *paths;  /* of the call, resolved */
    int arguments; /* a memory file that holds them */
    struct jailed_child child;
    struct buffer texts[STREAM_COUNT];
    bool unjailed;
    bool too_long;
    struct loop_timer timer;
    bool timed_out;
    bool patient; /* the second try, with PATIENCE times the time: the machine may be busy */
    preview_done *done;
    void *context;
};

static int launch(struct preview *preview, struct error *error);

/* The end. */

static void preview_free(struct preview *preview)
{
    loop_timer_cancel(preview->setting.loop, &preview->timer);
    for (int i = 0; i < STREAM_COUNT; i++)
        buffer_release(&preview->texts[i]);
    close_descriptor(&preview->arguments);
    free(preview->call_id);
    json_free(preview->paths);
    free(preview);
}

void preview_cancel(struct preview *preview)
{
    jailed_child_kill(&preview->child, 0);
    preview_free(preview);
}

static void finish(
    struct preview *preview, enum preview_outcome outcome, cJSON *answer, const struct error *error)
{
    preview->done(preview->context, outcome, answer, error);
    preview_free(preview);
}

/* What the jail reported when it could not be built; NULL: it could. The caller frees it. */
static char *jail_failure(const struct preview *preview)
{
    cJSON *report = jailed_child_report(preview->texts[STREAM_JAIL].data, "failed");
    const char *why = json_string(report, "message");
    char *message = report != NULL ? strdup(why != NULL ? why : "ts-jail failed") : NULL;
    json_free(report);
    return message;
}

static void complain(const struct preview *preview, int status, struct error *error)
{
    const char *name = preview->tool->name;
    size_t length = strcspn(preview->texts[STREAM_COMPLAINT].data, "\n");
    if (preview->timed_out || status == EXIT_TIMED_OUT)
        error_set(error, "the preview of %s took longer than %lld ms", name,
            (long long)preview->setting.milliseconds);
    else if (length > 0)
        error_set(error, "the preview of %s failed: %.*s", name, (int)length,
            preview->texts[STREAM_COMPLAINT].data);
    else
        error_set(error, "the preview of %s failed with exit code %d", name, status);
}

static void start_again(struct preview *preview)
{
    struct error error;
    preview->timed_out = false;
    if (launch(preview, &error) < 0)
        finish(preview, PREVIEW_FAILED, NULL, &error);
}

static void evaluate(struct preview *preview, int status)
{
    struct error error = {.text = ""};
    char *refusal = jail_failure(preview);
    if (refusal != NULL && preview->setting.sandbox_off && !preview->unjailed) {
        free(refusal);
        preview->unjailed = true;
        start_again(preview);
        return;
    }
    if (refusal == NULL && (preview->timed_out || status == EXIT_TIMED_OUT) && !preview->patient) {
        preview->patient = true;
        preview->setting.milliseconds *= PATIENCE;
        start_again(preview);
        return;
    }
    if (refusal != NULL) {
        error_set(&error, "%s", refusal);
        free(refusal);
        finish(preview, PREVIEW_JAILED_NOT, NULL, &error);
        return;
    }
    cJSON *answer = NULL;
    if (preview->too_long)
        error_set(
            &error, "the preview of %s is longer than %d bytes", preview->tool->name, ANSWER_LIMIT);
    else if (status != 0)
        complain(preview, status, &error);
    else if ((answer = json_parse_object(preview->texts[STREAM_ANSWER].data,
                  preview->texts[STREAM_ANSWER].length, &error)) == NULL)
        error_prefix(&error, "the preview of %s is no JSON object: ", preview->tool->name);
    finish(preview, answer != NULL ? PREVIEW_MADE : PREVIEW_FAILED, answer, &error);
}

/* While it runs. */

static void take_bytes(void *context, int descriptor, const char *bytes, size_t length)
{
    struct preview *preview = context;
    struct buffer *text = &preview->texts[descriptor];
    size_t room = text->maximum - text->length;
    preview->too_long |= descriptor == STREAM_ANSWER && length > room;
    /* No memory shows as an answer that does not parse. */
    (void)buffer_append(text, bytes, length < room ? length : room);
}

static void child_ended(void *context, int status)
{
    struct preview *preview = context;
    loop_timer_cancel(preview->setting.loop, &preview->timer);
    evaluate(preview, status);
}

static void time_is_up(void *context)
{
    struct preview *preview = context;
    preview->timed_out = true;
    process_signal_group(&preview->child.process, SIGKILL);
}

/* The beginning. */

static int spawn_jail(struct preview *preview, const char *jail, char **argv, struct error *error)
{
    const struct spawn spawn = {
        .path = jail,
        .argv = argv,
        .environment = preview->setting.environment,
        .directory = preview->setting.project,
        .descriptors = {[0] = preview->arguments,
            [STREAM_ANSWER] = JAILED_CHILD_READ,
            [STREAM_COMPLAINT] = JAILED_CHILD_READ,
            [STREAM_JAIL] = JAILED_CHILD_READ},
        .descriptor_count = STREAM_COUNT,
        .group = SPAWN_OWN_GROUP,
    };
    for (int i = 0; i < STREAM_COUNT; i++)
        buffer_clear(&preview->texts[i]);
    if (lseek(preview->arguments, 0, SEEK_SET) < 0)
        return error_system(error, "hand the arguments over");
    return jailed_child_start(&preview->child, &spawn, error);
}

/* A file outside the project may be hidden in the jail: its preview would be that of a new one. */
static size_t open_paths(const struct preview *preview, char **argv)
{
    size_t count = 0;
    const cJSON *path;
    cJSON_ArrayForEach(path, preview->paths)
    {
        if (count == PATHS_MOST * 2 || paths_inside(path->valuestring, preview->setting.project) ||
            access(path->valuestring, F_OK) < 0)
            continue;
        argv[count++] = (char *)"--read";
        argv[count++] = path->valuestring;
    }
    return count;
}

static int launch(struct preview *preview, struct error *error)
{
    char jail[PATH_MAX], project[TEXT_SIZE], call[TEXT_SIZE], state[TEXT_SIZE], seconds[32];
    const char *state_directory = getenv("TS_STATE_DIR");
    char *argv[WORDS_MOST];
    size_t count = 0;
    if (paths_helper(jail, sizeof jail, "ts-jail", error) < 0)
        return -1;
    snprintf(project, sizeof project, "TS_PROJECT=%s", preview->setting.project);
    snprintf(call, sizeof call, "TS_CALL_ID=%s", preview->call_id);
    snprintf(
        seconds, sizeof seconds, "%lld", (long long)((preview->setting.milliseconds + 999) / 1000));
    const char *const options[] = {"ts-jail", "--profile", preview->unjailed ? "off" : "workspace",
        "--read-only", "--project", preview->setting.project, "--timeout", seconds, "--status-fd",
        "3", "--env", project, "--env", call, "--read", preview->tool->program};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        argv[count++] = (char *)options[i];
    count += open_paths(preview, argv + count);
    if (preview->tool->state && state_directory != NULL && state_directory[0] == '/') {
        snprintf(state, sizeof state, "TS_STATE_DIR=%s", state_directory);
        argv[count++] = (char *)"--read";
        argv[count++] = (char *)state_directory;
        argv[count++] = (char *)"--env";
        argv[count++] = state;
    }
    argv[count++] = (char *)"--";
    argv[count++] = preview->tool->program;
    for (char **word = preview->tool->argv; *word != NULL && count < WORDS_MOST - 2; word++)
        argv[count++] = *word;
    argv[count++] = (char *)"prepare";
    argv[count] = NULL;

    int result = spawn_jail(preview, jail, argv, error);
    if (result == 0) {
        preview->timer.call = time_is_up;
        preview->timer.context = preview;
        loop_timer_set(preview->setting.loop, &preview->timer,
            clock_monotonic_ms() + preview->setting.milliseconds + GRACE_MS);
    }
    return result;
}

struct preview *preview_start(const struct preview_setting *setting,
    const struct tool_definition *tool, const char *call_id, const cJSON *arguments,
    const cJSON *paths, preview_done *done, void *context, struct error *error)
{
    if (!project_tool_holds(tool, setting->project)) {
        error_set(error, "the project's tool '%s' has changed since it was trusted", tool->name);
        return NULL;
    }
    struct preview *preview = calloc(1, sizeof *preview);
    if (preview == NULL) {
        error_system(error, "start the preview");
        return NULL;
    }
    preview->setting = *setting;
    preview->tool = tool;
    preview->done = done;
    preview->context = context;
    jailed_child_init(&preview->child, setting->loop, take_bytes, child_ended, preview);
    for (int i = 0; i < STREAM_COUNT; i++)
        buffer_init(&preview->texts[i], i == STREAM_ANSWER ? ANSWER_LIMIT : COMPLAINT_LIMIT);
    preview->call_id = strdup(call_id);
    preview->paths = cJSON_Duplicate(paths, true);
    preview->arguments = jailed_child_arguments(arguments, error);
    if (preview->call_id == NULL || preview->paths == NULL || preview->arguments < 0 ||
        launch(preview, error) < 0) {
        preview_free(preview);
        return NULL;
    }
    return preview;
}
