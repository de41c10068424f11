/* Tool calls, whole and in fragments, as different servers send them. */
#include "compose_parts.h"

#include "data/json.h"
#include "request.h"

#include <inttypes.h>
#include <string.h>

/* The arguments as text, templates expanded; "" when the call has none. */
static int append_arguments(
    const struct composer *composer, struct buffer *buffer, const cJSON *call)
{
    const cJSON *arguments = json_get(call, "arguments");
    if (arguments == NULL)
        return 0;
    if (cJSON_IsString(arguments))
        return append_text(composer, buffer, arguments->valuestring, true);
    struct buffer printed;
    buffer_init(&printed, PLAN_BYTES_LIMIT);
    int status = json_append(&printed, arguments);
    if (status == 0)
        status = append_text(composer, buffer, printed.data, true);
    buffer_release(&printed);
    return status;
}

static bool is_object_sent(const struct composer *composer, const cJSON *call)
{
    return has_quirk(composer, QUIRK_ARGUMENTS_OBJECT) &&
           !cJSON_IsString(json_get(call, "arguments"));
}

/* ,"key":value or nothing; first decides about the comma */
static int append_key(struct buffer *buffer, const char *key)
{
    char last = buffer->length == 0 ? '{' : buffer->data[buffer->length - 1];
    return buffer_printf(buffer, "%s\"%s\":", last == '{' ? "" : ",", key);
}

static int append_id(
    const struct composer *composer, struct buffer *buffer, const cJSON *call, int number)
{
    if (has_quirk(composer, QUIRK_NO_ID))
        return 0;
    const cJSON *id = json_get(call, "id");
    if (append_key(buffer, "id") < 0)
        return -1;
    if (has_quirk(composer, QUIRK_EMPTY_ID))
        return append_json_text(buffer, "");
    if (id != NULL)
        return append_json_text(buffer, cJSON_IsString(id) ? id->valuestring : NULL);
    return buffer_printf(
        buffer, "\"call_%" PRId64 "_%d\"", composer->values->request->number, number);
}

static int append_index(
    const struct composer *composer, struct buffer *buffer, const cJSON *call, int number)
{
    int64_t index = number;
    if (has_quirk(composer, QUIRK_NO_INDEX))
        return 0;
    if (has_quirk(composer, QUIRK_INDEX_ZERO))
        index = 0;
    json_integer(call, "index", &index);
    return append_key(buffer, "index") < 0 ? -1 : buffer_printf(buffer, "%" PRId64, index);
}

static int append_name(const struct composer *composer, struct buffer *buffer, const cJSON *call)
{
    const cJSON *name = json_get(call, "name");
    if (name == NULL)
        return 0;
    if (append_key(buffer, "name") < 0)
        return -1;
    if (!cJSON_IsString(name))
        return json_append(buffer, name);
    struct buffer text;
    buffer_init(&text, PLAN_BYTES_LIMIT);
    int status = append_text(composer, &text, name->valuestring, false);
    if (status == 0)
        status = json_append_string(buffer, text.data, text.length);
    buffer_release(&text);
    return status;
}

/* The fragments of the arguments only. */
static long argument_pieces(const struct composer *composer, const struct buffer *arguments)
{
    long pieces = 0;
    for (size_t at = 0; at < arguments->length; pieces++)
        at += next_cut(composer, arguments->data + at, arguments->length - at);
    return pieces;
}

static bool is_whole(const struct composer *composer, const cJSON *call)
{
    return has_quirk(composer, QUIRK_WHOLE_CALLS) || has_quirk(composer, QUIRK_ONE_DELTA) ||
           has_quirk(composer, QUIRK_MERGED) || is_object_sent(composer, call);
}

long call_fragments(const struct composer *composer, const cJSON *call)
{
    if (is_whole(composer, call))
        return 1;
    struct buffer arguments;
    buffer_init(&arguments, PLAN_BYTES_LIMIT);
    long pieces = -1;
    if (append_arguments(composer, &arguments, call) == 0)
        pieces = 1 + argument_pieces(composer, &arguments) +
                 (has_quirk(composer, QUIRK_NAME_LAST) ? 1 : 0);
    buffer_release(&arguments);
    return pieces;
}

