/*
 * The directory in which tools keep what belongs to a conversation: below the
 * runtime directory, 0700, locked while its maker lives, removed when it ends,
 * or by a later process when it was killed.
 */
#ifndef IO_STATE_DIRECTORY_H
#define IO_STATE_DIRECTORY_H

#include "base/error.h"

#include <limits.h>

struct state_directory {
    char path[PATH_MAX]; /* empty: none */
    int lock;            /* -1: not ours, and stays */
};

/* A new one; what killed processes left is removed first. 0, or -1 with a sentence and none. */
int state_directory_make(struct state_directory *directory, struct error *error);

/* The one that TS_STATE_DIR names, else a new one. 0, or -1 with a sentence and none. */
int state_directory_take(struct state_directory *directory, struct error *error);

/* Remove it if it is ours; none is no error. 0, or -1 with a sentence. */
int state_directory_release(struct state_directory *directory, struct error *error);

#endif
