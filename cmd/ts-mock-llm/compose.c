#include "compose.h"

#include "compose_parts.h"
#include "data/json.h"
#include "request.h"

#include <stdint.h>
#include <string.h>

static const char json_type[] = "application/json";
static const char event_type[] = "text/event-stream; charset=utf-8";

static int base64_value(char character)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = character == '\0' ? NULL : strchr(digits, character);
    return found == NULL ? -1 : (int)(found - digits);
}

/* Up to the first character that is no base64 digit, such as the padding. */
static int append_base64(struct buffer *buffer, const char *text)
{
    uint32_t bits = 0;
    int count = 0;
    for (int value; (value = base64_value(*text)) >= 0; text++) {
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            if (buffer_append_byte(buffer, (char)(bits >> count & 0xff)) < 0)
                return -1;
        }
    }
    return 0;
}

static int add_raw_piece(struct plan *plan, const cJSON *piece)
{
    const char *coded = json_string(piece, "base64");
    int status = coded != NULL ? append_base64(&plan->bytes, coded)
                               : buffer_append_text(&plan->bytes, piece->valuestring);
    return status < 0 ? -1 : plan_end_piece(plan);
}

static int compose_raw(struct plan *plan, const cJSON *raw)
{
    if (cJSON_IsString(raw))
        return add_raw_piece(plan, raw);
    const cJSON *piece;
    cJSON_ArrayForEach(piece, raw)
    {
        if (add_raw_piece(plan, piece) < 0)
            return -1;
    }
    return 0;
}

static const char *error_kind(int status)
{
    switch (status) {
    case 400:
    case 404:
    case 413:
        return "invalid_request_error";
    case 401:
    case 403:
        return "authentication_error";
    case 429:
        return "rate_limit_error";
    default:
        return "server_error";
    }
}

int compose_error(struct plan *plan, int status, const char *message)
{
    plan->status = status;
    plan->content_type = json_type;
    plan->whole = true;
    return buffer_append_text(&plan->bytes, "{\"error\":{\"message\":") < 0 ||
                   json_append_string(&plan->bytes, message, strlen(message)) < 0 ||
                   buffer_printf(&plan->bytes, ",\"type\":\"%s\",\"code\":%d}}", error_kind(status),
                       status) < 0
               ? -1
               : plan_end_piece(plan);
}

static int compose_given_error(struct plan *plan, const struct answer *answer)
{
    int status = answer->status == 0 ? 500 : (int)answer->status;
    if (cJSON_IsString(answer->error))
        return compose_error(plan, status, answer->error->valuestring);
    plan->status = status;
    plan->content_type = json_type;
    plan->whole = true;
    return buffer_append_text(&plan->bytes, "{\"error\":") < 0 ||
                   json_append(&plan->bytes, answer->error) < 0 ||
                   buffer_append_byte(&plan->bytes, '}') < 0
               ? -1
               : plan_end_piece(plan);
}

static int compose_completion(
    struct plan *plan, const struct answer *answer, const struct template_values *values)
{
    struct composer composer = {.plan = plan, .answer = answer, .values = values};
    buffer_init(&composer.head, PLAN_BYTES_LIMIT);
    buffer_init(&composer.held, PLAN_BYTES_LIMIT);
    bool stream = (values->request->stream && !answer->quirks[QUIRK_WHOLE_ANSWER]) ||
                  answer->quirks[QUIRK_STREAM_ANYWAY];
    plan->content_type = stream ? event_type : json_type;
    plan->whole = !stream;
    int status = calls_open(&composer);
    if (status == 0)
        status = stream ? compose_stream(&composer) : compose_whole(&composer);
    calls_close(&composer);
    buffer_release(&composer.head);
    buffer_release(&composer.held);
    return status;
}

static int compose_body(
    struct plan *plan, const struct answer *answer, const struct template_values *values)
{
    plan->status = answer->status == 0 ? 200 : (int)answer->status;
    if (answer->error != NULL)
        return compose_given_error(plan, answer);
    if (answer->raw != NULL) {
        plan->content_type = event_type;
        return compose_raw(plan, answer->raw);
    }
    if (answer->body != NULL) {
        plan->content_type = json_type;
        plan->whole = true;
        return json_append(&plan->bytes, answer->body) < 0 ? -1 : plan_end_piece(plan);
    }
    return compose_completion(plan, answer, values);
}

int compose(struct plan *plan, const struct answer *answer, const struct template_values *values,
    struct error *error)
{
    if (compose_body(plan, answer, values) < 0 ||
        (answer->split_bytes > 0 && plan_recut(plan, (size_t)answer->split_bytes) < 0))
        return error_set(error, "the answer is too long, or memory is short");
    if (answer->content_type != NULL)
        plan->content_type = *answer->content_type == '\0' ? NULL : answer->content_type;
    plan->headers = answer->headers;
    plan->disconnect = answer->disconnect;
    plan->disconnect_after = answer->disconnect_after;
    plan->reset = answer->quirks[QUIRK_RESET];
    plan->hang = answer->hang;
    plan->delay_ms = answer->delay_ms;
    plan->first_byte_delay_ms = answer->first_byte_delay_ms;
    plan->chunk_delay_ms = answer->chunk_delay_ms;
    if (plan->hang || plan->disconnect_after >= 0 || answer->split_bytes > 0 ||
        plan->first_byte_delay_ms > 0)
        plan->whole = false;
    return 0;
}
