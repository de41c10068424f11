/*
 * The tools of MCP servers, added to a program's tool set: from the file that
 * TS_MCP_TOOLS names (ts-chat writes it once, so that the list stays the same
 * for a conversation), else from `ts-mcp tools`, when servers are configured.
 * Where none are, this costs nothing.
 */
#ifndef CMD_COMMON_MCP_TOOLS_H
#define CMD_COMMON_MCP_TOOLS_H

#include "agent/tooldef.h"
#include "base/error.h"
#include "data/config.h"

struct buffer;

/* What ts-mcp has to say to a person, a line at a time, while it is asked. */
typedef void mcp_tools_note(void *context, const char *text);

/*
 * names: the tools that are wanted, separated by commas, NULL for all; where no
 * name among them is a foreign tool's, nobody is asked. text, when not NULL, is
 * filled with the definitions, a JSON array; it stays empty when there are no
 * servers. 0, or -1 with a sentence: the configuration is wrong. Servers that
 * fail are only noted.
 */
int mcp_tools_load(struct tool_set *set, struct config *config, const char *names,
    struct buffer *text, mcp_tools_note *note, void *context, struct error *error);

/* The same for a stage, which warns. Ends the program when the configuration is wrong. */
void mcp_tools_take(struct tool_set *set, struct config *config);

enum { MCP_TOOLS_TEXT_LIMIT = 64 << 20 }; /* bytes of all definitions */

#endif
