/*
 * The command line and the environment with which an MCP server is started:
 * ts-jail with its profile, the tools' variables and what the settings add, and
 * the server's own words. Values that may be secret are in no argv.
 */
#ifndef AGENT_MCP_LAUNCH_H
#define AGENT_MCP_LAUNCH_H

#include "agent/mcp_server.h"

enum { MCP_LAUNCH_WORDS = 640 }; /* of ts-jail's command line */

struct mcp_launch {
    char *words[MCP_LAUNCH_WORDS + 1]; /* belong to the settings, the host, or nobody */
    size_t count;
    char **environment; /* owned */
    size_t entries;
    bool failed; /* there were too many words */
};

/* 0, or -1 with a sentence. Release it in both cases; host and settings stay until then. */
int mcp_launch_make(struct mcp_launch *launch, const struct mcp_host *host,
    const struct mcp_settings *settings, struct error *error);
void mcp_launch_release(struct mcp_launch *launch);

#endif
