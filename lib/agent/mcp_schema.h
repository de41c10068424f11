/*
 * The inputSchema of a foreign tool, which may say anything that JSON Schema
 * 2020-12 can, made into what agent/schema enforces.
 *
 * The converted schema is only ever weaker than the original: what cannot be
 * enforced ($ref, anyOf, patterns, several types ...) is left to the server,
 * so no argument that it would take is refused here. The model is sent the
 * original, with what every endpoint wants of a function's parameters.
 */
#ifndef AGENT_MCP_SCHEMA_H
#define AGENT_MCP_SCHEMA_H

#include <cjson/cJSON.h>

/* For schema_validate; schema_check_open accepts it. input may be anything, NULL too. NULL: no
 * memory. The caller frees it. */
cJSON *mcp_schema_checked(const cJSON *input);

/* For the request: input, or an object schema without properties when it is none. NULL: no memory.
 * The caller frees it. */
cJSON *mcp_schema_wire(const cJSON *input);

#endif
