#include "call.h"

#include "agent/project_tools.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "command.h"
#include "common/program.h"
#include "data/json.h"
#include "io/paths.h"
#include "result.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHUNK_MOST = 4096,           /* bytes of one tool_output_chunk; a longer line comes in parts */
    CHUNKS_MOST = 256 << 10,     /* bytes shown of one call while it runs */
    COMPLAINT_CHARACTERS = 8192, /* of a tool's stderr */
    DISPLAY_MOST = 256 << 10,    /* bytes that a tool may show to a person */
    PROGRESS_COST = 64,          /* bytes that one costs beside its text */
    PROGRESS_MOST = 256 << 10,   /* bytes of what it says while it runs; then it is not heard */
    EVENT_LIMIT = 1 << 20,       /* one line on the tool's fd 3 */
    /* The same for a tool that asks: its line grows a little before it goes round. */
    NESTED_LIMIT = LINE_LIMIT - (64 << 10),
    JAIL_LIMIT = 16 << 10, /* status lines */
    STOP_MS = 800,         /* for ts-jail to end everything, before it is ended itself */
    OVERDUE_MS = 7000,     /* the same when ts-jail's own deadline has passed */
    TIMEOUT_MOST = 86400,  /* seconds */
};

static void take_bytes(void *context, int descriptor, const char *bytes, size_t length);
static void child_ended(void *context, int status);

void call_init(struct call *call, const struct setting *setting, const cJSON *item)
{
    const char *decision = json_string(item, "decision");
    const char *id = json_string(item, "call_id");
    const char *name = json_string(item, "func_name");
    if (name == NULL)
        name = json_string(item, "name");
    *call = (struct call){
        .setting = setting,
        .item = item,
        .id = id != NULL ? id : "",
        .name = name != NULL ? name : "",
        .denied = decision == NULL || strcmp(decision, "allow") != 0,
        .answers = -1,
    };
    call->tool = tool_set_find(&setting->tools, call->name);
    jailed_child_init(&call->child, setting->stage->loop, take_bytes, child_ended, call);
    buffer_init(&call->display, DISPLAY_MOST);
    buffer_init(&call->jail, JAIL_LIMIT);
    buffer_init(&call->line, CHUNK_MOST);
    capture_init(&call->output, call->id, 0);
    capture_init(&call->complaint, call->id, COMPLAINT_CHARACTERS);
    bool asks = call->tool != NULL && call->tool->sandbox == TOOL_SANDBOX_SELF;
    line_reader_init(&call->events, -1, asks ? NESTED_LIMIT : EVENT_LIMIT);
}

static void close_answers(struct call *call)
{
    if (call->answers >= 0) {
        loop_unwatch(call->setting->stage->loop, call->answers);
        line_writer_release(&call->answer_writer);
    }
    close_descriptor(&call->answers);
}

static void log_end(struct call *call, const struct outcome *outcome)
{
    struct error error;
    if (call->logged && audit_after(call->setting->audit, call, outcome, &error) < 0)
        warn("%s", error.text);
    call->logged = false;
}

void call_release(struct call *call)
{
    loop_timer_cancel(call->setting->stage->loop, &call->timer);
    /* ts-jail has then ended everything by the time it is gone. */
    jailed_child_kill(&call->child, call->stage == CALL_RUNNING ? STOP_MS : 0);
    close_answers(call);
    if (call->stage == CALL_RUNNING) { /* nobody is left to whom it could be told */
        const struct outcome outcome = {.status = "interrupted", .exit_code = -1};
        log_end(call, &outcome);
    }
    nested_release(&call->nested);
    capture_release(&call->output);
    capture_release(&call->complaint);
    line_reader_release(&call->events);
    buffer_release(&call->display);
    buffer_release(&call->jail);
    buffer_release(&call->line);
}

static void complete(struct call *call, const struct outcome *outcome)
{
    nested_end(call);
    call->share(call->context, call);
    log_end(call, outcome);
    result_put(call, outcome);
    call->stage = CALL_DONE;
    call->done(call->context, call);
}

/* What the tool prints. */

static void put_chunk(struct call *call, const char *text, size_t length)
{
    static const char more[] = "[more is printed, but not shown here]\n";
    struct buffer line;
    if (call->shown > CHUNKS_MOST)
        return;
    call->shown += length;
    if (call->shown > CHUNKS_MOST) {
        text = more;
        length = sizeof more - 1;
    }
    buffer_init(&line, (size_t)CHUNK_MOST * 16 + EVENT_LIMIT * 8);
    if (buffer_append_text(&line, "{\"type\":\"tool_output_chunk\",\"call_id\":") < 0 ||
        json_append_string(&line, call->id, strlen(call->id)) < 0 ||
        buffer_append_text(&line, ",\"chunk\":") < 0 ||
        json_append_string(&line, text, length) < 0 || buffer_append_byte(&line, '}') < 0)
        die(EXIT_SYSTEM, "write a chunk: %s", strerror(errno));
    stage_put(call->setting->stage, line.data, line.length);
    buffer_release(&line);
}

