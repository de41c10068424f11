/*
 * Text of the web as UTF-8: which charset it is in, and the conversion.
 *
 * The charset is the one of a byte order mark, else the one the server named,
 * else the one an HTML page names in its first bytes; else UTF-8 when it is
 * valid, and windows-1252 when not, as the WHATWG's encoding standard has it.
 * Only charsets that browsers know are taken: a name from outside chooses which
 * code of the C library runs.
 */
#ifndef DATA_CHARSET_H
#define DATA_CHARSET_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

enum { CHARSET_NAME_SIZE = 32 };

/* The name of the charset as iconv knows it. content_type may be NULL. Static text. */
const char *charset_find(const char *bytes, size_t length, const char *content_type, bool html);

/* Append as UTF-8; what is no character, and NUL, becomes U+FFFD. 0, or -1 with a sentence. */
int charset_convert(struct buffer *text, const char *bytes, size_t length, const char *charset,
    struct error *error);

#endif
