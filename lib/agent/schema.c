#include "agent/schema.h"

#include "base/buffer.h"
#include "base/spelling.h"
#include "base/utf8.h"
#include "data/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLACE_LIMIT = 200,  /* bytes of an argument's name in a sentence, "edits[3].old_string" */
    SHOWN_VALUE = 40,   /* bytes of a wrong value shown */
    LIST_LIMIT = 600,   /* bytes of a list of names in a sentence */
    NUMBER_DIGITS = 15, /* a whole number of so many digits is exact in a double */
};

static const char *const type_names[] = {
    "string", "integer", "number", "boolean", "array", "object", NULL};
static const char *const type_words[] = {
    "a string", "an integer", "a number", "true or false", "a list", "an object", NULL};

enum value_type { TYPE_STRING, TYPE_INTEGER, TYPE_NUMBER, TYPE_BOOLEAN, TYPE_ARRAY, TYPE_OBJECT };

static int type_of(const cJSON *schema)
{
    const char *name = json_string(schema, "type");
    for (int i = 0; name != NULL && type_names[i] != NULL; i++) {
        if (strcmp(name, type_names[i]) == 0)
            return i;
    }
    return -1;
}

/* The schema itself. */

static int check_any(const cJSON *schema, bool open, const char *place, struct error *error);

/* What a keyword constrains: types, as a set of bits; 0: it is for the model only. */
static const struct {
    const char *key;
    int types;
} keywords[] = {
    {"type", 0},
    {"description", 0},
    {"default", 0},
    {"examples", 0},
    {"enum", 1 << TYPE_STRING | 1 << TYPE_INTEGER | 1 << TYPE_NUMBER},
    {"minimum", 1 << TYPE_INTEGER | 1 << TYPE_NUMBER},
    {"maximum", 1 << TYPE_INTEGER | 1 << TYPE_NUMBER},
    {"minLength", 1 << TYPE_STRING},
    {"maxLength", 1 << TYPE_STRING},
    {"items", 1 << TYPE_ARRAY},
    {"minItems", 1 << TYPE_ARRAY},
    {"maxItems", 1 << TYPE_ARRAY},
    {"properties", 1 << TYPE_OBJECT},
    {"required", 1 << TYPE_OBJECT},
    {"additionalProperties", 1 << TYPE_OBJECT},
};

enum { KEYWORDS = sizeof keywords / sizeof keywords[0] };

/* -1: unknown. */
static int keyword_types(const char *key)
{
    for (size_t i = 0; i < KEYWORDS; i++) {
        if (strcmp(key, keywords[i].key) == 0)
            return keywords[i].types;
    }
    return -1;
}

static int unknown_keyword(const char *key, const char *place, struct error *error)
{
    const char *names[KEYWORDS + 1] = {NULL};
    struct buffer list;
    for (size_t i = 0; i < KEYWORDS; i++)
        names[i] = keywords[i].key;
    const char *nearest = spelling_nearest(key, names);
    if (nearest != NULL)
        return error_set(
            error, "%s: keyword '%s' is not supported: did you mean '%s'?", place, key, nearest);
    buffer_init(&list, ERROR_TEXT_SIZE);
    for (size_t i = 0; i < KEYWORDS; i++)
        (void)buffer_printf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    error_set(error,
        "%s: keyword '%s' is not supported, as nothing here would enforce it; there "
        "are: %s",
        place, key, list.data);
    buffer_release(&list);
    return -1;
}

static int check_keywords(const cJSON *schema, int type, const char *place, struct error *error)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, schema)
    {
        int types = keyword_types(member->string);
        if (types < 0)
            return unknown_keyword(member->string, place, error);
        if (types > 0 && (types & 1 << type) == 0)
            return error_set(error, "%s: keyword '%s' does not go with type '%s'", place,
                member->string, type_names[type]);
        if (json_get(schema, member->string) != member)
            return error_set(error, "%s: keyword '%s' is given twice", place, member->string);
    }
    static const char *const counts[] = {"minLength", "maxLength", "minItems", "maxItems"};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        int64_t count;
        if (json_get(schema, counts[i]) != NULL &&
            (!json_integer(schema, counts[i], &count) || count < 0))
            return error_set(error, "%s: '%s' must be a count", place, counts[i]);
    }
    double bound;
    if ((json_get(schema, "minimum") != NULL && !json_number(schema, "minimum", &bound)) ||
        (json_get(schema, "maximum") != NULL && !json_number(schema, "maximum", &bound)))
        return error_set(error, "%s: 'minimum' and 'maximum' must be numbers", place);
    return 0;
}

