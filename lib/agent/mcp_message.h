/*
 * One message of the Model Context Protocol: JSON-RPC 2.0, one message a line
 * over stdio. Source: modelcontextprotocol.io, specification 2026-07-28,
 * basic/index and basic/transports/stdio; 2025-03-26 also allowed a line to
 * hold a list of messages (a batch), which the reader of lines takes apart.
 */
#ifndef AGENT_MCP_MESSAGE_H
#define AGENT_MCP_MESSAGE_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct buffer;

enum {
    MCP_LINE_LIMIT = 16 << 20, /* bytes of one message: an image as base64 is a few MiB */

    MCP_METHOD_NOT_FOUND = -32601,
    MCP_INVALID_PARAMS = -32602,
    MCP_INTERNAL_ERROR = -32603,
    MCP_UNSUPPORTED_VERSION = -32022,
};

enum mcp_kind { MCP_REQUEST, MCP_NOTIFICATION, MCP_RESULT, MCP_ERROR };

/* Everything points into the tree it was read from. */
struct mcp_message {
    enum mcp_kind kind;
    const cJSON *id;    /* a text or a number; NULL: a notification, or an error about no message */
    const char *method; /* of requests and notifications */
    const cJSON *params; /* NULL: none */
    const cJSON *result; /* any value */
    int64_t code;        /* of an error */
    const char *text;    /* of an error */
    const cJSON *data;   /* of an error; NULL: none */
};

/* What is this? 0, or -1 with a sentence when it is no message at all. */
int mcp_message_read(const cJSON *tree, struct mcp_message *message, struct error *error);

/* Whether the id is a whole number, as ours are. */
bool mcp_message_number(const struct mcp_message *message, int64_t *number);

/* Append one message without a newline; params NULL: none. 0, or -1 (errno). */
int mcp_append_request(struct buffer *buffer, int64_t id, const char *method, const cJSON *params);
int mcp_append_notification(struct buffer *buffer, const char *method, const cJSON *params);
int mcp_append_result(struct buffer *buffer, const cJSON *id, const cJSON *result);
int mcp_append_error(struct buffer *buffer, const cJSON *id, int code, const char *text);

#endif
