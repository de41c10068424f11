#include "script_key.h"

#include "data/json.h"

#include <string.h>

const struct key *script_find_key(const struct key *keys, const char *name)
{
    for (; keys->name != NULL; keys++)
        if (strcmp(keys->name, name) == 0)
            return keys;
    return NULL;
}

int script_set_key(void *base, const struct key *key, const cJSON *value, struct error *error)
{
    char *place = base == NULL ? NULL : (char *)base + key->offset;
    switch (key->kind) {
    case KEY_TEXT:
        if (!cJSON_IsString(value))
            return error_set(error, "'%s' must be a string", key->name);
        *(const char **)(void *)place = value->valuestring;
        return 0;
    case KEY_INTEGER: {
        int64_t number;
        if (!json_value_integer(value, &number) || number < key->least || number > key->most)
            return error_set(error, "'%s' must be a whole number from %lld to %lld", key->name,
                (long long)key->least, (long long)key->most);
        *(int64_t *)(void *)place = number;
        return 0;
    }
    case KEY_NUMBER:
        if (!cJSON_IsNumber(value) || value->valuedouble < (double)key->least ||
            value->valuedouble > (double)key->most)
            return error_set(error, "'%s' must be a number from %lld to %lld", key->name,
                (long long)key->least, (long long)key->most);
        *(double *)(void *)place = value->valuedouble;
        return 0;
    case KEY_BOOLEAN:
        if (!cJSON_IsBool(value))
            return error_set(error, "'%s' must be true or false", key->name);
        *(bool *)place = cJSON_IsTrue(value);
        return 0;
    case KEY_VALUE:
        if ((value->type & (int)key->least) == 0)
            return error_set(error, "'%s' has a value of the wrong type", key->name);
        if (place != NULL)
            *(const cJSON **)(void *)place = value;
        return 0;
    }
    return 0;
}

int script_set_keys(
    void *base, const struct key *keys, const cJSON *object, const char *where, struct error *error)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, object)
    {
        const struct key *key = script_find_key(keys, member->string);
        if (key == NULL)
            return error_set(error, "unknown key '%s' in %s", member->string, where);
        if (script_set_key(base, key, member, error) < 0)
            return -1;
    }
    return 0;
}
