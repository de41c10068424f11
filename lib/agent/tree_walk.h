/*
 * All files below a directory, in a stable order, without what git ignores,
 * without .git and .turnstone, and without following links.
 *
 * Names are sorted by their bytes within each directory. What cannot be read
 * is told and left out; the walk goes on.
 */
#ifndef AGENT_TREE_WALK_H
#define AGENT_TREE_WALK_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct tree_walk {
    /*
     * Called for each directory and regular file: path from the start ("a/b"),
     * the open directory that holds it, its name there. False ends the walk.
     */
    bool (*visit)(
        void *context, const char *path, bool is_directory, int directory, const char *name);
    /* Called for what had to be left out, with a sentence. */
    void (*problem)(void *context, const char *sentence);
    void *context;
    int64_t deadline; /* clock_monotonic_ms */
    bool timed_out;   /* set when the walk ended because of it */
};

/* Walk below an absolute, resolved path. 0, or -1 with a sentence when it cannot be opened. */
int tree_walk(struct tree_walk *walk, const char *path, struct error *error);

#endif
