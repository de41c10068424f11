/* Markdown source before it is parsed. */
#ifndef TERM_SOURCE_H
#define TERM_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

/*
 * Append the source with the brackets of link definitions escaped. md4c takes
 * "[name]: address" out of the text, and the use of name may have been laid out
 * long ago: so the definition stays text. Fenced code is left alone. 0 or -1.
 */
int source_keep_definitions(const char *source, size_t length, struct buffer *kept);

/* Nothing but white space. */
bool source_blank(const char *source, size_t length);

#endif
