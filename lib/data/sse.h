/*
 * Server-sent events (the "event stream" of the HTML standard), as far as our
 * clients need them: `data` and `event` fields, and for streams that can be
 * taken up again (sse_keep_id) also `id` and `retry`.
 *
 * Bytes may be cut anywhere. Lines end in LF, CR or CRLF, a colon at the start
 * makes a comment, the space behind "data:" is optional, several data lines of
 * one event are joined by newlines, an empty line ends the event, a byte order
 * mark at the very start is skipped. Unlike the standard, an event that the end
 * of the stream cuts short is handed out too (sse_end): some servers leave the
 * last empty line away, and the payload itself tells whether it is whole.
 */
#ifndef DATA_SSE_H
#define DATA_SSE_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One event. data is not terminated and valid only during the call; error_event says that the
 * event was named "error". Return 0 to go on, -1 to stop: sse_feed then returns -1 too.
 */
typedef int sse_event(void *context, const char *data, size_t length, bool error_event);

enum { SSE_ID_SIZE = 512 }; /* a longer id, or one that fits in no header, counts as none */

struct sse_reader {
    sse_event *event;
    void *context;
    struct buffer line; /* owned; a line whose end has not come yet */
    struct buffer data; /* owned; the event's data, unless all of it is in view */
    const char *view;   /* one data line in the bytes being fed: no copy is made */
    size_t view_length;
    bool has_data;
    bool error_event;
    bool after_return; /* the last byte was CR: a LF now belongs to it */
    bool started;      /* the byte order mark is no longer possible */
    bool keeps_id;
    char id[SSE_ID_SIZE];      /* of the last event that ended; "": none */
    char next_id[SSE_ID_SIZE]; /* of the event that has not ended yet */
    int64_t retry_ms;          /* what the server asked to wait before a new try; -1: nothing */
};

/* limit: the most bytes of one event, and of one line. */
void sse_init(struct sse_reader *reader, size_t limit, sse_event *event, void *context);
void sse_release(struct sse_reader *reader);

/* From now on keep id and retry_ms; sse_reset leaves both, since they are for the next stream. */
void sse_keep_id(struct sse_reader *reader);

/* Forget a stream, for the next one. */
void sse_reset(struct sse_reader *reader);

/* 0, or -1: the callback said stop, or (with a sentence) memory or the limit is used up. */
int sse_feed(struct sse_reader *reader, const char *bytes, size_t length, struct error *error);

/* The stream has ended. As sse_feed. */
int sse_end(struct sse_reader *reader, struct error *error);

#endif
