/*
 * Lines to a file descriptor, without ever blocking a pipe's reader and writer
 * against each other, and without setting O_NONBLOCK on a description that
 * other processes may share.
 *
 * Lines are collected and written by line_writer_flush, which a program calls
 * before it waits, so that what is ready leaves at once and together. On a
 * pipe or socket it writes only what is taken without waiting: poll for
 * POLLOUT while line_writer_waiting says so, then flush again.
 */
#ifndef IO_LINE_WRITER_H
#define IO_LINE_WRITER_H

#include "base/buffer.h"

#include <stdbool.h>

enum line_writer_kind { LINE_WRITER_FILE, LINE_WRITER_PIPE, LINE_WRITER_SOCKET };

struct line_writer {
    int fd;              /* not owned */
    struct buffer queue; /* owned; bytes not yet written, from sent on */
    size_t sent;
    enum line_writer_kind kind;
    bool nonblocking; /* our own end of a pipe, where O_NONBLOCK disturbs nobody */
};

enum { LINE_WRITER_LIMIT = 256 << 20 }; /* bytes kept for a reader that does not read */

void line_writer_init(struct line_writer *writer, int fd);

/* The same for a pipe end that this process made and nobody else holds: sets O_NONBLOCK. */
void line_writer_init_own(struct line_writer *writer, int fd);

void line_writer_release(struct line_writer *writer);

/* Queue one line; the newline is added. 0, or -1 (errno; EMSGSIZE: the reader is too slow). */
int line_writer_put(struct line_writer *writer, const char *line, size_t length);

/* Bytes as they are, newline included where one is wanted. */
int line_writer_put_bytes(struct line_writer *writer, const char *bytes, size_t length);

/* Write what is taken at once. 0, or -1 with errno (EPIPE: the reader has gone). */
int line_writer_flush(struct line_writer *writer);

/* Write everything, waiting up to deadline (clock_monotonic_ms; negative: for ever). 0 or -1. */
int line_writer_drain(struct line_writer *writer, long long deadline);

/* Bytes are left: poll for POLLOUT. */
bool line_writer_waiting(const struct line_writer *writer);

#endif
