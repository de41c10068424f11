/*
 * Members of a rule's objects as tables: name, type, bounds, and where the
 * value goes. A member that stands in no table is an error.
 */
#ifndef TS_MOCK_LLM_SCRIPT_KEY_H
#define TS_MOCK_LLM_SCRIPT_KEY_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

/* What a key's value may be, and where it goes. */
enum key_kind { KEY_TEXT, KEY_INTEGER, KEY_NUMBER, KEY_BOOLEAN, KEY_VALUE };

/* For KEY_VALUE: the JSON types that are taken. */
enum {
    TYPE_TEXT = cJSON_String,
    TYPE_LIST = cJSON_Array,
    TYPE_OBJECT = cJSON_Object,
    TYPE_FALSE = cJSON_False,
    TYPE_TRUTH = cJSON_False | cJSON_True,
    TYPE_NULL = cJSON_NULL,
    TYPE_ANY = 0xff,
};

struct key {
    const char *name;
    enum key_kind kind;
    size_t offset;
    int64_t least; /* KEY_INTEGER, KEY_NUMBER; KEY_VALUE: the types */
    int64_t most;
};

/* NULL: there is no such key. */
const struct key *script_find_key(const struct key *keys, const char *name);

/* Store value in the struct at base where key says; base NULL: only check a KEY_VALUE. 0, or -1
 * with a sentence. */
int script_set_key(void *base, const struct key *key, const cJSON *value, struct error *error);

/* All members of object; where names it in the sentence about an unknown one. */
int script_set_keys(void *base, const struct key *keys, const cJSON *object, const char *where,
    struct error *error);

#endif
