/*
 * The directory in which tools keep what belongs to a conversation, when nobody
 * gave one: ours, locked while we live, removed when we end, or by a later
 * process when we could not.
 */
#ifndef TS_TOOL_EXEC_STATE_H
#define TS_TOOL_EXEC_STATE_H

#include "base/error.h"

#include <limits.h>

struct state {
    char path[PATH_MAX];
    int lock; /* -1: the directory was given, and stays */
};

/* 0, or -1 with a sentence. */
int state_init(struct state *state, struct error *error);

/* Remove it if it is ours. 0, or -1 with a sentence. */
int state_release(struct state *state, struct error *error);

#endif
