#include "common/agent_run.h"

#include "base/clock.h"
#include "base/exit_code.h"
#include "base/random.h"
#include "base/utf8.h"
#include "data/event.h"
#include "io/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ANSWER_LIMIT = 8 << 20,  /* bytes of the answer: a line is not longer */
    FOUND_LIMIT = 128 << 10, /* bytes kept for the case that no answer comes */
    EXCERPT = 600,           /* bytes of each result among them */
    CHUNK_MOST = 2048,       /* bytes of text passed on at once */
    STOP_MS = 400,           /* for the agent to end after a signal */
    LAST_WORDS_MS = 500,     /* for its last lines to arrive after its end */
    DRAIN_MS = 5000,         /* for the runner to take our last lines */
};

static int add_limited(struct buffer *buffer, const char *text, size_t length)
{
    size_t room = buffer->maximum - buffer->length;
    return buffer_append(buffer, text, length < room ? length : room);
}

/* Upwards. */

static void send_up(struct agent_run *run, const char *line, size_t length)
{
    /* A runner that has gone ends us by other ways. */
    if (line_channel_is_open(&run->parent))
        (void)line_channel_send(&run->parent, line, length);
}

static void send_text_up(
    struct agent_run *run, const char *type, const char *key, const char *text, size_t length)
{
    struct buffer line;
    buffer_init(&line, (size_t)ANSWER_LIMIT * 8);
    if (buffer_printf(&line, "{\"type\":\"%s\",\"%s\":", type, key) == 0 &&
        json_append_string(&line, text, length) == 0 && buffer_append_byte(&line, '}') == 0)
        send_up(run, line.data, line.length);
    buffer_release(&line);
}

/* What the model says, in whole lines; the rest when the call is over. */
static void show_text(struct agent_run *run, bool all)
{
    const char *text = run->text.data + run->shown;
    size_t length = run->text.length - run->shown;
    const char *newline = memrchr(text, '\n', length);
    size_t whole = all || length > CHUNK_MOST ? length
                   : newline != NULL          ? (size_t)(newline - text) + 1
                                              : 0;
    if (whole == 0)
        return;
    send_text_up(run, "tool_output_chunk", "chunk", text, whole);
    run->shown += whole;
    if (all)
        send_text_up(run, "tool_output_chunk", "chunk", "\n", 1);
}

/* The agent's events. */

static void take_content(struct agent_run *run, const cJSON *line)
{
    const char *text = json_string(line, "text");
    if (text == NULL)
        return;
    (void)add_limited(&run->text, text, strlen(text));
    show_text(run, false);
}

static void end_text(struct agent_run *run)
{
    show_text(run, true);
    if (run->text.length > 0) {
        (void)add_limited(&run->found, run->text.data, run->text.length);
        (void)add_limited(&run->found, "\n\n", 2);
    }
    buffer_clear(&run->text);
    run->shown = 0;
}

static void note_result(struct agent_run *run, const cJSON *line)
{
    const char *name = json_string(line, "name");
    const char *status = json_string(line, "status");
    const char *output = json_string(line, "output");
    if (output == NULL)
        output = "";
    size_t length = strlen(output), kept = length;
    if (length > EXCERPT) {
        for (kept = EXCERPT; kept > 0 && ((unsigned char)output[kept] & 0xC0) == 0x80;)
            kept--;
    }
    struct buffer *found = &run->found;
    if (buffer_printf(found, "[%s: %s]\n", name != NULL ? name : "a call",
            status != NULL ? status : "unknown") == 0) {
        (void)add_limited(found, output, kept);
        (void)add_limited(found, kept < length ? " ...\n\n" : "\n\n", kept < length ? 6 : 2);
    }
}

static void copy_text(char *target, size_t size, const cJSON *line, const char *key)
{
    const char *text = json_string(line, key);
    snprintf(target, size, "%s", text != NULL ? text : "");
}

static void take_result(struct agent_run *run, const cJSON *line)
{
    const char *text = json_string(line, "text");
    int64_t code = -1;
    run->resulted = true;
    copy_text(run->reason, sizeof run->reason, line, "exit_reason");
    (void)json_integer(line, "exit_code", &code);
    /* It answered, though a call of it may have been denied because nobody could be asked. */
    run->complete = (code == EXIT_DONE || code == EXIT_DENIED) && text != NULL && text[0] != '\0';
    if (text != NULL)
        (void)add_limited(&run->answer, text, strlen(text));
}

