#include "io/line_channel.h"

#include "io/process.h"

#include <errno.h>
#include <poll.h>

static void read_ready(void *context, short events)
{
    (void)events;
    struct line_channel *channel = context;
    bool closed = false;
    channel->closed = &closed;
    ssize_t got = line_reader_fill(&channel->reader);
    bool failed = got < 0 && errno != EINTR && errno != EAGAIN;
    char *line;
    size_t length;
    enum line_status status;
    while ((status = line_reader_next(&channel->reader, &line, &length)) != LINE_NONE) {
        channel->on_line(channel->context, status == LINE_READY ? line : NULL, length);
        if (closed)
            return;
    }
    channel->closed = NULL;
    if (failed || channel->reader.ended)
        channel->on_end(channel->context);
}

static void write_ready(void *context, short events)
{
    (void)events;
    line_channel_flush(context);
}

static int watch_reading(struct line_channel *channel)
{
    if (channel->paused) {
        loop_unwatch(channel->loop, channel->read_fd);
        return 0;
    }
    return loop_watch(channel->loop, channel->read_fd, POLLIN, read_ready, channel);
}

int line_channel_open(struct line_channel *channel, struct loop *loop, int write_fd, int read_fd,
    size_t limit, line_channel_line *on_line, loop_call *on_end, void *context)
{
    *channel = (struct line_channel){
        .loop = loop,
        .read_fd = read_fd,
        .write_fd = write_fd,
        .on_line = on_line,
        .on_end = on_end,
        .context = context,
    };
    line_reader_init(&channel->reader, read_fd, limit);
    line_writer_init_own(&channel->writer, write_fd);
    if (watch_reading(channel) < 0) {
        line_channel_close(channel);
        return -1;
    }
    return 0;
}

bool line_channel_is_open(const struct line_channel *channel)
{
    return channel->loop != NULL;
}

bool line_channel_was_closed(const struct line_channel *channel)
{
    return channel->closed == NULL;
}

static void close_writing(struct line_channel *channel)
{
    if (channel->write_fd < 0)
        return;
    loop_unwatch(channel->loop, channel->write_fd);
    close_descriptor(&channel->write_fd);
    line_writer_release(&channel->writer);
}

void line_channel_close(struct line_channel *channel)
{
    if (channel->loop == NULL)
        return;
    close_writing(channel);
    loop_unwatch(channel->loop, channel->read_fd);
    close_descriptor(&channel->read_fd);
    line_reader_release(&channel->reader);
    channel->loop = NULL;
    if (channel->closed != NULL)
        *channel->closed = true;
    channel->closed = NULL;
}

int line_channel_send(struct line_channel *channel, const char *line, size_t length)
{
    if (channel->loop == NULL || channel->write_fd < 0) {
        errno = EPIPE;
        return -1;
    }
    return line_writer_put(&channel->writer, line, length);
}

void line_channel_flush(struct line_channel *channel)
{
    if (channel->loop == NULL || channel->write_fd < 0)
        return;
    /* A peer that stopped reading will end, or has ended: on_end tells. */
    if (line_writer_flush(&channel->writer) < 0) {
        close_writing(channel);
        return;
    }
    if (!line_writer_waiting(&channel->writer))
        loop_unwatch(channel->loop, channel->write_fd);
    else if (loop_watch(channel->loop, channel->write_fd, POLLOUT, write_ready, channel) < 0)
        close_writing(channel);
}

void line_channel_pause(struct line_channel *channel, bool paused)
{
    if (channel->loop == NULL || channel->paused == paused)
        return;
    channel->paused = paused;
    if (watch_reading(channel) < 0)
        channel->on_end(channel->context);
}
