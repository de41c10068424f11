/*
 * A short cut for the chunk that makes up nearly all of a stream: one choice
 * whose delta holds nothing but text.
 *
 * It is only a short cut. Whatever it does not fully understand (any further
 * member that matters, an escape it does not decode, a doubtful number, a key
 * given twice, anything json_parse would refuse) it declines, and the caller
 * parses a tree. What it accepts means exactly what the tree would mean.
 */
#ifndef AGENT_CHUNK_H
#define AGENT_CHUNK_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

struct plain_chunk {
    const char *content; /* NULL or empty: none. Not terminated; in the JSON text or in scratch. */
    size_t content_length;
    const char *reasoning;
    size_t reasoning_length;
    const char *reasoning_field; /* static: the member it came in; NULL: none */
};

/* Whether json is such a chunk, and then its parts. scratch is overwritten. */
bool chunk_read_plain(
    const char *json, size_t length, struct buffer *scratch, struct plain_chunk *chunk);

#endif