static void take_error(struct agent_run *run, const cJSON *line)
{
    char text[AGENT_REASON_SIZE + 16];
    const char *message = json_string(line, "message");
    snprintf(text, sizeof text, "%s: %s", run->kind, message != NULL ? message : "an error");
    send_text_up(run, "info", "message", text, strlen(text));
}

static void take_event(struct agent_run *run, const char *text, size_t length, const cJSON *line)
{
    const char *type = json_string(line, "type");
    if (type == NULL)
        return;
    if (strcmp(type, "content") == 0) {
        take_content(run, line);
    } else if (strcmp(type, "discard") == 0) {
        buffer_clear(&run->text);
        run->shown = 0;
    } else if (strcmp(type, "stream_end") == 0) {
        end_text(run);
    } else if (strcmp(type, "tool_output_chunk") == 0 || strcmp(type, "usage") == 0 ||
               strcmp(type, "info") == 0) {
        send_up(run, text, length);
    } else if (strcmp(type, "tool_result") == 0) {
        note_result(run, line);
        send_up(run, text, length);
    } else if (strcmp(type, "error") == 0) {
        take_error(run, line);
    } else if (strcmp(type, "session") == 0) {
        copy_text(run->session, sizeof run->session, line, "session_id");
    } else if (strcmp(type, "result") == 0) {
        take_result(run, line);
    }
}

static void event_line(void *context, char *line, size_t length)
{
    cJSON *tree = line != NULL ? json_parse_object(line, length, NULL) : NULL;
    if (tree != NULL)
        take_event(context, line, length, tree);
    json_free(tree);
}

static void stop_when_over(struct agent_run *run)
{
    if (!line_channel_is_open(&run->events) && run->process.pid == 0)
        loop_stop(run->loop);
}

static void events_ended(void *context)
{
    struct agent_run *run = context;
    line_channel_close(&run->events);
    stop_when_over(run);
}

/* Its approver, and the answers to it. */

static void approver_line(void *context, char *line, size_t length)
{
    if (line != NULL)
        send_up(context, line, length);
}

static void approver_ended(void *context)
{
    struct agent_run *run = context;
    line_channel_close(&run->approver);
}

static void parent_line(void *context, char *line, size_t length)
{
    struct agent_run *run = context;
    cJSON *tree = line != NULL ? json_parse_object(line, length, NULL) : NULL;
    const char *type = json_string(tree, "type");
    if (type != NULL && strcmp(type, "reviewed") == 0) {
        json_free(run->review);
        run->review = tree;
        loop_stop(run->loop);
        return;
    }
    if (tree != NULL && line_channel_is_open(&run->approver))
        (void)line_channel_send(&run->approver, line, length);
    json_free(tree);
}

/* Nobody runs us any more. */
static void parent_ended(void *context)
{
    struct agent_run *run = context;
    line_channel_close(&run->parent);
    line_channel_close(&run->approver); /* which is its approver's answer */
    loop_stop(run->loop);
}

/* The process. */

static void overdue(void *context)
{
    struct agent_run *run = context;
    process_kill(&run->process);
    line_channel_close(&run->events);
    loop_stop(run->loop);
}

static void set_deadline(struct agent_run *run, int64_t milliseconds)
{
    run->timer.call = overdue;
    run->timer.context = run;
    loop_timer_set(run->loop, &run->timer, clock_monotonic_ms() + milliseconds);
}

static void process_ended(void *context, short events)
{
    (void)events;
    struct agent_run *run = context;
    int status = 0;
    loop_unwatch(run->loop, run->process.pidfd);
    process_wait(&run->process, -1, &status); /* it has ended: no waiting */
    if (!run->resulted && status > 128)
        snprintf(run->reason, sizeof run->reason, "it was ended by signal %d", status - 128);
    else if (!run->resulted)
        snprintf(run->reason, sizeof run->reason, "it ended with exit status %d", status);
    set_deadline(run, LAST_WORDS_MS);
    stop_when_over(run);
}

static void signalled(void *context, int signal)
{
    struct agent_run *run = context;
    run->stopped = signal;
    if (run->process.pid == 0) {
        loop_stop(run->loop);
        return;
    }
    process_signal(&run->process, SIGTERM);
    set_deadline(run, STOP_MS);
}

