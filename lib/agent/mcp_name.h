/*
 * Names of foreign tools that every model endpoint takes: mcp__SERVER__TOOL in
 * at most 64 of A-Z a-z 0-9 _ -, each one unique, and the same every time for
 * the same set of tools.
 */
#ifndef AGENT_MCP_NAME_H
#define AGENT_MCP_NAME_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    MCP_NAME_SIZE = 65,         /* 64 characters and a NUL */
    MCP_SERVER_NAME_LIMIT = 32, /* characters: leaves half of a name to the tool */
    MCP_HASH_SIZE = 33,         /* 128 bits of SHA-256 in hex and a NUL */
};

/* A server's name in the configuration: letters, digits, '-', '_' and '.', not "__" anywhere.
 * 0, or -1 with a sentence. */
int mcp_server_name_check(const char *name, struct error *error);

/* Whether the plain name of a tool, mcp__SERVER__TOOL, is one that endpoints take. */
bool mcp_name_is_plain(const char *server, const char *tool);

/* The name: plain where that is possible, else with other characters as '_', cut where it is too
 * long; distinct puts a hash of the whole behind it, as being cut does. */
void mcp_name(char name[MCP_NAME_SIZE], const char *server, const char *tool, bool distinct);

void mcp_hash(char hash[MCP_HASH_SIZE], const char *bytes, size_t length);

#endif
