/*
 * Which MCP servers there are and how to start them: from [mcp.servers] of the
 * configuration, or from a JSON file with an "mcpServers" object, the form
 * that other clients write.
 *
 * A wrong member is an error that names it. In a JSON file, members that other
 * clients know and we do not are only noted.
 */
#ifndef AGENT_MCP_SETTINGS_H
#define AGENT_MCP_SETTINGS_H

#include "agent/mcp_name.h"
#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct config;

enum mcp_sandbox { MCP_SANDBOX_OFF, MCP_SANDBOX_WORKSPACE };

struct mcp_settings {
    char *name;
    bool enabled;
    char **command; /* the program and its arguments, ends with NULL; NULL: url says where */
    char *url;      /* NULL: command does */
    cJSON *env;     /* names and texts; NULL: none */
    cJSON *headers; /* of HTTP, names and texts; NULL: none */
    double timeout; /* seconds for one call */
    enum mcp_sandbox sandbox;
    bool network;             /* in the sandbox */
    char hash[MCP_HASH_SIZE]; /* of all that decides which tools it has; no secrets in it */
};

struct mcp_settings_list {
    struct mcp_settings *servers; /* in the order given */
    size_t count;
};

/* A remark for a person. */
typedef void mcp_note(void *context, const char *text);

/* Whether any server is configured: costs nothing when none is. */
bool mcp_settings_given(const struct config *config);

/*
 * Read what the configuration says; timeout stands in for a server that says
 * none. 0, or -1 with a sentence and an empty list.
 */
int mcp_settings_load(struct mcp_settings_list *list, const struct config *config, double timeout,
    mcp_note *note, void *context, struct error *error);

/* The same from one object of servers. lenient: an unknown member is noted. */
int mcp_settings_read(struct mcp_settings_list *list, const cJSON *servers, bool lenient,
    double timeout, mcp_note *note, void *context, struct error *error);

void mcp_settings_release(struct mcp_settings_list *list);

/* NULL: there is none of this name. */
const struct mcp_settings *mcp_settings_find(
    const struct mcp_settings_list *list, const char *name);

#endif
