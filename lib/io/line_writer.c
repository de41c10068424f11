#include "io/line_writer.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE_QUEUE = 1 << 20 }; /* a queue grown beyond this is given back when it is empty */

static enum line_writer_kind kind_of(int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return LINE_WRITER_FILE;
    if (S_ISFIFO(status.st_mode))
        return LINE_WRITER_PIPE;
    if (S_ISSOCK(status.st_mode))
        return LINE_WRITER_SOCKET;
    return LINE_WRITER_FILE;
}

void line_writer_init(struct line_writer *writer, int fd)
{
    *writer = (struct line_writer){.fd = fd, .kind = kind_of(fd)};
    buffer_init(&writer->queue, LINE_WRITER_LIMIT);
}

void line_writer_init_own(struct line_writer *writer, int fd)
{
    line_writer_init(writer, fd);
    int flags = fcntl(fd, F_GETFL);
    writer->nonblocking = flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

void line_writer_release(struct line_writer *writer)
{
    buffer_release(&writer->queue);
    writer->sent = 0;
}

int line_writer_put_bytes(struct line_writer *writer, const char *bytes, size_t length)
{
    return buffer_append(&writer->queue, bytes, length);
}

int line_writer_put(struct line_writer *writer, const char *line, size_t length)
{
    if (buffer_reserve(&writer->queue, length + 1) < 0 ||
        buffer_append(&writer->queue, line, length) < 0)
        return -1;
    return buffer_append_byte(&writer->queue, '\n');
}

bool line_writer_waiting(const struct line_writer *writer)
{
    return writer->sent < writer->queue.length;
}

static bool ready_now(int fd)
{
    struct pollfd watch = {.fd = fd, .events = POLLOUT};
    return poll(&watch, 1, 0) > 0;
}

/* One write that cannot block. A pipe that polls writable takes PIPE_BUF bytes for certain. */
static ssize_t write_some(struct line_writer *writer, const char *bytes, size_t length)
{
    if (writer->kind == LINE_WRITER_SOCKET)
        return send(writer->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (writer->kind == LINE_WRITER_PIPE && !writer->nonblocking) {
        if (!ready_now(writer->fd)) {
            errno = EAGAIN;
            return -1;
        }
        if (length > PIPE_BUF)
            length = PIPE_BUF;
    }
    return write(writer->fd, bytes, length);
}

static void queue_emptied(struct line_writer *writer)
{
    writer->sent = 0;
    if (writer->queue.capacity > LARGE_QUEUE)
        buffer_release(&writer->queue);
    else
        buffer_clear(&writer->queue);
}

int line_writer_flush(struct line_writer *writer)
{
    while (line_writer_waiting(writer)) {
        ssize_t wrote = write_some(
            writer, writer->queue.data + writer->sent, writer->queue.length - writer->sent);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (wrote < 0)
            return -1;
        writer->sent += (size_t)wrote;
    }
    if (!line_writer_waiting(writer)) {
        queue_emptied(writer);
    } else if (writer->sent > writer->queue.length / 2) {
        buffer_consume(&writer->queue, writer->sent);
        writer->sent = 0;
    }
    return 0;
}

int line_writer_drain(struct line_writer *writer, long long deadline)
{
    for (;;) {
        if (line_writer_flush(writer) < 0)
            return -1;
        if (!line_writer_waiting(writer))
            return 0;
        long long left = deadline < 0 ? -1 : deadline - clock_monotonic_ms();
        if (deadline >= 0 && left <= 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        struct pollfd watch = {.fd = writer->fd, .events = POLLOUT};
        if (poll(&watch, 1, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR)
            return -1;
    }
}
