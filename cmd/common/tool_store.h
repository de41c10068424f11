/* What the tools that use the store do alike: open it, and know whose memories are meant. */
#ifndef CMD_COMMON_TOOL_STORE_H
#define CMD_COMMON_TOOL_STORE_H

#include "agent/tool.h"
#include "data/store.h"

/* The database of the configuration. 0, or -1 with a sentence. */
int tool_store_open(struct store **store, enum store_mode mode, struct error *error);

/* The argument "scope" as memories have it: "" or the project's path, which is also what an absent
 * one means; *named tells whether it was there. scope has PATH_MAX bytes. 0, or -1 with a sentence.
 */
int tool_store_scope(const struct tool_call *call, char *scope, bool *named, struct error *error);

#endif
