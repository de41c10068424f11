/*
 * The part of JSON Schema that tool definitions use, checked for every call:
 * type (one of string, integer, number, boolean, array, object), enum,
 * minimum, maximum, minLength, maxLength (in characters), items, minItems,
 * maxItems, properties, required, additionalProperties (false). "description",
 * "default" and "examples" are for the model and enforced by nobody. Anything
 * else in a schema is refused by schema_check, so that nothing is sent to the
 * model that is not enforced.
 */
#ifndef AGENT_SCHEMA_H
#define AGENT_SCHEMA_H

#include "base/error.h"

#include <cjson/cJSON.h>

/* Check a tool's "parameters": an object schema. 0, or -1 with a sentence naming the place. */
int schema_check(const cJSON *schema, struct error *error);

/*
 * The same for a schema that was converted from somebody else's
 * (agent/mcp_schema.h): {} stands for any value, and an object may be open
 * (additionalProperties true). What it leaves open, nobody here enforces.
 */
int schema_check_open(const cJSON *schema, struct error *error);

/*
 * Check arguments against a schema that one of these accepts. What a model
 * writes instead of a number without changing its meaning is put right in
 * place: an integer given as "5" or 5.0, a number or boolean given as text, and
 * null for an argument that is not required (it is removed). 0, or -1 with one
 * sentence naming the argument, as in "argument 'limit': must be an integer, not a
 * string ('many')".
 */
int schema_validate(const cJSON *schema, cJSON *arguments, struct error *error);

#endif
