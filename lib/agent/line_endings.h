/*
 * CRLF and LF. A model is shown lines without their endings, so what it writes
 * back is turned to the endings the file has, when those are the same
 * throughout.
 */
#ifndef AGENT_LINE_ENDINGS_H
#define AGENT_LINE_ENDINGS_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

struct line_endings {
    size_t crlf, lf; /* lines that end so; a lone CR ends no line */
};

struct line_endings line_endings_count(const char *text, size_t length);

/* Append text with every line ending turned into "\r\n" or "\n". 0, or -1 (errno). */
int line_endings_append(struct buffer *buffer, const char *text, size_t length, bool crlf);

#endif