static int check_enum(const cJSON *schema, int type, const char *place, struct error *error)
{
    const cJSON *choices = json_get(schema, "enum");
    if (choices == NULL)
        return 0;
    bool sound = cJSON_IsArray(choices) && cJSON_GetArraySize(choices) > 0;
    const cJSON *choice;
    cJSON_ArrayForEach(choice, choices)
    {
        sound = sound && (type == TYPE_STRING ? cJSON_IsString(choice) : cJSON_IsNumber(choice));
    }
    return sound ? 0 : error_set(error, "%s: 'enum' must list values of its type", place);
}

static int check_object(const cJSON *schema, bool open, const char *place, struct error *error)
{
    const cJSON *properties = json_get(schema, "properties");
    if (!cJSON_IsObject(properties))
        return error_set(error, "%s: 'properties' must be an object", place);
    const cJSON *additional = json_get(schema, "additionalProperties");
    if (!cJSON_IsFalse(additional) && !(open && cJSON_IsTrue(additional)))
        return error_set(error, "%s: 'additionalProperties' must be there, and false", place);
    const cJSON *property;
    cJSON_ArrayForEach(property, properties)
    {
        char below[PLACE_LIMIT];
        snprintf(below, sizeof below, "%s.%s", place, property->string);
        if (json_get(properties, property->string) != property)
            return error_set(error, "%s: given twice", below);
        if (check_any(property, open, below, error) < 0)
            return -1;
    }
    const cJSON *required = json_get(schema, "required");
    if (required != NULL && !cJSON_IsArray(required))
        return error_set(error, "%s: 'required' must be a list", place);
    const cJSON *name;
    cJSON_ArrayForEach(name, required)
    {
        if (!cJSON_IsString(name) || json_get(properties, name->valuestring) == NULL)
            return error_set(error, "%s: 'required' names '%s', which is no property", place,
                cJSON_IsString(name) ? name->valuestring : "something else than a text");
    }
    return 0;
}

static int check_any(const cJSON *schema, bool open, const char *place, struct error *error)
{
    if (!cJSON_IsObject(schema))
        return error_set(error, "%s: must be an object", place);
    if (open && schema->child == NULL)
        return 0;
    int type = type_of(schema);
    if (type < 0)
        return error_set(
            error, "%s: 'type' must be string, integer, number, boolean, array or object", place);
    if (check_keywords(schema, type, place, error) < 0 ||
        check_enum(schema, type, place, error) < 0)
        return -1;
    if (type == TYPE_OBJECT)
        return check_object(schema, open, place, error);
    if (type != TYPE_ARRAY)
        return 0;
    char below[PLACE_LIMIT];
    snprintf(below, sizeof below, "%s[]", place);
    return check_any(json_get(schema, "items"), open, below, error);
}

static int check_whole(const cJSON *schema, bool open, struct error *error)
{
    if (check_any(schema, open, "schema", error) < 0)
        return -1;
    if (type_of(schema) != TYPE_OBJECT)
        return error_set(error, "schema: 'type' must be object");
    return 0;
}

int schema_check(const cJSON *schema, struct error *error)
{
    return check_whole(schema, false, error);
}

int schema_check_open(const cJSON *schema, struct error *error)
{
    return check_whole(schema, true, error);
}

/* Values. */

static int validate_any(const cJSON *schema, cJSON *value, const char *place, struct error *error);

/* What a wrong value is, in words. */
static void describe(const cJSON *value, char *text, size_t size)
{
    if (cJSON_IsString(value)) {
        size_t length = strlen(value->valuestring);
        size_t shown = length > SHOWN_VALUE ? SHOWN_VALUE : length;
        shown = utf8_valid_prefix(value->valuestring, shown);
        snprintf(text, size, "a string ('%.*s%s')", (int)shown, value->valuestring,
            shown < length ? "..." : "");
    } else if (cJSON_IsNumber(value)) {
        snprintf(text, size, "%.15g", value->valuedouble);
    } else if (cJSON_IsBool(value)) {
        snprintf(text, size, "%s", cJSON_IsTrue(value) ? "true" : "false");
    } else if (cJSON_IsArray(value)) {
        snprintf(text, size, "a list");
    } else if (cJSON_IsObject(value)) {
        snprintf(text, size, "an object");
    } else {
        snprintf(text, size, "%s", cJSON_IsNull(value) ? "null" : "a number of too many digits");
    }
}

