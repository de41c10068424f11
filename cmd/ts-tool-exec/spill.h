/*
 * Where output goes that is too long for the model: one directory of ours per
 * process, below $XDG_STATE_HOME/turnstone/spill, one 0600 file per call.
 */
#ifndef TS_TOOL_EXEC_SPILL_H
#define TS_TOOL_EXEC_SPILL_H

#include "base/error.h"

#include <stddef.h>

/*
 * Open a new file for a call and put its name into path (PATH_MAX). The first
 * one makes the directory and removes those of others that are older than a
 * week. Returns a descriptor that the caller closes, or -1 with a sentence.
 */
int spill_open(const char *call_id, char *path, size_t size, struct error *error);

/* The directory, for tools that are to read there; NULL: nothing was spilled yet. */
const char *spill_directory(void);

#endif
