/*
 * The tools of a server: the list as it came, and the definitions in the form
 * of tooldef(5) that are made of it.
 */
#ifndef AGENT_MCP_TOOLS_H
#define AGENT_MCP_TOOLS_H

#include "agent/mcp_settings.h"

#include <cjson/cJSON.h>

enum {
    MCP_TOOLS_MOST = 512,      /* of one server */
    MCP_TOOLS_BYTES = 4 << 20, /* of one server's list */
    MCP_TOTAL_MOST = 768,      /* of all servers: more fit no model's context */
};

/*
 * Append to tools what a page of tools/list holds. What is no tool, or has a
 * name that is there already, is passed over and noted. 0, or -1 with a
 * sentence: too many, or no memory.
 */
int mcp_tools_add(
    cJSON *tools, const cJSON *page, mcp_note *note, void *context, struct error *error);

/* NULL: there is none. */
const cJSON *mcp_tools_find(const cJSON *tools, const char *name);

/* What a person decides by: name, title, description, schema and annotations. 0, or -1 (errno). */
int mcp_tool_hash(char hash[MCP_HASH_SIZE], const cJSON *tool);

/* What the server says of a tool, in a few words ("says: read-only"); empty: nothing. */
void mcp_tool_hints(char *text, size_t size, const cJSON *tool);

/* One server with its tools. */
struct mcp_listed {
    const struct mcp_settings *settings;
    const cJSON *tools;
};

/*
 * The definitions of all tools of all servers, sorted by name, an array that
 * the caller frees; program is the absolute path of ts-mcp, grace the seconds
 * it needs beyond a call's own time. NULL with a sentence.
 */
cJSON *mcp_tools_definitions(const struct mcp_listed *listed, size_t count, const char *program,
    double grace, mcp_note *note, void *context, struct error *error);

#endif
