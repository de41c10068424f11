#include "common/mcp_tools.h"

#include "agent/mcp_settings.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/line_reader.h"
#include "common/program.h"
#include "data/json.h"
#include "io/paths.h"
#include "io/process.h"
#include "io/regular_file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NOTE_LIMIT = 8 << 10, /* bytes of one line */
    GRACE_MS = 15000,     /* beyond the time that servers have: starting, ending, a busy store */
    READ_SIZE = 64 << 10,
};

/* One run of ts-mcp. */
struct run {
    struct process process;
    int output, notes; /* -1: closed */
    struct buffer *text;
    struct line_reader lines;
    mcp_tools_note *note;
    void *context;
    struct error last; /* what it said last: the reason when it fails */
};

static void take_notes(struct run *run)
{
    char *line;
    size_t length;
    enum line_status status;
    if (line_reader_fill(&run->lines) < 0 && errno != EINTR && errno != EAGAIN)
        run->lines.ended = true;
    while ((status = line_reader_next(&run->lines, &line, &length)) != LINE_NONE) {
        if (status != LINE_READY || length == 0)
            continue;
        /* Its name says nothing to somebody who started another program. */
        const char *said = strncmp(line, "ts-mcp: ", 8) == 0 ? line + 8 : line;
        error_set(&run->last, "%s", said);
        if (run->note != NULL)
            run->note(run->context, said);
    }
    if (run->lines.ended)
        close_descriptor(&run->notes);
}

static int take_output(struct run *run)
{
    if (buffer_reserve(run->text, READ_SIZE) < 0)
        return -1;
    ssize_t count = read(run->output, run->text->data + run->text->length, READ_SIZE);
    if (count > 0)
        run->text->length += (size_t)count;
    else if (count == 0 || (errno != EINTR && errno != EAGAIN))
        close_descriptor(&run->output);
    run->text->data[run->text->length] = '\0';
    return 0;
}

static int read_all(struct run *run, int64_t deadline, struct error *error)
{
    while (run->output >= 0 || run->notes >= 0) {
        struct pollfd ready[2] = {
            {.fd = run->output, .events = POLLIN}, {.fd = run->notes, .events = POLLIN}};
        int64_t left = deadline - clock_monotonic_ms();
        int count = left > 0 ? poll(ready, 2, (int)left) : 0;
        if (count == 0)
            return error_set(error, "ts-mcp took too long");
        if (count < 0 && errno != EINTR)
            return error_system(error, "wait for ts-mcp");
        if (count > 0 && ready[1].revents != 0)
            take_notes(run);
        if (count > 0 && ready[0].revents != 0 && take_output(run) < 0)
            return error_set(error, "the list of MCP tools is too long");
    }
    return 0;
}

static int spawn(struct run *run, struct config *config, struct error *error)
{
    char path[PATH_MAX];
    char *argv[] = {(char *)"ts-mcp", (char *)"tools", NULL};
    int output = -1, notes = -1;
    char **environment = config_export(config, 0);
    if (paths_helper(path, sizeof path, "ts-mcp", error) < 0)
        return -1;
    if (environment == NULL || process_pipe(&run->output, &output) < 0 ||
        process_pipe(&run->notes, &notes) < 0) {
        close_descriptor(&output);
        return error_system(error, "start ts-mcp");
    }
    const struct spawn child = {
        .path = path,
        .argv = argv,
        .environment = environment,
        .descriptors = {SPAWN_NULL, output, notes},
        .descriptor_count = 3,
        .group = SPAWN_SAME_GROUP,
    };
    int result = process_spawn(&run->process, &child, error);
    close_descriptor(&output);
    close_descriptor(&notes);
    line_reader_init(&run->lines, run->notes, NOTE_LIMIT);
    return result;
}

/* 0 with the text, or empty when ts-mcp failed, which is noted; -1: the configuration is wrong. */
static int ask(struct buffer *text, struct config *config, mcp_tools_note *note, void *context,
    struct error *error)
{
    struct error problem = {.text = ""};
    struct run run = {.output = -1, .notes = -1, .text = text, .note = note, .context = context};
    int64_t limit = (int64_t)(config_number(config, "mcp.start_timeout") * 1000) + GRACE_MS;
    int64_t deadline = clock_monotonic_ms() + limit;
    int status = 0;
    run.process.pidfd = -1;
    int result = spawn(&run, config, &problem);
    if (result == 0)
        result = read_all(&run, deadline, &problem);
    close_descriptor(&run.output);
    close_descriptor(&run.notes);
    line_reader_release(&run.lines);
    if (run.process.pid != 0 && (result < 0 || !process_wait(&run.process, deadline, &status)))
        process_kill(&run.process);
    if (result == 0 && status == EXIT_CONFIG)
        return error_set(error, "%s", run.last.text);
    if (result == 0 && status == EXIT_DONE)
        return 0;
    if (result == 0)
        error_set(&problem, "ts-mcp ended with exit code %d", status);
    error_prefix(&problem, "no MCP tools are offered: ");
    if (note != NULL)
        note(context, problem.text);
    buffer_clear(text);
    return 0;
}

static int add(struct tool_set *set, const char *text, size_t length, const char *origin,
    mcp_tools_note *note, void *context, struct error *error)
{
    cJSON *list = json_parse(text, length, error);
    const cJSON *definition;
    if (list == NULL)
        return error_prefix(error, "%s: ", origin);
    cJSON_ArrayForEach(definition, list)
    {
        struct error problem;
        if (tool_set_add(set, definition, origin, "/", true, &problem) < 0 && note != NULL)
            note(context, problem.text);
    }
    json_free(list);
    return 0;
}

static int read_frozen(struct buffer *text, const char *given, struct error *error)
{
    char path[PATH_MAX];
    struct stat status;
    if (paths_resolve(path, sizeof path, ".", given, error) < 0 ||
        regular_file_read(path, text, &status, error) < 0)
        return error_prefix(error, "TS_MCP_TOOLS: ");
    return 0;
}

/* "a,mcp__x__y" wants one. */
static bool wants_foreign(const char *names)
{
    return names == NULL || strncmp(names, "mcp__", 5) == 0 || strstr(names, ",mcp__") != NULL;
}

int mcp_tools_load(struct tool_set *set, struct config *config, const char *names,
    struct buffer *text, mcp_tools_note *note, void *context, struct error *error)
{
    struct buffer own;
    const char *frozen = getenv("TS_MCP_TOOLS");
    bool given = frozen != NULL && frozen[0] != '\0';
    if (!wants_foreign(names) || (!given && !mcp_settings_given(config)))
        return 0;
    buffer_init(&own, MCP_TOOLS_TEXT_LIMIT);
    if (text == NULL)
        text = &own;
    int result = given ? read_frozen(text, frozen, error) : ask(text, config, note, context, error);
    if (result == 0 && text->length > 0)
        result = add(
            set, text->data, text->length, given ? frozen : "ts-mcp tools", note, context, error);
    buffer_release(&own);
    return result;
}

static void warn_note(void *context, const char *text)
{
    (void)context;
    warn("%s", text);
}

void mcp_tools_take(struct tool_set *set, struct config *config)
{
    struct error error;
    if (mcp_tools_load(set, config, getenv("TS_TOOLS"), NULL, warn_note, NULL, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
}