/* Put out the line so far; a character that is not complete yet stays, unless this is the end. */
static void flush_line(struct call *call, bool last)
{
    struct buffer *line = &call->line;
    size_t whole = line->length;
    if (!last && whole > UTF8_MAXIMUM) {
        uint32_t character;
        for (size_t back = 1; back < UTF8_MAXIMUM; back++) {
            if (utf8_decode(line->data + whole - back, back, &character) == 0)
                whole -= back;
        }
    }
    for (size_t i = 0; i < whole; i++) {
        if (line->data[i] == '\0')
            line->data[i] = '?'; /* a chunk is only looked at; the result shows what was there */
    }
    if (whole > 0)
        put_chunk(call, line->data, whole);
    buffer_consume(line, whole);
}

static void show_lines(struct call *call, const char *bytes, size_t length)
{
    while (length > 0 && call->shown <= CHUNKS_MOST) {
        const char *newline = memchr(bytes, '\n', length);
        size_t piece = newline != NULL ? (size_t)(newline - bytes) + 1 : length;
        size_t room = CHUNK_MOST - call->line.length;
        if (piece > room)
            piece = room;
        if (buffer_append(&call->line, bytes, piece) < 0)
            die(EXIT_SYSTEM, "keep a line: %s", strerror(errno));
        bytes += piece;
        length -= piece;
        if (call->line.length == CHUNK_MOST || call->line.data[call->line.length - 1] == '\n')
            flush_line(call, false);
    }
}

static void read_output(struct call *call, const char *bytes, size_t length)
{
    if (capture_add(&call->output, bytes, length) < 0)
        die(EXIT_SYSTEM, "keep the output of a call: %s", strerror(errno));
    if (call->tool->stream)
        show_lines(call, bytes, length);
}

static void take_event(struct call *call, const char *line, size_t length)
{
    cJSON *tree = json_parse_object(line, length, NULL);
    const char *type = json_string(tree, "type");
    const char *text = json_string(tree, "text");
    const char *chunk = json_string(tree, "chunk");
    const char *message = json_string(tree, "message");
    if (type == NULL) {
        json_free(tree);
        return;
    }
    if (nested_take(call, tree))
        return;
    if (strcmp(type, "display") == 0 && text != NULL) {
        /* What is too long for a person is cut by not being taken. */
        (void)buffer_append_text(&call->display, text);
    } else if (strcmp(type, "tool_output_chunk") == 0 && chunk != NULL) {
        put_chunk(call, chunk, strlen(chunk));
    } else if (strcmp(type, "progress") == 0 && message != NULL && call->said < PROGRESS_MOST) {
        call->said += strlen(message) + PROGRESS_COST;
        cJSON *info = cJSON_CreateObject();
        if (info == NULL || json_add_string(info, "type", "info") < 0 ||
            json_add_string(info, "message", message) < 0 ||
            json_add_string(info, "call_id", call->id) < 0)
            die(EXIT_SYSTEM, "out of memory");
        stage_put_tree(call->setting->stage, info);
    }
    json_free(tree);
}

static void read_events(struct call *call, const char *bytes, size_t length)
{
    char *line;
    size_t size;
    enum line_status status;
    if (line_reader_feed(&call->events, bytes, length) < 0)
        die(EXIT_SYSTEM, "keep a tool's event: %s", strerror(errno));
    while ((status = line_reader_next(&call->events, &line, &size)) != LINE_NONE) {
        if (status == LINE_READY)
            take_event(call, line, size);
    }
}

static void take_bytes(void *context, int descriptor, const char *bytes, size_t length)
{
    struct call *call = context;
    switch (descriptor) {
    case STREAM_OUTPUT:
        read_output(call, bytes, length);
        break;
    case STREAM_COMPLAINT:
        if (capture_add(&call->complaint, bytes, length) < 0)
            die(EXIT_SYSTEM, "keep the errors of a call: %s", strerror(errno));
        break;
    case STREAM_EVENTS:
        read_events(call, bytes, length);
        break;
    default:
        (void)buffer_append(&call->jail, bytes, length); /* more than a few lines is nonsense */
        break;
    }
}

/* The end. */

static void child_ended(void *context, int status)
{
    struct call *call = context;
    struct outcome outcome;
    loop_timer_cancel(call->setting->stage->loop, &call->timer);
    if (call->line.length > 0)
        flush_line(call, true);
    close_answers(call);
    result_judge(call, status, &outcome);
    complete(call, &outcome);
}

static void time_is_up(void *context)
{
    struct call *call = context;
    call->overdue = call->end == END_NONE;
    process_signal_group(&call->child.process, SIGKILL);
}

void call_stop(struct call *call, enum call_end end)
{
    struct outcome outcome;
    if (call->stage == CALL_DONE || call->end != END_NONE)
        return;
    call->end = end;
    if (call->stage == CALL_WAITING) {
        result_refuse(call, &outcome);
        complete(call, &outcome);
        return;
    }
    process_signal(&call->child.process, SIGTERM);
    loop_timer_set(call->setting->stage->loop, &call->timer, clock_monotonic_ms() + STOP_MS);
}

/* The beginning. */

