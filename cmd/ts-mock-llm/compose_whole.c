/* The answer to a request without "stream": one JSON object. */
#include "compose_parts.h"

#include "data/json.h"
#include "request.h"

#include <inttypes.h>
#include <time.h>

static int append_member(struct composer *composer, const char *key, const cJSON *value)
{
    struct buffer text;
    buffer_init(&text, PLAN_BYTES_LIMIT);
    struct buffer *bytes = &composer->plan->bytes;
    int status = buffer_printf(bytes, ",\"%s\":", key);
    if (status == 0)
        status = append_whole_text(composer, &text, value);
    if (status == 0 && value != NULL)
        status = json_append_string(bytes, text.data, text.length);
    else if (status == 0)
        status = buffer_append_text(bytes, "null");
    for (size_t at = 0; status == 0 && at < text.length; composer->pieces++)
        at += next_cut(composer, text.data + at, text.length - at);
    buffer_release(&text);
    return status;
}

static int append_calls(struct composer *composer)
{
    struct buffer *bytes = &composer->plan->bytes;
    if (composer->call_count == 0)
        return 0;
    if (buffer_append_text(bytes, ",\"tool_calls\":[") < 0)
        return -1;
    for (int i = 0; i < composer->call_count; i++)
        if ((i > 0 && buffer_append_byte(bytes, ',') < 0) ||
            append_whole_call(composer, bytes, &composer->calls[i]) < 0)
            return -1;
    return buffer_append_byte(bytes, ']');
}

static int append_tokens(struct composer *composer)
{
    struct plan *plan = composer->plan;
    if (buffer_append_text(&plan->bytes, ",\"content\":\"") < 0)
        return -1;
    const struct synthesis *synthesis = &composer->answer->synthesis;
    for (int64_t i = 0; i < synthesis->tokens; i++)
        for (int64_t j = 0; j < synthesis->token_size; j++)
            if (buffer_append_byte(&plan->bytes, j + 1 < synthesis->token_size ? 'x' : ' ') < 0)
                return -1;
    composer->pieces += synthesis->tokens;
    return buffer_append_byte(&plan->bytes, '"');
}

int compose_whole(struct composer *composer)
{
    const struct answer *answer = composer->answer;
    struct buffer *bytes = &composer->plan->bytes;
    const struct request *request = composer->values->request;
    if (buffer_printf(bytes,
            "{\"id\":\"chatcmpl-mock-%" PRId64 "\",\"object\":\"chat.completion\",\"created\":%lld,"
            "\"model\":",
            request->number, (long long)time(NULL)) < 0 ||
        append_json_text(bytes, request->model) < 0 ||
        buffer_append_text(
            bytes, ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\"") < 0)
        return -1;
    if (answer->reasoning != NULL &&
        append_member(composer, answer->reasoning_field, answer->reasoning) < 0)
        return -1;
    if (answer->synthesise != NULL ? append_tokens(composer) < 0
                                   : append_member(composer, "content", answer->content) < 0)
        return -1;
    if (append_calls(composer) < 0 || buffer_append_byte(bytes, '}') < 0)
        return -1;
    struct buffer reason;
    buffer_init(&reason, PLAN_BYTES_LIMIT);
    bool absent;
    int status = append_finish_reason(composer, &reason, &absent);
    if (status == 0 && !absent)
        status = buffer_printf(bytes, ",\"finish_reason\":%s", reason.data);
    buffer_release(&reason);
    if (status < 0 || buffer_append_text(bytes, "}]") < 0)
        return -1;
    if (!cJSON_IsFalse(answer->usage)) {
        if (buffer_append_text(bytes, ",\"usage\":") < 0 || append_usage(composer, bytes) < 0)
            return -1;
    }
    return buffer_append_byte(bytes, '}') < 0 ? -1 : plan_end_piece(composer->plan);
}
