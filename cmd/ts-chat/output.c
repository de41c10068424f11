/* Events to stdout, collected and written once before every wait. */
#include "chat.h"
#include "common/program.h"
#include "io/paths.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
    SLOW_READER = 1 << 20, /* bytes waiting from which the model is not read any more */
    LAST_WORDS_MS = 5000,  /* for a reader to take what is said before a failure ends us */
};

/* As git does with its pager: on a terminal people see ts-render's output. */
static int start_renderer(struct chat *chat, struct error *error)
{
    char path[PATH_MAX];
    int read_end, write_end;
    if (paths_helper(path, sizeof path, "ts-render", error) < 0)
        return -1;
    if (process_pipe(&read_end, &write_end) < 0)
        return error_system(error, "make a pipe");
    char *environment_end[] = {NULL};
    char **environment = config_export(chat->config, CONFIG_NO_SECRETS);
    struct spawn spawn = {
        .path = path,
        .argv = (char *[]){(char *)"ts-render", NULL},
        .environment = environment != NULL ? environment : environment_end,
        .descriptors = {read_end, STDOUT_FILENO, STDERR_FILENO},
        .descriptor_count = 3,
        .group = SPAWN_SAME_GROUP,
    };
    int result = process_spawn(&chat->renderer, &spawn, error);
    close_descriptor(&read_end);
    if (result < 0) {
        close_descriptor(&write_end);
        return -1;
    }
    chat->output_fd = write_end;
    line_writer_init_own(&chat->output, write_end);
    return 0;
}

int output_open(struct chat *chat, struct error *error)
{
    buffer_init(&chat->line, LINE_LIMIT_MODEL);
    if (!chat->ndjson_out && isatty(STDOUT_FILENO))
        return start_renderer(chat, error);
    chat->output_fd = STDOUT_FILENO;
    line_writer_init(&chat->output, STDOUT_FILENO);
    return 0;
}

/* The reader of our output has left: nobody is there to work for. */
static noreturn void reader_gone(struct chat *chat)
{
    int failure = errno;
    int status;
    chat_take_down(chat);
    if (chat->renderer.pid > 0) {
        close_descriptor(&chat->output_fd);
        process_wait(&chat->renderer, -1, &status);
    }
    errno = failure;
    die_output();
}

static void put(struct chat *chat)
{
    if (line_writer_put(&chat->output, chat->line.data, chat->line.length) < 0)
        chat_die_system(chat, "keep output for a slow reader");
    buffer_clear(&chat->line);
}

void output_event(struct chat *chat, cJSON *event)
{
    if (event == NULL || json_append(&chat->line, event) < 0)
        chat_die_system(chat, "make an event");
    json_free(event);
    put(chat);
}

void output_delta(struct chat *chat, const char *line, size_t length)
{
    static const char key[] = ",\"correlation_id\":\"";
    const char *id = chat->turn.correlation_id;
    if (line_writer_put_bytes(&chat->output, line, length - 1) < 0 ||
        line_writer_put_bytes(&chat->output, key, sizeof key - 1) < 0 ||
        line_writer_put_bytes(&chat->output, id, strlen(id)) < 0 ||
        line_writer_put_bytes(&chat->output, "\"}\n", 3) < 0)
        chat_die_system(chat, "keep output for a slow reader");
}

void output_line(struct chat *chat, const char *line, size_t length)
{
    if (event_append_spliced(
            &chat->line, line, length, "correlation_id", chat->turn.correlation_id) < 0)
        chat_die_system(chat, "pass an event on");
    put(chat);
}

void output_message(struct chat *chat, const char *type, const char *message)
{
    cJSON *event = event_make(type, chat->turn.correlation_id);
    if (event != NULL && json_add_string(event, "message", message) < 0) {
        json_free(event);
        event = NULL;
    }
    output_event(chat, event);
}

void output_state(struct chat *chat, const char *state)
{
    if (chat->state != NULL && strcmp(chat->state, state) == 0)
        return;
    chat->state = state;
    cJSON *event = event_make("state_change", chat->turn.correlation_id);
    if (event != NULL && json_add_string(event, "state", state) < 0) {
        json_free(event);
        event = NULL;
    }
    output_event(chat, event);
}

static void writable(void *context, short events)
{
    (void)events;
    output_flush(context);
}

void output_flush(struct chat *chat)
{
    if (line_writer_flush(&chat->output) < 0)
        reader_gone(chat);
    bool waiting = line_writer_waiting(&chat->output);
    if (!waiting)
        loop_unwatch(chat->loop, chat->output_fd);
    else if (loop_watch(chat->loop, chat->output_fd, POLLOUT, writable, chat) < 0)
        chat_die_system(chat, "watch the output");
    size_t left = chat->output.queue.length - chat->output.sent;
    line_channel_pause(&chat->model, waiting && left > SLOW_READER);
}

void output_last(struct chat *chat)
{
    int status;
    (void)line_writer_drain(&chat->output, clock_monotonic_ms() + LAST_WORDS_MS);
    if (chat->renderer.pid > 0) {
        close_descriptor(&chat->output_fd);
        (void)process_wait(&chat->renderer, clock_monotonic_ms() + LAST_WORDS_MS, &status);
    }
}

void output_close(struct chat *chat)
{
    int status;
    if (line_writer_drain(&chat->output, -1) < 0)
        reader_gone(chat);
    line_writer_release(&chat->output);
    buffer_release(&chat->line);
    if (chat->renderer.pid > 0) {
        close_descriptor(&chat->output_fd);
        process_wait(&chat->renderer, -1, &status);
    } else if (chat->output_fd >= 0 && close(chat->output_fd) < 0 && errno != EBADF) {
        die(EXIT_SYSTEM, "write to stdout: %s", strerror(errno));
    }
    chat->output_fd = -1;
}