static void before_wait(void *context)
{
    struct agent_run *run = context;
    line_channel_flush(&run->parent);
    line_channel_flush(&run->approver);
}

/* The prompt as a file in memory: no pipe to feed. -1 with a sentence. */
static int write_prompt(const char *prompt, struct error *error)
{
    size_t sent = 0, length = strlen(prompt);
    int fd = memfd_create("prompt", MFD_CLOEXEC);
    while (fd >= 0 && sent < length) {
        ssize_t count = write(fd, prompt + sent, length - sent);
        if (count > 0)
            sent += (size_t)count;
        else if (errno != EINTR)
            close_descriptor(&fd);
    }
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) < 0)
        close_descriptor(&fd);
    if (fd < 0)
        error_system(error, "hand the prompt over");
    return fd;
}

static int set_environment(struct agent_run *run)
{
    static const char *const ours[] = {
        "TS_STATE_DIR", "TS_CALL_ID", "TS_TOOL_TIMEOUT", "TS_SESSION_ID", NULL};
    const char *session = getenv("TS_SESSION_ID");
    snprintf(run->parent_session, sizeof run->parent_session, "%s", session != NULL ? session : "");
    if (run->parent_session[0] != '\0' && setenv("TS_PARENT_SESSION", session, 1) < 0)
        return -1;
    for (size_t i = 0; ours[i] != NULL; i++)
        unsetenv(ours[i]);
    if (!line_channel_is_open(&run->parent)) {
        unsetenv("TS_EVENT_FD");
        unsetenv("TS_ANSWER_FD");
        return 0;
    }
    return setenv("TS_EVENT_FD", "3", 1) < 0 || setenv("TS_ANSWER_FD", "4", 1) < 0 ? -1 : 0;
}

static int descriptor(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    long number = text != NULL ? strtol(text, &end, 10) : -1;
    bool sound = end != NULL && end != text && *end == '\0' && number > STDERR_FILENO;
    return sound && number < 1024 && fcntl((int)number, F_SETFD, FD_CLOEXEC) == 0 ? (int)number
                                                                                  : -1;
}

static int open_parent(struct agent_run *run, struct error *error)
{
    int events = descriptor("TS_EVENT_FD");
    int answers = descriptor("TS_ANSWER_FD");
    if (events < 0 || answers < 0)
        return 0; /* by hand */
    return line_channel_open(&run->parent, run->loop, events, answers, LINE_LIMIT, parent_line,
               parent_ended, run) < 0
               ? error_set(error, "watch the runner: out of memory")
               : 0;
}

struct ends {
    int prompt, events_read, events_write, asked_read, asked_write, answer_read, answer_write;
};

static void close_ends(struct ends *ends)
{
    close_descriptor(&ends->prompt);
    close_descriptor(&ends->events_write);
    close_descriptor(&ends->asked_write);
    close_descriptor(&ends->answer_read);
}

static int open_ends(const struct agent_run *run, struct ends *ends, struct error *error)
{
    if (process_pipe(&ends->events_read, &ends->events_write) < 0 ||
        (line_channel_is_open(&run->parent) &&
            (process_pipe(&ends->asked_read, &ends->asked_write) < 0 ||
                process_pipe(&ends->answer_read, &ends->answer_write) < 0)))
        return error_system(error, "make a pipe");
    return 0;
}

static int start(struct agent_run *run, struct ends *ends, struct error *error)
{
    char path[PATH_MAX];
    bool asks_us = line_channel_is_open(&run->parent);
    if (paths_helper(path, sizeof path, "ts-chat", error) < 0)
        return -1;
    const struct spawn spawn = {
        .path = path,
        .argv = (char *[]){(char *)"ts-chat", (char *)"--agent", (char *)run->kind, NULL},
        .descriptors = {ends->prompt, ends->events_write, STDERR_FILENO, ends->asked_write,
            ends->answer_read},
        .descriptor_count = asks_us ? 5 : 3,
        .group = SPAWN_SAME_GROUP,
    };
    if (process_spawn(&run->process, &spawn, error) < 0)
        return -1;
    int events = ends->events_read, asked = ends->asked_read, answers = ends->answer_write;
    ends->events_read = ends->asked_read = ends->answer_write = -1;
    if (line_channel_open(&run->events, run->loop, -1, events, LINE_LIMIT_MODEL, event_line,
            events_ended, run) < 0 ||
        (asks_us && line_channel_open(&run->approver, run->loop, answers, asked, LINE_LIMIT,
                        approver_line, approver_ended, run) < 0) ||
        loop_watch(run->loop, run->process.pidfd, POLLIN, process_ended, run) < 0)
        return error_set(error, "watch the agent: out of memory");
    return 0;
}

