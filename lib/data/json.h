/*
 * JSON as RFC 8259 has it, strictly, on top of cJSON.
 *
 * Refused: anything but exactly one value, bytes behind it, invalid UTF-8,
 * raw control characters in strings, "\u0000", numbers such as 01 or 1., beyond
 * the range of a double or with a fraction or exponent and more than 63 bytes
 * (which cJSON would misread), nesting deeper than 64. Kept where cJSON alone
 * would lose it: whole numbers beyond 2^53 keep their digits (as cJSON_Raw
 * items), an unpaired surrogate becomes U+FFFD. Duplicate keys: the first
 * wins. Key look-up is case-sensitive.
 *
 * A tree belongs to whoever called json_parse (json_free). What the look-up
 * functions return belongs to the tree. Building and printing use cJSON's own
 * functions; parsing and looking up use only these.
 */
#ifndef DATA_JSON_H
#define DATA_JSON_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum { JSON_DEPTH_LIMIT = 64 };

/* NULL with a sentence that names the byte offset when the text is refused or memory is short. */
cJSON *json_parse(const char *text, size_t length, struct error *error);

/* The same, and refuses everything but an object. */
cJSON *json_parse_object(const char *text, size_t length, struct error *error);

void json_free(cJSON *tree);

/* Only check. 0, or -1 with the sentence json_parse would give. */
int json_check(const char *text, size_t length, struct error *error);

/* A member of an object; NULL when object is NULL, no object, or has no such key. */
cJSON *json_get(const cJSON *object, const char *key);

/* A member's text; NULL when it is absent or no string. */
const char *json_string(const cJSON *object, const char *key);

/* A member that is an array or an object; NULL otherwise. */
cJSON *json_array(const cJSON *object, const char *key);
cJSON *json_object(const cJSON *object, const char *key);

/* A member's truth; absent or another type: fallback. */
bool json_boolean(const cJSON *object, const char *key, bool fallback);

/* A member's whole number; false when absent, no number, with a fraction, or out of range. */
bool json_integer(const cJSON *object, const char *key, int64_t *number);
bool json_number(const cJSON *object, const char *key, double *number);

/* The same for a value itself. */
bool json_value_integer(const cJSON *value, int64_t *number);

/* Append the value, without white space. 0, or -1 (errno). */
int json_append(struct buffer *buffer, const cJSON *value);

/* Append text as a quoted JSON string; bytes that are no UTF-8 become U+FFFD. 0, or -1. */
int json_append_string(struct buffer *buffer, const char *text, size_t length);

/*
 * The value of "type" when it comes first in the line and is plain text, as it
 * does by convention: a look that costs no parse. Returns its length, and sets
 * *type into the line; 0 when the line must be parsed to know.
 */
size_t json_peek_type(const char *line, size_t length, const char **type);

/* Add members to an object; text NULL adds null. 0, or -1 when memory is short. */
int json_add_string(cJSON *object, const char *key, const char *text);
int json_add_integer(cJSON *object, const char *key, int64_t number);
int json_add_number(cJSON *object, const char *key, double number);
int json_add_boolean(cJSON *object, const char *key, bool truth);

/* Add a value, which the object then owns (also when this fails, which frees it). */
int json_add(cJSON *object, const char *key, cJSON *value);

#endif
