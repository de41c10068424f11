/* Tool calls, whole and in fragments, as different servers send them. */
#include "compose_parts.h"

#include "data/json.h"
#include "request.h"

#include <inttypes.h>
#include <stdlib.h>
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

/* "key": with a comma before it, unless it is the first of its object. */
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

static bool is_whole(const struct composer *composer, const struct call *call)
{
    return has_quirk(composer, QUIRK_WHOLE_CALLS) || has_quirk(composer, QUIRK_ONE_DELTA) ||
           has_quirk(composer, QUIRK_MERGED) || is_object_sent(composer, call->given);
}

static bool is_name_late(const struct composer *composer, const struct call *call)
{
    return has_quirk(composer, QUIRK_NAME_LAST) && !is_whole(composer, call);
}

int calls_open(struct composer *composer)
{
    int count = cJSON_GetArraySize(composer->answer->tool_calls);
    if (count == 0)
        return 0;
    composer->calls = calloc((size_t)count, sizeof *composer->calls);
    if (composer->calls == NULL)
        return -1;
    const cJSON *given;
    cJSON_ArrayForEach(given, composer->answer->tool_calls)
    {
        struct call *call = &composer->calls[composer->call_count];
        *call = (struct call){.given = given, .number = composer->call_count};
        buffer_init(&call->arguments, PLAN_BYTES_LIMIT);
        composer->call_count++;
        if (append_arguments(composer, &call->arguments, given) < 0)
            return -1;
    }
    return 0;
}

void calls_close(struct composer *composer)
{
    for (int i = 0; i < composer->call_count; i++)
        buffer_release(&composer->calls[i].arguments);
    free(composer->calls);
    composer->calls = NULL;
    composer->call_count = 0;
}

/* Everything before "function". */
static int append_front(
    const struct composer *composer, struct buffer *buffer, const struct call *call)
{
    if (append_index(composer, buffer, call->given, call->number) < 0)
        return -1;
    if (!call->begun || has_quirk(composer, QUIRK_ID_EVERY_FRAGMENT)) {
        if (append_id(composer, buffer, call->given, call->number) < 0)
            return -1;
    } else if (has_quirk(composer, QUIRK_NULL_ID_NAME)) {
        if (append_key(buffer, "id") < 0 || append_json_text(buffer, NULL) < 0)
            return -1;
    }
    const cJSON *type = json_get(call->given, "type");
    if (call->begun && type == NULL)
        return 0;
    return append_key(buffer, "type") < 0
               ? -1
               : append_json_text(buffer, type == NULL ? "function" : cJSON_GetStringValue(type));
}

static int append_fragment_name(
    const struct composer *composer, struct buffer *buffer, const struct call *call)
{
    bool due = is_name_late(composer, call)
                   ? call->begun && call->at == call->arguments.length
                   : !call->begun || has_quirk(composer, QUIRK_NAME_EVERY_FRAGMENT);
    if (due)
        return append_name(composer, buffer, call->given);
    bool empty = has_quirk(composer, QUIRK_EMPTY_NAME);
    if (!empty && !has_quirk(composer, QUIRK_NULL_ID_NAME))
        return 0;
    return append_key(buffer, "name") < 0 ? -1 : append_json_text(buffer, empty ? "" : NULL);
}

/* The first fragment of a call has empty arguments, unless the call is sent whole. */
static int append_fragment_arguments(
    const struct composer *composer, struct buffer *buffer, struct call *call)
{
    const struct buffer *arguments = &call->arguments;
    bool whole = is_whole(composer, call);
    bool nothing_left = call->begun && call->at == arguments->length;
    if (nothing_left || (whole && json_get(call->given, "arguments") == NULL))
        return 0;
    if (append_key(buffer, "arguments") < 0)
        return -1;
    const char *text = arguments->data + call->at;
    size_t length = arguments->length - call->at;
    if (!whole)
        length = call->begun ? next_cut(composer, text, length) : 0;
    call->at += length;
    return is_object_sent(composer, call->given) ? buffer_append(buffer, text, length)
                                                 : json_append_string(buffer, text, length);
}

int append_next_fragment(const struct composer *composer, struct buffer *buffer, struct call *call)
{
    bool named = call->begun && call->at == call->arguments.length;
    if (buffer_append_byte(buffer, '{') < 0 || append_front(composer, buffer, call) < 0 ||
        append_key(buffer, "function") < 0 || buffer_append_byte(buffer, '{') < 0 ||
        append_fragment_name(composer, buffer, call) < 0 ||
        append_fragment_arguments(composer, buffer, call) < 0)
        return -1;
    call->begun = true;
    call->done = call->at == call->arguments.length && (named || !is_name_late(composer, call));
    return buffer_append_text(buffer, "}}");
}

int append_whole_call(
    const struct composer *composer, struct buffer *buffer, const struct call *call)
{
    const struct buffer *arguments = &call->arguments;
    if (buffer_append_byte(buffer, '{') < 0 ||
        append_id(composer, buffer, call->given, call->number) < 0 ||
        append_key(buffer, "type") < 0 ||
        buffer_append_text(buffer, "\"function\",\"function\":{") < 0 ||
        append_name(composer, buffer, call->given) < 0 || append_key(buffer, "arguments") < 0)
        return -1;
    int status = is_object_sent(composer, call->given)
                     ? buffer_append(buffer, arguments->data, arguments->length)
                     : json_append_string(buffer, arguments->data, arguments->length);
    return status < 0 ? -1 : buffer_append_text(buffer, "}}");
}
