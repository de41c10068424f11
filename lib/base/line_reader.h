/*
 * Lines from a file descriptor, bounded, without blocking where poll says ready.
 *
 * The owner polls the descriptor, calls line_reader_fill once per wake-up, then
 * line_reader_next until it returns LINE_NONE:
 *
 *     if (line_reader_fill(&reader) < 0) ...errno
 *     while ((status = line_reader_next(&reader, &line, &length)) != LINE_NONE) ...
 *
 * A line is handed out without its newline, with a NUL in its place, and stays
 * valid until the next call of either function. It may hold NUL bytes itself:
 * length counts. A line longer than the limit is skipped to its end and
 * reported once as LINE_TOO_LONG. Text after the last newline is a line too.
 */
#ifndef BASE_LINE_READER_H
#define BASE_LINE_READER_H

#include "base/buffer.h"

#include <stdbool.h>
#include <sys/types.h>

enum line_status {
    LINE_NONE,     /* nothing complete; fill again, unless ended */
    LINE_READY,    /* a line */
    LINE_TOO_LONG, /* a line was over the limit and is dropped; number tells which */
};

struct line_reader {
    int fd;               /* not owned */
    struct buffer buffer; /* owned */
    size_t limit;         /* longest line, in bytes */
    size_t start;         /* where the next line begins */
    size_t scanned;       /* no newline before this */
    unsigned long number; /* of the last line handed out or dropped, from 1 */
    bool skipping;
    bool ended; /* read returned 0: no more bytes come */
};

enum {
    LINE_LIMIT = 8 << 20,        /* the longest event line, ts-events(5) */
    LINE_LIMIT_MODEL = 64 << 20, /* the longest line to and from ts-llm: a whole conversation */
};

void line_reader_init(struct line_reader *reader, int fd, size_t limit);
void line_reader_release(struct line_reader *reader);

/* One read(2). Returns its result; EINTR and EAGAIN come back as -1 with errno. */
ssize_t line_reader_fill(struct line_reader *reader);

/* Bytes from elsewhere, as if they had been read. 0, or -1 (errno). */
int line_reader_feed(struct line_reader *reader, const char *bytes, size_t length);

enum line_status line_reader_next(struct line_reader *reader, char **line, size_t *length);

#endif