static int set_up(struct agent_run *run, struct error *error)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, 0};
    buffer_init(&run->answer, ANSWER_LIMIT);
    buffer_init(&run->found, FOUND_LIMIT);
    buffer_init(&run->text, ANSWER_LIMIT);
    run->process.pidfd = -1;
    run->loop = loop_new();
    if (run->loop == NULL)
        return error_set(error, "start: out of memory");
    if (loop_signals(run->loop, signals, signalled, run, error) < 0 || open_parent(run, error) < 0)
        return -1;
    loop_before_wait(run->loop, before_wait, run);
    return set_environment(run) < 0 ? error_system(error, "start the agent") : 0;
}

int agent_run(struct agent_run *run, const char *prompt, struct error *error)
{
    struct ends ends = {-1, -1, -1, -1, -1, -1, -1};
    if (set_up(run, error) < 0 || (ends.prompt = write_prompt(prompt, error)) < 0)
        return -1;
    int result = open_ends(run, &ends, error);
    if (result == 0)
        result = start(run, &ends, error);
    close_ends(&ends);
    close_descriptor(&ends.events_read);
    close_descriptor(&ends.asked_read);
    close_descriptor(&ends.answer_write);
    if (result == 0)
        result = loop_run(run->loop, error);
    loop_timer_cancel(run->loop, &run->timer);
    if (run->process.pid > 0) {
        loop_unwatch(run->loop, run->process.pidfd);
        process_kill(&run->process);
    }
    if (result == 0)
        end_text(run);
    if (run->stopped != 0) {
        run->complete = false;
        snprintf(run->reason, sizeof run->reason, "it was stopped");
    }
    line_channel_close(&run->approver);
    line_channel_close(&run->events);
    return result;
}

void agent_run_release(struct agent_run *run)
{
    if (line_channel_is_open(&run->parent) && run->parent.write_fd >= 0)
        (void)line_writer_drain(&run->parent.writer, clock_monotonic_ms() + DRAIN_MS);
    line_channel_close(&run->parent);
    json_free(run->review);
    buffer_release(&run->answer);
    buffer_release(&run->found);
    buffer_release(&run->text);
    if (run->loop != NULL)
        loop_free(run->loop);
}

int agent_run_report(struct agent_run *run, struct tool_call *call, struct error *error)
{
    if (run->complete)
        return buffer_append(&call->output, run->answer.data, run->answer.length) < 0
                   ? error_system(error, "keep the answer")
                   : 0;
    if (run->found.length > 0 &&
        (buffer_append_text(&call->output, "What the agent had found until then:\n\n") < 0 ||
            buffer_append(&call->output, run->found.data, run->found.length) < 0))
        return error_system(error, "keep what was found");
    return error_set(error, "the agent did not finish: %s%s%s%s", run->reason,
        run->session[0] != '\0' ? " (session " : "", run->session,
        run->session[0] != '\0' ? ")" : "");
}

const char *agent_review(
    struct agent_run *run, const char *content, const char *path, const char **feedback)
{
    char request[RANDOM_REQUEST_ID_SIZE];
    struct error error;
    struct buffer text;
    *feedback = NULL;
    if (!line_channel_is_open(&run->parent))
        return "unreviewed";
    random_hex(request, sizeof request);
    buffer_init(&text, LINE_LIMIT);
    cJSON *line = event_make("review", NULL);
    bool sent = line != NULL && json_add_string(line, "request_id", request) == 0 &&
                json_add_string(line, "content", content) == 0 &&
                (path[0] == '\0' || json_add_string(line, "path", path) == 0) &&
                json_append(&text, line) == 0 &&
                line_channel_send(&run->parent, text.data, text.length) == 0;
    json_free(line);
    buffer_release(&text);
    while (sent && run->review == NULL && run->stopped == 0 && line_channel_is_open(&run->parent)) {
        if (loop_run(run->loop, &error) < 0)
            break;
    }
    const char *verdict = json_string(run->review, "verdict");
    *feedback = json_string(run->review, "feedback");
    return verdict != NULL ? verdict : "unreviewed";
}
