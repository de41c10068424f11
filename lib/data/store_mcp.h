/*
 * What MCP servers said they offer, so that a request can name their tools
 * without starting them.
 */
#ifndef DATA_STORE_MCP_H
#define DATA_STORE_MCP_H

#include "data/store.h"

struct store_mcp_tools {
    const char *server;
    const char *config_hash; /* of the settings it was started with */
    const char *tools;       /* JSON array */
    const char *hash;        /* of tools */
    const char *fetched;     /* when; not looked at by put */
};

/* Keep, in the place of what was known of the server. */
int store_mcp_put(struct store *store, const struct store_mcp_tools *tools, struct error *error);

/* visit is called for the server when something is known of it, or for all (NULL), by name. */
int store_mcp_get(struct store *store, const char *server,
    int (*visit)(void *context, const struct store_mcp_tools *tools, struct error *error),
    void *context, struct error *error);

/* 1; 0 when nothing was known; -1. */
int store_mcp_delete(struct store *store, const char *server, struct error *error);

#endif
