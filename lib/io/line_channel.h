/*
 * A conversation in lines with another process: what we send goes to one
 * descriptor, what comes back arrives on another, both through the loop.
 *
 * The channel owns both descriptors. Nothing is written before
 * line_channel_flush, which a program calls from its before-wait hook; what
 * does not fit then leaves when the peer reads.
 */
#ifndef IO_LINE_CHANNEL_H
#define IO_LINE_CHANNEL_H

#include "base/line_reader.h"
#include "io/line_writer.h"
#include "io/loop.h"

#include <stdbool.h>

/* line is NULL when one over the limit was dropped. The bytes are valid during the call only. */
typedef void line_channel_line(void *context, char *line, size_t length);

struct line_channel {
    struct loop *loop; /* NULL: not open */
    struct line_reader reader;
    struct line_writer writer;
    int read_fd;
    int write_fd; /* -1: closed for sending */
    line_channel_line *on_line;
    loop_call *on_end; /* the peer closed its side, or reading failed; close the channel then */
    void *context;
    bool paused;
    bool *closed; /* while lines are handed out: what is to be told of a close */
};

/* 0, or -1 when memory is short; the descriptors are then closed. */
int line_channel_open(struct line_channel *channel, struct loop *loop, int write_fd, int read_fd,
    size_t limit, line_channel_line *on_line, loop_call *on_end, void *context);

/* Safe on a channel that is not open, and within its own callbacks, which may then free it. */
void line_channel_close(struct line_channel *channel);

bool line_channel_is_open(const struct line_channel *channel);

/* For on_line: is the channel closed since, even if another was opened in its place? */
bool line_channel_was_closed(const struct line_channel *channel);

/* Queue a line. 0, or -1 (errno) when the channel is closed for sending or the peer is too slow. */
int line_channel_send(struct line_channel *channel, const char *line, size_t length);

void line_channel_flush(struct line_channel *channel);

/* Stop and resume reading, so that a slow consumer slows the producer. */
void line_channel_pause(struct line_channel *channel, bool paused);

#endif
