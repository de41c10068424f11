/* HTML character references, as markdown may hold them: the numeric ones and the common names. */
#ifndef TERM_ENTITY_H
#define TERM_ENTITY_H

#include <stddef.h>

struct buffer;

/*
 * Append what "&...;" stands for, made visible as utf8_append_visible does:
 * "&#27;" is no way to an escape. An unknown one is appended as it is. 0 or -1.
 */
int entity_append(struct buffer *buffer, const char *reference, size_t length);

#endif
