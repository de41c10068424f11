#include "agent/mcp_server.h"

#include "agent/mcp_launch.h"
#include "agent/mcp_server_internal.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/random.h"
#include "data/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOG_MOST = 1 << 20, /* bytes of a server's log; the one before is kept beside it */
    READ_SIZE = 16 << 10,
    PIPE_READS = 8,          /* what a pipe holds, and some more */
    BACK_OFF_FIRST_MS = 500, /* doubled with every failure in a row */
    BACK_OFF_MOST_MS = 60000,
    BACK_OFF_WORTH_WAITING_MS = 2000, /* a call waits so long for a start, and no longer */
    OUTPUT_OVER_MS = 500,             /* from the end of its output to that of the process */
    STOP_MS = 3000,                   /* for ts-jail to end everything, after SIGTERM */
};

/* For a person. */

void mcp_server_note(const struct mcp_server *server, const char *format, ...)
{
    struct error text;
    va_list values;
    if (server->host->note == NULL)
        return;
    va_start(values, format);
    vsnprintf(text.text, sizeof text.text, format, values);
    va_end(values);
    server->host->note(server->host->context, server, text.text);
}

static void open_log(struct mcp_server *server, bool fresh)
{
    char path[PATH_MAX], old[PATH_MAX + 8];
    struct stat status;
    const char *directory = server->host->log_directory;
    if (directory[0] == '\0' || snprintf(path, sizeof path, "%s/%s.log", directory,
                                    server->settings->name) >= (int)sizeof path)
        return;
    snprintf(old, sizeof old, "%s.1", path);
    if (fresh)
        (void)rename(path, old);
    close_descriptor(&server->log_fd);
    server->log_fd =
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    server->log_size =
        server->log_fd >= 0 && fstat(server->log_fd, &status) == 0 ? status.st_size : 0;
}

void mcp_server_log(struct mcp_server *server, const char *bytes, size_t length)
{
    if (server->log_fd >= 0 && server->log_size + (int64_t)length > LOG_MOST)
        open_log(server, true);
    /* A log that cannot be written stops nothing. */
    if (server->log_fd >= 0 && write(server->log_fd, bytes, length) > 0)
        server->log_size += (int64_t)length;
    if (length > sizeof server->tail) {
        bytes += length - sizeof server->tail;
        length = sizeof server->tail;
    }
    size_t excess = server->tail_length + length > sizeof server->tail
                        ? server->tail_length + length - sizeof server->tail
                        : 0;
    memmove(server->tail, server->tail + excess, server->tail_length - excess);
    server->tail_length -= excess;
    memcpy(server->tail + server->tail_length, bytes, length);
    server->tail_length += length;
}

/* Its stderr, read once; what read(2) returned. */
static ssize_t read_errors(struct mcp_server *server)
{
    char bytes[READ_SIZE];
    ssize_t count = read(server->error_fd, bytes, sizeof bytes);
    if (count > 0) {
        mcp_server_log(server, bytes, (size_t)count);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        loop_unwatch(server->host->loop, server->error_fd);
        close_descriptor(&server->error_fd);
    }
    return count;
}

static void errors_ready(void *context, short events)
{
    (void)events;
    read_errors(context);
}

void mcp_server_hear(struct mcp_server *server)
{
    for (int reads = 0; reads < PIPE_READS && server->error_fd >= 0; reads++) {
        if (read_errors(server) <= 0)
            return;
    }
}

/* The last line that says something: often the reason. */
static void last_words(struct mcp_server *server, char *text, size_t size)
{
    mcp_server_hear(server);
    size_t end = server->tail_length;
    while (end > 0 && strchr(" \t\r\n", server->tail[end - 1]) != NULL)
        end--;
    size_t start = end;
    while (start > 0 && server->tail[start - 1] != '\n')
        start--;
    size_t length = end - start < 200 ? end - start : 200;
    snprintf(text, size, "%s%.*s", length > 0 ? ": " : "", (int)length, server->tail + start);
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }
}

/* The end of a process. */

static void close_streams(struct mcp_server *server)
{
    loop_timer_cancel(server->host->loop, &server->output_timer);
    line_channel_close(&server->channel);
    if (server->error_fd >= 0)
        loop_unwatch(server->host->loop, server->error_fd);
    close_descriptor(&server->error_fd);
}

static void kill_now(void *context)
{
    struct mcp_server *server = context;
    process_signal(&server->process, SIGKILL);
}

/* Only ask: its pidfd tells when it has gone. */
static void stop_process(struct mcp_server *server)
{
    close_streams(server);
    if (server->process.pid == 0)
        return;
    process_signal(&server->process, SIGTERM);
    loop_timer_set(server->host->loop, &server->kill_timer, clock_monotonic_ms() + STOP_MS);
}

