#include "agent/mcp_schema.h"

#include "data/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    DEPTH_MOST = 16,   /* schemas inside each other; deeper ones are left to the server */
    NODES_MOST = 2048, /* schemas of one tool */
    ENUM_MOST = 1024,  /* values that one argument may have */
};

struct conversion {
    int nodes;
    bool failed; /* no memory */
};

static cJSON *convert(struct conversion *conversion, const cJSON *input, int depth);

/* Takes value over. */
static void put(struct conversion *conversion, cJSON *object, const char *key, cJSON *value)
{
    if (value == NULL || object == NULL) {
        json_free(value);
        conversion->failed = true;
    } else if (json_add(object, key, value) < 0) {
        conversion->failed = true;
    }
}

static void put_text(
    struct conversion *conversion, cJSON *object, const char *key, const char *text)
{
    put(conversion, object, key, cJSON_CreateString(text));
}

static void copy_bound(
    struct conversion *conversion, cJSON *output, const cJSON *input, const char *key, bool count)
{
    double number;
    int64_t whole;
    if (!json_number(input, key, &number) ||
        (count && (!json_integer(input, key, &whole) || whole < 0)))
        return;
    put(conversion, output, key, cJSON_CreateNumber(number));
}

/* All choices must be of the type, or a value that is allowed would be refused. */
static bool choices_fit(const cJSON *choices, bool texts)
{
    const cJSON *choice;
    int count = 0;
    cJSON_ArrayForEach(choice, choices)
    {
        if (count++ == ENUM_MOST || !(texts ? cJSON_IsString(choice) : cJSON_IsNumber(choice)))
            return false;
    }
    return cJSON_IsArray(choices) && count > 0;
}

static void copy_choices(
    struct conversion *conversion, cJSON *output, const cJSON *input, bool texts)
{
    const cJSON *choices = json_get(input, "enum");
    if (choices_fit(choices, texts))
        put(conversion, output, "enum", cJSON_Duplicate(choices, true));
}

static void convert_properties(
    struct conversion *conversion, cJSON *output, const cJSON *input, int depth)
{
    const cJSON *given = json_object(input, "properties");
    cJSON *properties = cJSON_CreateObject();
    cJSON *required = cJSON_CreateArray();
    const cJSON *item;
    cJSON_ArrayForEach(item, given)
    {
        if (json_get(given, item->string) == item)
            put(conversion, properties, item->string, convert(conversion, item, depth + 1));
    }
    cJSON_ArrayForEach(item, json_array(input, "required"))
    {
        if (!cJSON_IsString(item) || json_get(properties, item->valuestring) == NULL)
            continue;
        cJSON *name = cJSON_CreateString(item->valuestring);
        if (name == NULL || !cJSON_AddItemToArray(required, name)) {
            json_free(name);
            conversion->failed = true;
        }
    }
    bool closed = cJSON_IsFalse(json_get(input, "additionalProperties")) &&
                  json_get(input, "patternProperties") == NULL;
    put(conversion, output, "properties", properties);
    put(conversion, output, "required", required);
    put(conversion, output, "additionalProperties", cJSON_CreateBool(!closed));
}

static void convert_items(
    struct conversion *conversion, cJSON *output, const cJSON *input, int depth)
{
    const cJSON *items = json_object(input, "items");
    /* With prefixItems, items speaks of the rest only. */
    if (json_get(input, "prefixItems") != NULL)
        items = NULL;
    put(conversion, output, "items", convert(conversion, items, depth + 1));
    copy_bound(conversion, output, input, "minItems", true);
    copy_bound(conversion, output, input, "maxItems", true);
}

/* The one type that a value must have; NULL: there are several, or none is said. */
static const char *single_type(const cJSON *input)
{
    const cJSON *type = json_get(input, "type");
    if (cJSON_IsArray(type) && cJSON_GetArraySize(type) == 1)
        type = type->child;
    if (cJSON_IsString(type))
        return type->valuestring;
    return type == NULL && choices_fit(json_get(input, "enum"), true) ? "string" : NULL;
}

/* {} stands for anything. */
static cJSON *convert(struct conversion *conversion, const cJSON *input, int depth)
{
    cJSON *output = cJSON_CreateObject();
    const char *type = single_type(input);
    /* Beside $ref, older dialects ignore every other keyword. "nullable" is OpenAPI's. */
    if (output == NULL || !cJSON_IsObject(input) || depth > DEPTH_MOST ||
        ++conversion->nodes > NODES_MOST || type == NULL || json_get(input, "$ref") != NULL ||
        cJSON_IsTrue(json_get(input, "nullable"))) {
        conversion->failed |= output == NULL;
        return output;
    }
    if (strcmp(type, "string") == 0) {
        put_text(conversion, output, "type", type);
        copy_choices(conversion, output, input, true);
        copy_bound(conversion, output, input, "minLength", true);
        copy_bound(conversion, output, input, "maxLength", true);
    } else if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0) {
        put_text(conversion, output, "type", type);
        copy_choices(conversion, output, input, false);
        copy_bound(conversion, output, input, "minimum", false);
        copy_bound(conversion, output, input, "maximum", false);
    } else if (strcmp(type, "boolean") == 0) {
        put_text(conversion, output, "type", type);
    } else if (strcmp(type, "array") == 0) {
        put_text(conversion, output, "type", type);
        convert_items(conversion, output, input, depth);
    } else if (strcmp(type, "object") == 0) {
        put_text(conversion, output, "type", type);
        convert_properties(conversion, output, input, depth);
    }
    return output;
}

cJSON *mcp_schema_checked(const cJSON *input)
{
    struct conversion conversion = {.nodes = 0};
    cJSON *output = cJSON_CreateObject();
    put_text(&conversion, output, "type", "object");
    /* Arguments are always an object, whatever else a schema says. */
    bool plain = cJSON_IsObject(input) && json_get(input, "$ref") == NULL;
    convert_properties(&conversion, output, plain ? input : NULL, 0);
    if (!conversion.failed)
        return output;
    json_free(output);
    return NULL;
}

cJSON *mcp_schema_wire(const cJSON *input)
{
    struct conversion conversion = {.nodes = 0};
    cJSON *output = cJSON_IsObject(input) ? cJSON_Duplicate(input, true) : cJSON_CreateObject();
    const char *type = json_string(output, "type");
    if (type == NULL || strcmp(type, "object") != 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(output, "type");
        put_text(&conversion, output, "type", "object");
    }
    if (json_object(output, "properties") == NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(output, "properties");
        put(&conversion, output, "properties", cJSON_CreateObject());
    }
    if (output != NULL && !conversion.failed)
        return output;
    json_free(output);
    return NULL;
}
