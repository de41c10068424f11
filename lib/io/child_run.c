#include "io/child_run.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 << 10,
    KILL_AFTER_MS = 2000, /* from SIGTERM to SIGKILL */
};

struct pipes {
    int input, output, complaint; /* our ends; -1: closed */
};

void child_run_init(struct child_run *run, size_t output_most, size_t complaint_most)
{
    *run = (struct child_run){.status = -1};
    buffer_init(&run->output, output_most);
    buffer_init(&run->complaint, complaint_most);
}

void child_run_release(struct child_run *run)
{
    buffer_release(&run->output);
    buffer_release(&run->complaint);
}

/* Write what the pipe takes. */
static void feed(int *fd, const char *input, size_t length, size_t *sent)
{
    ssize_t wrote = write(*fd, input + *sent, length - *sent);
    if (wrote > 0)
        *sent += (size_t)wrote;
    /* A program that does not want its input is no failure. */
    if (*sent == length || (wrote < 0 && errno != EAGAIN && errno != EINTR))
        close_descriptor(fd);
}

/* Read once. False: more came than the buffer takes; what fits is kept. */
static bool drain(int *fd, struct buffer *buffer)
{
    char bytes[READ_SIZE];
    ssize_t got = read(*fd, bytes, sizeof bytes);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        close_descriptor(fd);
    if (got <= 0)
        return true;
    size_t room = buffer->maximum - buffer->length, length = (size_t)got;
    if (buffer_append(buffer, bytes, length < room ? length : room) < 0)
        return false;
    return length <= room;
}

/* Until both of its streams are closed. False: it is to be ended. */
static bool converse(
    struct child_run *run, struct pipes *pipes, const char *input, size_t length, int64_t deadline)
{
    size_t sent = 0;
    while (pipes->output >= 0 || pipes->complaint >= 0) {
        struct pollfd watched[] = {{.fd = pipes->input, .events = POLLOUT},
            {.fd = pipes->output, .events = POLLIN}, {.fd = pipes->complaint, .events = POLLIN}};
        int64_t left = deadline - clock_monotonic_ms();
        run->timed_out = left <= 0;
        if (run->timed_out)
            return false;
        if (poll(watched, 3, left < INT_MAX ? (int)left : INT_MAX) < 0) {
            if (errno != EINTR)
                return false;
            continue;
        }
        if (watched[0].revents != 0)
            feed(&pipes->input, input, length, &sent);
        if (watched[1].revents != 0 && !drain(&pipes->output, &run->output)) {
            run->overflowed = true;
            return false;
        }
        if (watched[2].revents != 0)
            drain(&pipes->complaint, &run->complaint);
    }
    return true;
}

static void end(struct child_run *run, struct process *process, bool willing, int64_t deadline)
{
    if (willing && process_wait(process, deadline, &run->status))
        return;
    run->timed_out = run->timed_out || (willing && !run->overflowed);
    process_signal(process, SIGTERM);
    if (!process_wait(process, clock_monotonic_ms() + KILL_AFTER_MS, &run->status))
        process_kill(process);
}

int child_run_to_end(struct child_run *run, const struct spawn *spawn, const char *input,
    size_t length, int64_t deadline, struct error *error)
{
    struct pipes pipes = {-1, -1, -1};
    struct spawn whole = *spawn;
    struct process process;
    int theirs[3] = {-1, -1, -1};
    int result = 0;
    if (process_pipe(&theirs[0], &pipes.input) < 0 || process_pipe(&pipes.output, &theirs[1]) < 0 ||
        process_pipe(&pipes.complaint, &theirs[2]) < 0 ||
        fcntl(pipes.input, F_SETFL, O_NONBLOCK) < 0)
        result = error_system(error, "start '%s'", spawn->path);
    memcpy(whole.descriptors, theirs, sizeof theirs);
    whole.descriptor_count = spawn->descriptor_count > 3 ? spawn->descriptor_count : 3;
    if (result == 0)
        result = process_spawn(&process, &whole, error);
    for (int i = 0; i < 3; i++)
        close_descriptor(&theirs[i]);
    if (result == 0) {
        if (length == 0)
            close_descriptor(&pipes.input);
        bool willing = converse(run, &pipes, input, length, deadline);
        end(run, &process, willing, deadline);
    }
    close_descriptor(&pipes.input);
    close_descriptor(&pipes.output);
    close_descriptor(&pipes.complaint);
    return result;
}