/* Everything before "function" of fragment number fragment. */
static int append_front(const struct composer *composer, struct buffer *buffer, const cJSON *call,
    int number, long fragment)
{
    if (append_index(composer, buffer, call, number) < 0)
        return -1;
    bool first = fragment == 0;
    if (first || has_quirk(composer, QUIRK_ID_EVERY_FRAGMENT)) {
        if (append_id(composer, buffer, call, number) < 0)
            return -1;
    } else if (has_quirk(composer, QUIRK_NULL_ID_NAME)) {
        if (append_key(buffer, "id") < 0 || append_json_text(buffer, NULL) < 0)
            return -1;
    }
    const cJSON *type = json_get(call, "type");
    if (!first && type == NULL)
        return 0;
    return append_key(buffer, "type") < 0
               ? -1
               : append_json_text(buffer, type == NULL ? "function" : cJSON_GetStringValue(type));
}

static int append_fragment_name(const struct composer *composer, struct buffer *buffer,
    const cJSON *call, bool first, bool last)
{
    bool late = has_quirk(composer, QUIRK_NAME_LAST) && !is_whole(composer, call);
    if (late ? last : first || has_quirk(composer, QUIRK_NAME_EVERY_FRAGMENT))
        return append_name(composer, buffer, call);
    if (has_quirk(composer, QUIRK_EMPTY_NAME) || has_quirk(composer, QUIRK_NULL_ID_NAME))
        return append_key(buffer, "name") < 0
                   ? -1
                   : append_json_text(buffer, has_quirk(composer, QUIRK_EMPTY_NAME) ? "" : NULL);
    return 0;
}

/* The piece of the arguments that fragment carries; empty for the first and a late name. */
static void find_piece(const struct composer *composer, const struct buffer *arguments,
    long fragment, size_t *from, size_t *length)
{
    size_t at = 0, size = 0;
    for (long i = 0; i < fragment; i++) {
        at += size;
        size = next_cut(composer, arguments->data + at, arguments->length - at);
    }
    *from = at;
    *length = size;
}

static int append_function(const struct composer *composer, struct buffer *buffer,
    const cJSON *call, const struct buffer *arguments, long fragment)
{
    bool whole = is_whole(composer, call);
    long pieces = argument_pieces(composer, arguments);
    bool late = has_quirk(composer, QUIRK_NAME_LAST) && !whole;
    bool last = fragment == (whole ? 0 : pieces + (late ? 1 : 0));
    if (append_key(buffer, "function") < 0 || buffer_append_byte(buffer, '{') < 0 ||
        append_fragment_name(composer, buffer, call, fragment == 0, last) < 0)
        return -1;
    if (late && last && fragment > 0)
        return buffer_append_text(buffer, "}}");
    if (whole && json_get(call, "arguments") == NULL)
        return buffer_append_text(buffer, "}}");
    if (append_key(buffer, "arguments") < 0)
        return -1;
    size_t from = 0, length = arguments->length;
    if (!whole)
        find_piece(composer, arguments, fragment, &from, &length);
    int status = is_object_sent(composer, call)
                     ? buffer_append(buffer, arguments->data, arguments->length)
                     : json_append_string(buffer, arguments->data + from, length);
    return status < 0 ? -1 : buffer_append_text(buffer, "}}");
}

int append_call_fragment(const struct composer *composer, struct buffer *buffer, const cJSON *call,
    int number, long fragment)
{
    struct buffer arguments;
    buffer_init(&arguments, PLAN_BYTES_LIMIT);
    int status = append_arguments(composer, &arguments, call);
    if (status == 0)
        status = buffer_append_byte(buffer, '{');
    if (status == 0)
        status = append_front(composer, buffer, call, number, fragment);
    if (status == 0)
        status = append_function(composer, buffer, call, &arguments, fragment);
    buffer_release(&arguments);
    return status;
}

int append_whole_call(
    const struct composer *composer, struct buffer *buffer, const cJSON *call, int number)
{
    struct buffer arguments;
    buffer_init(&arguments, PLAN_BYTES_LIMIT);
    int status = append_arguments(composer, &arguments, call);
    if (status == 0)
        status = buffer_append_byte(buffer, '{');
    if (status == 0)
        status = append_id(composer, buffer, call, number);
    if (status == 0)
        status = append_key(buffer, "type");
    if (status == 0)
        status = buffer_append_text(buffer, "\"function\",\"function\":{");
    if (status == 0)
        status = append_name(composer, buffer, call);
    if (status == 0)
        status = append_key(buffer, "arguments");
    if (status == 0)
        status = is_object_sent(composer, call)
                     ? buffer_append(buffer, arguments.data, arguments.length)
                     : json_append_string(buffer, arguments.data, arguments.length);
    buffer_release(&arguments);
    return status < 0 ? -1 : buffer_append_text(buffer, "}}");
}
