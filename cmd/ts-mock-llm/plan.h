/*
 * An answer ready to be played: its status, its headers and the pieces of its
 * body, in memory, with the pauses between them.
 *
 * A plan owns its bytes; headers and content_type belong to the rule it was
 * made from. Each piece becomes one chunk of the chunked body.
 */
#ifndef TS_MOCK_LLM_PLAN_H
#define TS_MOCK_LLM_PLAN_H

#include "base/buffer.h"
#include "script.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLAN_BYTES_LIMIT = 256 << 20 }; /* a whole answer; a script line is 64 MiB at most */

struct plan {
    int status;
    const char *content_type; /* NULL: none is sent */
    const cJSON *headers;
    struct buffer bytes;
    size_t *ends; /* piece i ends here in bytes and begins where the one before it ends */
    size_t count;
    size_t capacity;
    bool whole; /* one piece with a Content-Length instead of a chunked body */
    bool disconnect;
    bool reset; /* a connection that dies does so by RST */
    bool hang;
    int64_t disconnect_after; /* pieces; -1: never */
    int64_t delay_ms;
    int64_t first_byte_delay_ms;
    int64_t chunk_delay_ms;
    /* Synthesised tokens, between pieces: frames of equal size, over and over. */
    size_t tokens_before; /* the piece they come before */
    int64_t tokens;       /* 0: none */
    double rate;          /* a second; 0: as fast as they are taken */
    int64_t first_token_delay_ms;
    struct buffer block;
    size_t frame_size;
};

void plan_init(struct plan *plan);
void plan_release(struct plan *plan);

/* What is in bytes behind the last piece becomes a piece; nothing when there is nothing.
 * 0, or -1 when memory is short. */
int plan_end_piece(struct plan *plan);

/* Cut all pieces anew, size bytes each. 0, or -1 when memory is short. */
int plan_recut(struct plan *plan, size_t size);

#endif
