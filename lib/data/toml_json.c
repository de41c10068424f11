/* A TOML tree as JSON: plain, or with types as the public TOML test suite writes it. */
#include "base/buffer.h"
#include "data/json.h"
#include "data/toml.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* The suite's names for the types of scalars. */
static const char *const type_tags[] = {
    [TOML_STRING] = "string",
    [TOML_INTEGER] = "integer",
    [TOML_FLOAT] = "float",
    [TOML_BOOLEAN] = "bool",
    [TOML_OFFSET_DATETIME] = "datetime",
    [TOML_LOCAL_DATETIME] = "datetime-local",
    [TOML_LOCAL_DATE] = "date-local",
    [TOML_LOCAL_TIME] = "time-local",
};

static int append_number(struct buffer *buffer, double number)
{
    if (isnan(number))
        return buffer_append_text(buffer, "nan");
    if (isinf(number))
        return buffer_append_text(buffer, number < 0 ? "-inf" : "inf");
    return buffer_printf(buffer, "%.17g", number);
}

static int append_scalar(struct buffer *buffer, const struct toml_value *value)
{
    switch (value->type) {
    case TOML_INTEGER:
        return buffer_printf(buffer, "%" PRId64, value->integer);
    case TOML_FLOAT:
        return append_number(buffer, value->number);
    case TOML_BOOLEAN:
        return buffer_append_text(buffer, value->boolean ? "true" : "false");
    default:
        return json_append_string(buffer, value->text, value->count);
    }
}

static bool is_quoted(enum toml_type type)
{
    return type != TOML_INTEGER && type != TOML_FLOAT && type != TOML_BOOLEAN;
}

static int append_tagged(struct buffer *buffer, const struct toml_value *value)
{
    const char *quote = is_quoted(value->type) ? "" : "\"";
    if (buffer_printf(buffer, "{\"type\":\"%s\",\"value\":%s", type_tags[value->type], quote) < 0 ||
        append_scalar(buffer, value) < 0)
        return -1;
    return buffer_printf(buffer, "%s}", quote);
}

static int append_array(struct buffer *buffer, const struct toml_value *array, enum toml_json form)
{
    if (buffer_append_byte(buffer, '[') < 0)
        return -1;
    for (size_t i = 0; i < array->count; i++) {
        if ((i > 0 && buffer_append_byte(buffer, ',') < 0) ||
            toml_append_json(buffer, array->items[i], form) < 0)
            return -1;
    }
    return buffer_append_byte(buffer, ']');
}

static int append_table(struct buffer *buffer, const struct toml_value *table, enum toml_json form)
{
    if (buffer_append_byte(buffer, '{') < 0)
        return -1;
    for (size_t i = 0; i < table->count; i++) {
        const struct toml_member *member = &table->members[i];
        if ((i > 0 && buffer_append_byte(buffer, ',') < 0) ||
            json_append_string(buffer, member->key, member->key_length) < 0 ||
            buffer_append_byte(buffer, ':') < 0 ||
            toml_append_json(buffer, member->value, form) < 0)
            return -1;
    }
    return buffer_append_byte(buffer, '}');
}

int toml_append_json(struct buffer *buffer, const struct toml_value *value, enum toml_json form)
{
    if (value->type == TOML_ARRAY)
        return append_array(buffer, value, form);
    if (value->type == TOML_TABLE)
        return append_table(buffer, value, form);
    if (form == TOML_JSON_TAGGED)
        return append_tagged(buffer, value);
    if (value->type == TOML_FLOAT && !isfinite(value->number)) {
        errno = EDOM;
        return -1;
    }
    return append_scalar(buffer, value);
}