static int spawn(
    struct call *call, const struct command *command, int arguments, struct error *error)
{
    int answers = -1;
    if (process_pipe(&answers, &call->answers) < 0)
        return error_system(error, "start '%s'", call->name);
    line_writer_init_own(&call->answer_writer, call->answers);
    const struct spawn spawn = {
        .path = command->path,
        .argv = command->words,
        .environment = command->environment,
        .directory = call->setting->project,
        .descriptors = {[0] = arguments,
            [STREAM_OUTPUT] = JAILED_CHILD_READ,
            [STREAM_COMPLAINT] = JAILED_CHILD_READ,
            [STREAM_EVENTS] = JAILED_CHILD_READ,
            [STREAM_ANSWERS] = answers,
            [STREAM_JAIL] = JAILED_CHILD_READ},
        .descriptor_count = STREAM_COUNT,
        .group = SPAWN_OWN_GROUP,
    };
    int result = jailed_child_start(&call->child, &spawn, error);
    close_descriptor(&answers);
    return result;
}

static double time_limit(const struct call *call)
{
    double seconds;
    if (!json_number(call->item, "timeout", &seconds) || !(seconds > 0))
        seconds = call->tool->timeout > 0 ? call->tool->timeout : call->setting->timeout;
    return seconds < TIMEOUT_MOST ? seconds : TIMEOUT_MOST;
}

/* In the sandbox a file outside the project would be written, told of, and gone; and whoever
 * writes to the store approves what he likes. */
static int check_places(const struct call *call, struct error *error)
{
    if (call->jailed && !call->tool->read_only && call->setting->scope.store_exposed)
        return error_set(error, "the database (store.path) lies where the sandbox lets commands "
                                "write: keep it outside the project and tools.roots");
    if (call->jailed && !call->tool->read_only && json_boolean(call->item, "outside", false))
        return error_set(error, "it is to change something outside the project, which the sandbox "
                                "does not allow (tools.roots opens further directories)");
    return 0;
}

static int launch(struct call *call, struct error *error)
{
    struct command command;
    if (!project_tool_holds(call->tool, call->setting->project))
        return error_set(error, "the project's tool has changed since it was trusted");
    call->jailed = command_jailed(call);
    if (check_places(call, error) < 0)
        return -1;
    call->timeout = time_limit(call);
    capture_init(&call->output, call->id, call->most > ERROR_FLOOR ? call->most : ERROR_FLOOR);
    int arguments = jailed_child_arguments(json_object(call->item, "arguments"), error);
    int result = arguments < 0 ? -1 : command_build(&command, call, error);
    if (result == 0)
        result = spawn(call, &command, arguments, error);
    if (arguments >= 0)
        command_release(&command);
    close_descriptor(&arguments);
    return result;
}

void call_start(struct call *call)
{
    struct outcome outcome;
    struct error error;
    if (result_refuse(call, &outcome)) {
        if (call->denied && json_string(call->item, "error") == NULL &&
            audit_denied(call->setting->audit, call, &error) < 0)
            warn("%s", error.text);
        complete(call, &outcome);
        return;
    }
    call->logged = audit_before(call->setting->audit, call, &error) == 0;
    if (!call->logged)
        error_prefix(&error, "the audit log cannot be written: ");
    if (!call->logged || launch(call, &error) < 0) {
        close_answers(call);
        snprintf(outcome.note, sizeof outcome.note, "It was not run: %s", error.text);
        complete(call, &outcome);
        return;
    }
    call->stage = CALL_RUNNING;
    call->started = clock_monotonic_ms();
    call->timer.call = time_is_up;
    call->timer.context = call;
    loop_timer_set(call->setting->stage->loop, &call->timer,
        call->started + (int64_t)(call->timeout * 1000) + OVERDUE_MS);
}

/* Beside other calls. */

static bool share_path(const struct call *call, const struct call *other)
{
    const cJSON *one, *two;
    cJSON_ArrayForEach(one, json_array(call->item, "paths"))
    {
        cJSON_ArrayForEach(two, json_array(other->item, "paths"))
        {
            if (cJSON_IsString(one) && cJSON_IsString(two) &&
                (paths_inside(one->valuestring, two->valuestring) ||
                    paths_inside(two->valuestring, one->valuestring)))
                return true;
        }
    }
    return false;
}

bool call_conflicts(const struct call *call, const struct call *other)
{
    if (call->denied || other->denied || call->tool == NULL || other->tool == NULL)
        return false;
    if (!call->tool->parallel || !other->tool->parallel)
        return true;
    return !(call->tool->read_only && other->tool->read_only) && share_path(call, other);
}

static void answers_ready(void *context, short events)
{
    (void)events;
    struct call *call = context;
    struct loop *loop = call->setting->stage->loop;
    if (line_writer_flush(&call->answer_writer) < 0 || !line_writer_waiting(&call->answer_writer))
        loop_unwatch(loop, call->answers); /* a tool that has gone needs no answer */
}

void call_answer(struct call *call, const char *line, size_t length)
{
    if (call->answers < 0 || line_writer_put(&call->answer_writer, line, length) < 0)
        return;
    loop_watch(call->setting->stage->loop, call->answers, POLLOUT, answers_ready, call);
}