static int wrong_type(int type, const cJSON *value, const char *place, struct error *error)
{
    char is[SHOWN_VALUE + 64];
    describe(value, is, sizeof is);
    return error_set(error, "argument '%s': must be %s, not %s", place, type_words[type], is);
}

static void become_number(cJSON *value, double number)
{
    cJSON_free(value->valuestring);
    value->valuestring = NULL;
    value->type = (value->type & ~0xFF) | cJSON_Number;
    cJSON_SetNumberValue(value, number);
}

/* "5", "-3": the whole text is one number, in the notation JSON has. */
static void number_from_text(cJSON *value, bool whole)
{
    const char *text = value->valuestring;
    size_t digits = strspn(text + (text[0] == '-'), "0123456789");
    struct error ignored;
    if (digits == 0 || (whole && (digits > NUMBER_DIGITS || text[digits + (text[0] == '-')])) ||
        json_check(text, strlen(text), &ignored) < 0)
        return;
    double number = strtod(text, NULL);
    if (isfinite(number))
        become_number(value, number);
}

/* Put right what has only one meaning; anything else stays as it is and is refused later. */
static void coerce(cJSON *value, int type)
{
    if (!cJSON_IsString(value))
        return;
    if (type == TYPE_INTEGER || type == TYPE_NUMBER) {
        number_from_text(value, type == TYPE_INTEGER);
    } else if (type == TYPE_BOOLEAN) {
        bool truth = strcmp(value->valuestring, "true") == 0;
        if (!truth && strcmp(value->valuestring, "false") != 0)
            return;
        cJSON_free(value->valuestring);
        value->valuestring = NULL;
        value->type = (value->type & ~0xFF) | (truth ? cJSON_True : cJSON_False);
    }
}

static bool has_type(const cJSON *value, int type)
{
    int64_t number;
    switch (type) {
    case TYPE_STRING:
        return cJSON_IsString(value);
    case TYPE_INTEGER:
        return json_value_integer(value, &number);
    case TYPE_NUMBER:
        return cJSON_IsNumber(value);
    case TYPE_BOOLEAN:
        return cJSON_IsBool(value);
    case TYPE_ARRAY:
        return cJSON_IsArray(value);
    default:
        return cJSON_IsObject(value);
    }
}

static bool same_value(const cJSON *left, const cJSON *right)
{
    if (cJSON_IsString(left) && cJSON_IsString(right))
        return strcmp(left->valuestring, right->valuestring) == 0;
    return cJSON_IsNumber(left) && cJSON_IsNumber(right) &&
           !(left->valuedouble < right->valuedouble) && !(left->valuedouble > right->valuedouble);
}

static int validate_enum(
    const cJSON *schema, const cJSON *value, const char *place, struct error *error)
{
    const cJSON *choices = json_get(schema, "enum"), *choice;
    if (choices == NULL)
        return 0;
    struct buffer list;
    buffer_init(&list, LIST_LIMIT);
    cJSON_ArrayForEach(choice, choices)
    {
        if (same_value(choice, value)) {
            buffer_release(&list);
            return 0;
        }
        if (list.length > 0)
            buffer_append_text(&list, ", ");
        json_append(&list, choice);
    }
    char is[SHOWN_VALUE + 64];
    describe(value, is, sizeof is);
    error_set(error, "argument '%s': must be one of %s, not %s", place, list.data, is);
    buffer_release(&list);
    return -1;
}

static int validate_number(
    const cJSON *schema, const cJSON *value, const char *place, struct error *error)
{
    int64_t whole;
    double number = value->valuedouble, bound;
    if (!cJSON_IsNumber(value) && json_value_integer(value, &whole))
        number = (double)whole;
    if (json_number(schema, "minimum", &bound) && number < bound)
        return error_set(
            error, "argument '%s': must be at least %.15g, not %.15g", place, bound, number);
    if (json_number(schema, "maximum", &bound) && number > bound)
        return error_set(
            error, "argument '%s': must be at most %.15g, not %.15g", place, bound, number);
    return 0;
}