static void back_off(struct mcp_server *server)
{
    int64_t delay = BACK_OFF_FIRST_MS;
    for (int i = 0; i < server->failures && delay < BACK_OFF_MOST_MS; i++)
        delay *= 2;
    if (delay > BACK_OFF_MOST_MS)
        delay = BACK_OFF_MOST_MS;
    server->failures++;
    /* Half of it is chance, so that many of them do not come back together. */
    delay = delay / 2 + (int64_t)(random_number() % (uint64_t)(delay / 2 + 1));
    server->not_before = clock_monotonic_ms() + delay;
}

void mcp_server_fail(struct mcp_server *server, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(server->last_error.text, sizeof server->last_error.text, format, values);
    va_end(values);
    error_prefix(&server->last_error, "MCP server '%s' ", server->settings->name);
    mcp_protocol_reset(server);
    stop_process(server);
    server->state = MCP_FAILED;
    back_off(server);
    mcp_calls_fail(server, &server->last_error);
}

static void process_ended(void *context, short events)
{
    (void)events;
    struct mcp_server *server = context;
    int status = 0;
    char words[256];
    loop_unwatch(server->host->loop, server->process.pidfd);
    process_wait(&server->process, -1, &status); /* it has ended: no waiting */
    loop_timer_cancel(server->host->loop, &server->kill_timer);
    if (server->state != MCP_STARTING && server->state != MCP_READY)
        return; /* it was told to */
    if (!line_channel_is_open(&server->channel)) {
        mcp_server_start(server); /* as another era's */
        return;
    }
    if (server->step == MCP_STEP_DISCOVER) {
        /* Some older servers end at a message that is not initialize. */
        close_streams(server);
        server->legacy_known = true;
        mcp_server_start(server);
        return;
    }
    last_words(server, words, sizeof words);
    if (status > 128 && status < 128 + 65)
        mcp_server_fail(server, "was ended by signal %d%s", status - 128, words);
    else
        mcp_server_fail(server, "ended with exit code %d%s", status, words);
}

static void output_over(void *context)
{
    struct mcp_server *server = context;
    char words[256];
    last_words(server, words, sizeof words);
    mcp_server_fail(server, "%s%s",
        server->overloaded ? "does not read what it is sent" : "closed its output", words);
}

/* From the loop: whoever is sending goes on as if it had been sent. */
void mcp_server_overloaded(struct mcp_server *server)
{
    server->overloaded = true;
    loop_timer_set(server->host->loop, &server->output_timer, clock_monotonic_ms());
}

/* The process as a rule ends with its output, and then its exit code says more. */
static void output_ended(void *context)
{
    struct mcp_server *server = context;
    line_channel_pause(&server->channel, true);
    loop_timer_set(
        server->host->loop, &server->output_timer, clock_monotonic_ms() + OUTPUT_OVER_MS);
}

/* The beginning of a process. */

static int open_pipes(int pipes[6], struct error *error)
{
    for (int i = 0; i < 3; i++) {
        if (process_pipe(&pipes[2 * i], &pipes[2 * i + 1]) < 0)
            return error_system(error, "could not be started: make a pipe");
    }
    return 0;
}

static int spawn(
    struct mcp_server *server, struct mcp_launch *launch, int pipes[6], struct error *error)
{
    const struct spawn child = {
        .path = server->host->jail,
        .argv = launch->words,
        .environment = launch->environment,
        .directory = server->host->project,
        .descriptors = {pipes[0], pipes[3], pipes[5]},
        .descriptor_count = 3,
        .group = SPAWN_OWN_GROUP,
    };
    if (process_spawn(&server->process, &child, error) < 0)
        return error_prefix(error, "could not be started: ");
    close_descriptor(&pipes[0]);
    close_descriptor(&pipes[3]);
    close_descriptor(&pipes[5]);
    server->error_fd = pipes[4];
    int to = pipes[1], from = pipes[2];
    pipes[1] = pipes[2] = pipes[4] = -1;
    if (line_channel_open(&server->channel, server->host->loop, to, from, MCP_LINE_LIMIT,
            mcp_protocol_line, output_ended, server) < 0 ||
        fcntl(server->error_fd, F_SETFL, O_NONBLOCK) < 0 ||
        loop_watch(server->host->loop, server->error_fd, POLLIN, errors_ready, server) < 0 ||
        loop_watch(server->host->loop, server->process.pidfd, POLLIN, process_ended, server) < 0)
        return error_set(error, "could not be started: out of memory");
    return 0;
}

