/* Single events: chunks of a completion, and the lines they travel in. */
#include "compose_parts.h"

#include "data/json.h"
#include "request.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

int make_head(struct composer *composer)
{
    const struct request *request = composer->values->request;
    return buffer_printf(&composer->head,
               "{\"id\":\"chatcmpl-mock-%" PRId64 "\",\"object\":\"chat.completion.chunk\","
               "\"created\":%lld,\"model\":",
               request->number, (long long)time(NULL)) < 0 ||
                   append_json_text(&composer->head, request->model) < 0
               ? -1
               : buffer_append_text(&composer->head, ",\"choices\":[{\"index\":0,\"delta\":");
}

static const char *newline(const struct composer *composer)
{
    if (has_quirk(composer, QUIRK_CRLF))
        return "\r\n";
    return has_quirk(composer, QUIRK_CR) ? "\r" : "\n";
}

int append_event(const struct composer *composer, struct buffer *bytes, const char *data)
{
    const char *end = newline(composer);
    const char *field = has_quirk(composer, QUIRK_NO_SPACE) ? "data:" : "data: ";
    if (has_quirk(composer, QUIRK_COMMENTS) &&
        buffer_printf(bytes, ": keep-alive%s%s", end, end) < 0)
        return -1;
    if (has_quirk(composer, QUIRK_EVENT_LINES) &&
        buffer_printf(bytes, "event: message%sid: 1%sretry: 1000%s", end, end, end) < 0)
        return -1;
    if (has_quirk(composer, QUIRK_SPLIT_DATA) && *data == '{') {
        if (buffer_printf(bytes, "%s{%s", field, end) < 0)
            return -1;
        data++;
    }
    return buffer_append_text(bytes, field) < 0 || buffer_append_text(bytes, data) < 0 ||
                   buffer_printf(bytes, "%s%s", end, end) < 0
               ? -1
               : 0;
}

int send_event(struct composer *composer, const char *data)
{
    struct plan *plan = composer->plan;
    if (plan->bytes.length == 0 && has_quirk(composer, QUIRK_BYTE_ORDER_MARK) &&
        buffer_append_text(&plan->bytes, "\xEF\xBB\xBF") < 0)
        return -1;
    if (append_event(composer, &plan->bytes, data) < 0 || plan_end_piece(plan) < 0)
        return -1;
    if (has_quirk(composer, QUIRK_NULL_CHUNK) && strcmp(data, "[DONE]") != 0)
        return append_event(composer, &plan->bytes, "null") < 0 ? -1 : plan_end_piece(plan);
    return 0;
}

int append_chunk(
    const struct composer *composer, struct buffer *json, const char *delta, const char *finish)
{
    if (buffer_append(json, composer->head.data, composer->head.length) < 0 ||
        buffer_append_text(json, delta) < 0)
        return -1;
    bool never = cJSON_IsFalse(composer->answer->finish_reason);
    if (!never && buffer_printf(json, ",\"finish_reason\":%s", finish ? finish : "null") < 0)
        return -1;
    if (buffer_append_text(json, "}]") < 0)
        return -1;
    bool usage = has_quirk(composer, QUIRK_USAGE_EVERY_CHUNK) ||
                 (finish != NULL && has_quirk(composer, QUIRK_USAGE_WITH_FINISH));
    if (usage && !cJSON_IsFalse(composer->answer->usage))
        if (buffer_append_text(json, ",\"usage\":") < 0 || append_usage(composer, json) < 0)
            return -1;
    return buffer_append_byte(json, '}');
}

int send_chunk(struct composer *composer, const char *delta, const char *finish)
{
    struct buffer json;
    buffer_init(&json, PLAN_BYTES_LIMIT);
    int status = append_chunk(composer, &json, delta, finish);
    if (status == 0)
        status = send_event(composer, json.data);
    buffer_release(&json);
    return status;
}

int send_oddity(struct composer *composer, const char *choices, bool usage)
{
    struct buffer json;
    buffer_init(&json, PLAN_BYTES_LIMIT);
    const char *end = strstr(composer->head.data, ",\"choices\":");
    int status = buffer_append(&json, composer->head.data, (size_t)(end - composer->head.data));
    if (status == 0)
        status = buffer_append_text(&json, choices);
    if (status == 0 && usage)
        status = buffer_append_text(&json, ",\"usage\":") < 0 ? -1 : append_usage(composer, &json);
    if (status == 0)
        status = buffer_append_byte(&json, '}');
    if (status == 0)
        status = send_event(composer, json.data);
    buffer_release(&json);
    return status;
}

int send_stream_error(struct composer *composer)
{
    const cJSON *given = composer->answer->stream_error;
    struct buffer json;
    buffer_init(&json, PLAN_BYTES_LIMIT);
    int status = buffer_append_text(
        &json, cJSON_IsString(given) ? "{\"error\":{\"message\":" : "{\"error\":");
    if (status == 0)
        status = json_append(&json, given);
    if (status == 0)
        status = buffer_append_text(
            &json, cJSON_IsString(given) ? ",\"type\":\"server_error\",\"code\":500}}" : "}");
    if (status == 0)
        status = send_event(composer, json.data);
    buffer_release(&json);
    return status;
}