static int validate_count(const cJSON *schema, const char *least, const char *most, size_t count,
    const char *unit, const char *place, struct error *error)
{
    int64_t bound;
    if (json_integer(schema, least, &bound) && count < (uint64_t)bound) {
        if (count == 0)
            return error_set(error, "argument '%s': must not be empty", place);
        return error_set(error, "argument '%s': must have at least %lld %s, not %zu", place,
            (long long)bound, unit, count);
    }
    if (json_integer(schema, most, &bound) && count > (uint64_t)bound)
        return error_set(error, "argument '%s': must have at most %lld %s, not %zu", place,
            (long long)bound, unit, count);
    return 0;
}

static int validate_items(const cJSON *schema, cJSON *value, const char *place, struct error *error)
{
    const cJSON *items = json_get(schema, "items");
    cJSON *item;
    size_t index = 0;
    cJSON_ArrayForEach(item, value)
    {
        char below[PLACE_LIMIT];
        snprintf(below, sizeof below, "%s[%zu]", place, index++);
        if (validate_any(items, item, below, error) < 0)
            return -1;
    }
    return 0;
}

static bool is_required(const cJSON *schema, const char *key)
{
    const cJSON *name;
    cJSON_ArrayForEach(name, json_get(schema, "required"))
    {
        if (strcmp(name->valuestring, key) == 0)
            return true;
    }
    return false;
}

static int unknown_argument(const cJSON *properties, const char *place, struct error *error)
{
    struct buffer list;
    buffer_init(&list, LIST_LIMIT);
    const cJSON *property;
    cJSON_ArrayForEach(property, properties)
    {
        buffer_printf(&list, "%s%s", list.length > 0 ? ", " : "", property->string);
    }
    if (list.length > 0)
        error_set(error, "unknown argument '%s'; there are: %s", place, list.data);
    else
        error_set(error, "unknown argument '%s'; there are none", place);
    buffer_release(&list);
    return -1;
}

static int validate_object(
    const cJSON *schema, cJSON *value, const char *place, struct error *error)
{
    const cJSON *properties = json_get(schema, "properties");
    const char *separator = place[0] != '\0' ? "." : "";
    char below[PLACE_LIMIT];
    cJSON *next;
    for (cJSON *member = value->child; member != NULL; member = next) {
        next = member->next;
        snprintf(below, sizeof below, "%s%s%s", place, separator, member->string);
        const cJSON *property = json_get(properties, member->string);
        if (property == NULL && !cJSON_IsTrue(json_get(schema, "additionalProperties")))
            return unknown_argument(properties, below, error);
        if (json_get(value, member->string) != member)
            return error_set(error, "argument '%s' is given twice", below);
        if (property == NULL)
            continue;
        if (cJSON_IsNull(member) && property->child != NULL &&
            !is_required(schema, member->string)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(value, member));
            continue;
        }
        if (validate_any(property, member, below, error) < 0)
            return -1;
    }
    const cJSON *name;
    cJSON_ArrayForEach(name, json_get(schema, "required"))
    {
        snprintf(below, sizeof below, "%s%s%s", place, separator, name->valuestring);
        if (json_get(value, name->valuestring) == NULL)
            return error_set(error, "argument '%s' is missing", below);
    }
    return 0;
}

static int validate_any(const cJSON *schema, cJSON *value, const char *place, struct error *error)
{
    int type = type_of(schema);
    if (type < 0)
        return 0; /* {}: anything */
    coerce(value, type);
    if (!has_type(value, type))
        return wrong_type(type, value, place, error);
    if (validate_enum(schema, value, place, error) < 0)
        return -1;
    switch (type) {
    case TYPE_STRING:
        return validate_count(schema, "minLength", "maxLength",
            utf8_count(value->valuestring, strlen(value->valuestring)), "characters", place, error);
    case TYPE_INTEGER:
    case TYPE_NUMBER:
        return validate_number(schema, value, place, error);
    case TYPE_ARRAY:
        if (validate_count(schema, "minItems", "maxItems", (size_t)cJSON_GetArraySize(value),
                "items", place, error) < 0)
            return -1;
        return validate_items(schema, value, place, error);
    case TYPE_OBJECT:
        return validate_object(schema, value, place, error);
    default:
        return 0;
    }
}

int schema_validate(const cJSON *schema, cJSON *arguments, struct error *error)
{
    if (!cJSON_IsObject(arguments)) {
        char is[SHOWN_VALUE + 64];
        describe(arguments, is, sizeof is);
        return error_set(error, "the arguments must be an object, not %s", is);
    }
    return validate_object(schema, arguments, "", error);
}
