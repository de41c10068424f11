/*
 * The tool calls of a turn: announced, running with their last lines of
 * output, and how they ended.
 */
#ifndef TS_RENDER_CALLS_H
#define TS_RENDER_CALLS_H

#include "data/json.h"
#include "term/markdown.h"

#include <stdbool.h>
#include <stdint.h>

struct call;

struct calls {
    struct call **items; /* owned; those without a result yet */
    size_t count;
    size_t capacity;
    bool all_output; /* of finished calls; else its last lines */
    char *heading;   /* owned; the call whose agent's calls are being told about; NULL: none */
};

void calls_release(struct calls *calls);

/* Take the items of a tool_info (running) or of an approval_request (not yet). */
void calls_announce(struct calls *calls, const cJSON *event, bool running);

/* Take an approval_resolved: what was allowed is running from now on. */
void calls_decide(struct calls *calls, const cJSON *event);

/* Take a tool_output_chunk. */
void calls_chunk(struct calls *calls, const cJSON *event, const char *chunk);

/* Take a tool_result: append the rows that tell how the call ended. */
void calls_result(
    struct calls *calls, const cJSON *event, const struct markdown *look, struct rows *rows);

/* The turn has ended: tell about calls that never got a result. */
void calls_abandon(struct calls *calls, const struct markdown *look, struct rows *rows);

size_t calls_running(const struct calls *calls);

/* Append at most room rows that show the running calls. spinner false: without a moving sign. */
void calls_live(const struct calls *calls, const struct markdown *look, int64_t now, bool spinner,
    size_t room, struct rows *rows);

#endif