static int launch_process(struct mcp_server *server, struct error *error)
{
    struct mcp_launch launch;
    int pipes[6] = {-1, -1, -1, -1, -1, -1};
    int result = mcp_launch_make(&launch, server->host, server->settings, error);
    if (result == 0)
        result = open_pipes(pipes, error);
    if (result == 0)
        result = spawn(server, &launch, pipes, error);
    for (int i = 0; i < 6; i++)
        close_descriptor(&pipes[i]);
    mcp_launch_release(&launch);
    return result;
}

static void start_due(void *context)
{
    mcp_server_start(context);
}

void mcp_server_start(struct mcp_server *server)
{
    struct error error;
    if (server->process.pid != 0) {
        /* The one before is still being ended: its pidfd starts the next one. */
        server->state = MCP_STARTING;
        return;
    }
    loop_timer_cancel(server->host->loop, &server->start_timer);
    server->state = MCP_STARTING;
    server->started = clock_monotonic_ms();
    server->starts++;
    server->garbage = 0;
    server->overloaded = false;
    if (server->log_fd < 0)
        open_log(server, false);
    if (launch_process(server, &error) < 0) {
        mcp_server_fail(server, "%s", error.text);
        return;
    }
    mcp_protocol_begin(server);
}

void mcp_server_became_ready(struct mcp_server *server)
{
    server->state = MCP_READY;
    mcp_calls_ready(server);
}

/* For users of the module. */

struct mcp_server *mcp_server_new(const struct mcp_host *host, const struct mcp_settings *settings)
{
    struct mcp_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return NULL;
    server->host = host;
    server->settings = settings;
    server->process.pidfd = -1;
    server->error_fd = -1;
    server->log_fd = -1;
    server->start_timer.call = start_due;
    server->start_timer.context = server;
    server->output_timer.call = output_over;
    server->output_timer.context = server;
    server->kill_timer.call = kill_now;
    server->kill_timer.context = server;
    return server;
}

void mcp_server_end(struct mcp_server *server)
{
    struct error error;
    error_set(&error, "MCP server '%s' was ended", server->settings->name);
    mcp_calls_fail(server, &error);
    mcp_protocol_reset(server);
    loop_timer_cancel(server->host->loop, &server->start_timer);
    server->state = MCP_STOPPED;
    line_channel_close(&server->channel);
}

void mcp_server_stop(struct mcp_server *server)
{
    process_signal(&server->process, SIGTERM);
}

int mcp_server_wait(struct mcp_server *server, int64_t deadline)
{
    int status;
    if (server->process.pid == 0)
        return 0;
    int pidfd = server->process.pidfd;
    loop_unwatch(server->host->loop, pidfd);
    return process_wait(&server->process, deadline, &status) ? 0 : -1;
}

void mcp_server_free(struct mcp_server *server)
{
    if (server == NULL)
        return;
    mcp_server_end(server);
    loop_timer_cancel(server->host->loop, &server->kill_timer);
    if (server->process.pid != 0 && mcp_server_wait(server, clock_monotonic_ms()) < 0) {
        process_signal(&server->process, SIGTERM);
        if (mcp_server_wait(server, clock_monotonic_ms() + STOP_MS) < 0)
            process_kill(&server->process);
    }
    close_streams(server);
    close_descriptor(&server->log_fd);
    json_free(server->tools);
    free(server);
}

void mcp_server_flush(struct mcp_server *server)
{
    line_channel_flush(&server->channel);
}

int mcp_server_want(struct mcp_server *server, struct error *error)
{
    int64_t now = clock_monotonic_ms();
    if (server->state == MCP_READY || server->state == MCP_STARTING ||
        server->start_timer.deadline != 0)
        return 0;
    int64_t wait = server->not_before - now;
    if (wait > BACK_OFF_WORTH_WAITING_MS) {
        *error = server->last_error;
        size_t length = strlen(error->text);
        snprintf(error->text + length, sizeof error->text - length,
            "; it is not started again for %" PRId64 " s", (wait + 999) / 1000);
        return -1;
    }
    /* From the loop, so that a failure finds the caller's call in place. */
    loop_timer_set(server->host->loop, &server->start_timer, wait > 0 ? server->not_before : now);
    return 0;
}

const struct mcp_settings *mcp_server_settings(const struct mcp_server *server)
{
    return server->settings;
}

enum mcp_state mcp_server_state(const struct mcp_server *server)
{
    return server->state;
}

const cJSON *mcp_server_tools(const struct mcp_server *server)
{
    return server->tools;
}
