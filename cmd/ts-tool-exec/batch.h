/*
 * Decided batches: up to four calls of one at a time, in order where order
 * matters, and one batch after the other. The end of each is a line.
 */
#ifndef TS_TOOL_EXEC_BATCH_H
#define TS_TOOL_EXEC_BATCH_H

#include "call.h"

struct batches {
    const struct setting *setting;
    struct batch *first; /* the one that runs; the others wait */
    bool stopping;
    bool dispatching;            /* results that come at once must not start others twice */
    void (*idle)(void *context); /* nothing is left */
    void *context;
};

/* Take a "decided" line. tree is the stage's; what is needed of it is copied. */
void batches_add(struct batches *batches, cJSON *tree);

/*
 * A line about what a running tool asked, which has a parent_call_id: an answer
 * goes to that tool, a request that nobody answered is denied, a cancel has
 * done its work. false: it is no such line.
 */
bool batches_take_nested(
    struct batches *batches, const cJSON *tree, const char *line, size_t length);

/* stdin has ended: what running tools wait to be told is not going to come. */
void batches_abandon_nested(struct batches *batches);

/* Stop the batch of this id, or all (NULL). */
void batches_stop(struct batches *batches, const char *batch_id, enum call_end end);

/* End what runs, without results. */
void batches_release(struct batches *batches);

bool batches_idle(const struct batches *batches);

#endif
