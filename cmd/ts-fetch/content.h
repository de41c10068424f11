/* Which content is text, and the text as UTF-8. */
#ifndef TS_FETCH_CONTENT_H
#define TS_FETCH_CONTENT_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

/* By the Content-Type header; an empty one may be text. */
bool content_is_text(const char *content_type);

/* Append the body as UTF-8. 0, or -1 with a sentence: it is binary whatever it is called. */
int content_decode(
    struct buffer *text, const struct buffer *body, const char *content_type, struct error *error);

#endif
