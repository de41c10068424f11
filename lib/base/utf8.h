/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond
 * U+10FFFF. What comes from tools, files and models may be anything.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum { UTF8_MAXIMUM = 4 }; /* bytes of one encoded character */

#define UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/*
 * Decode one character. Returns its length in bytes, 0 when the bytes are the
 * beginning of a character that is cut off, -1 when they are no UTF-8.
 */
int utf8_decode(const char *bytes, size_t length, uint32_t *character);

/* Encode one character; returns its length. bytes has room for UTF8_MAXIMUM. */
size_t utf8_encode(uint32_t character, char *bytes);

bool utf8_valid(const char *bytes, size_t length);

/* How many bytes at the front are whole characters; what follows is bad or cut off. */
size_t utf8_valid_prefix(const char *bytes, size_t length);

/* Number of characters; a byte that is no UTF-8 counts as one. */
size_t utf8_count(const char *bytes, size_t length);

/* Append, with every byte that is no UTF-8 replaced by U+FFFD. 0, or -1 (errno). */
int utf8_append_repaired(struct buffer *buffer, const char *bytes, size_t length);

/*
 * Append text so that it can do nothing to a terminal: C0 controls but newline
 * and tab become U+2400 symbols (ESC is shown as U+241B), DEL U+2421, C1
 * controls and the characters that deceive (bidirectional or without width) \u{XXXX}, bad bytes
 * U+FFFD. With newline false, newline and tab are shown as symbols too.
 */
int utf8_append_visible(struct buffer *buffer, const char *bytes, size_t length, bool newline);

#endif
