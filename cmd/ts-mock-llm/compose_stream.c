/* The answer to a request with "stream": server-sent events. */
#include "compose_parts.h"

#include "data/json.h"
#include "request.h"

#include <string.h>

static int flush_held(struct composer *composer, const char *finish)
{
    if (!composer->holding)
        return 0;
    composer->holding = false;
    return send_chunk(composer, composer->held.data, finish);
}

/* Begin a delta; its members follow, each with a comma behind it. */
static int begin_delta(struct composer *composer)
{
    if (flush_held(composer, NULL) < 0)
        return -1;
    buffer_clear(&composer->held);
    composer->holding = true;
    bool role = !composer->said_role || has_quirk(composer, QUIRK_ROLE_EVERY_CHUNK);
    composer->said_role = true;
    return buffer_append_text(&composer->held, role ? "{\"role\":\"assistant\"," : "{");
}

static int end_delta(struct composer *composer)
{
    buffer_truncate(&composer->held, composer->held.length - 1);
    return buffer_append_byte(&composer->held, '}');
}

static int add_text(struct composer *composer, const char *key, const char *text, size_t length)
{
    composer->pieces++;
    return buffer_printf(&composer->held, "\"%s\":", key) < 0 ||
                   json_append_string(&composer->held, text, length) < 0
               ? -1
               : buffer_append_byte(&composer->held, ',');
}

static int send_text_piece(
    struct composer *composer, const char *key, const char *text, size_t length)
{
    return begin_delta(composer) < 0 || add_text(composer, key, text, length) < 0
               ? -1
               : end_delta(composer);
}

/* A string in pieces of chunk_size, an array in its own pieces. */
static int send_text(struct composer *composer, const char *key, const cJSON *value)
{
    struct buffer text;
    buffer_init(&text, PLAN_BYTES_LIMIT);
    int status = 0;
    if (cJSON_IsString(value)) {
        status = append_text(composer, &text, value->valuestring, false);
        for (size_t at = 0; status == 0 && at < text.length;) {
            size_t size = next_cut(composer, text.data + at, text.length - at);
            status = send_text_piece(composer, key, text.data + at, size);
            at += size;
        }
    } else {
        const cJSON *piece;
        cJSON_ArrayForEach(piece, value)
        {
            buffer_clear(&text);
            if (status == 0)
                status = append_text(composer, &text, piece->valuestring, false);
            if (status == 0)
                status = send_text_piece(composer, key, text.data, text.length);
        }
    }
    buffer_release(&text);
    return status;
}

static int add_all_calls(struct composer *composer)
{
    if (buffer_append_text(&composer->held, "\"tool_calls\":[") < 0)
        return -1;
    for (int i = 0; i < composer->call_count; i++)
        if ((i > 0 && buffer_append_byte(&composer->held, ',') < 0) ||
            append_next_fragment(composer, &composer->held, &composer->calls[i]) < 0)
            return -1;
    return buffer_append_text(&composer->held, "],");
}

static int send_fragment(struct composer *composer, struct call *call)
{
    composer->pieces++;
    if (begin_delta(composer) < 0 || buffer_append_text(&composer->held, "\"tool_calls\":[") < 0 ||
        append_next_fragment(composer, &composer->held, call) < 0 ||
        buffer_append_text(&composer->held, "],") < 0)
        return -1;
    return end_delta(composer);
}

/* Call after call, or a fragment of every call in turn. */
static int send_calls(struct composer *composer)
{
    if (has_quirk(composer, QUIRK_ONE_DELTA))
        return begin_delta(composer) < 0 || add_all_calls(composer) < 0 ? -1 : end_delta(composer);
    bool interleaved = has_quirk(composer, QUIRK_INTERLEAVED);
    bool more = true;
    while (more) {
        more = false;
        for (int i = 0; i < composer->call_count; i++) {
            struct call *call = &composer->calls[i];
            while (!call->done) {
                if (send_fragment(composer, call) < 0)
                    return -1;
                if (interleaved)
                    break;
            }
            more = more || !call->done;
        }
    }
    return 0;
}

/* Reasoning, content and calls in a single delta. */
static int send_merged(struct composer *composer)
{
    const struct answer *answer = composer->answer;
    const struct {
        const char *key;
        const cJSON *value;
    } texts[] = {{answer->reasoning_field, answer->reasoning}, {"content", answer->content}};
    if (begin_delta(composer) < 0)
        return -1;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].value == NULL)
            continue;
        struct buffer text;
        buffer_init(&text, PLAN_BYTES_LIMIT);
        int status = append_whole_text(composer, &text, texts[i].value);
        if (status == 0)
            status = add_text(composer, texts[i].key, text.data, text.length);
        buffer_release(&text);
        if (status < 0)
            return -1;
    }
    if (composer->call_count > 0 && add_all_calls(composer) < 0)
        return -1;
    return end_delta(composer);
}

static int send_finish(struct composer *composer)
{
    struct buffer reason;
    buffer_init(&reason, PLAN_BYTES_LIMIT);
    bool absent;
    int status = append_finish_reason(composer, &reason, &absent);
    const char *finish = absent ? NULL : reason.data;
    if (status == 0 &&
        (has_quirk(composer, QUIRK_FINISH_WITH_LAST) || has_quirk(composer, QUIRK_MERGED)))
        status = flush_held(composer, finish);
    else if (status == 0)
        status = flush_held(composer, NULL) < 0 || absent ? 0 : send_chunk(composer, "{}", finish);
    buffer_release(&reason);
    return status;
}

static int send_usage(struct composer *composer)
{
    const struct answer *answer = composer->answer;
    bool wanted = composer->values->request->include_usage ||
                  has_quirk(composer, QUIRK_USAGE_UNASKED) ||
                  has_quirk(composer, QUIRK_USAGE_NULL_CHOICES);
    if (!wanted || cJSON_IsFalse(answer->usage) || has_quirk(composer, QUIRK_USAGE_WITH_FINISH) ||
        has_quirk(composer, QUIRK_USAGE_EVERY_CHUNK))
        return 0;
    bool null = has_quirk(composer, QUIRK_USAGE_NULL_CHOICES);
    return send_oddity(composer, null ? ",\"choices\":null" : ",\"choices\":[]", true);
}

/* Chunks that carry nothing, before the first that does. */
static int send_oddities(struct composer *composer)
{
    if (has_quirk(composer, QUIRK_NULL_CHOICES) &&
        send_oddity(composer, ",\"choices\":null", false) < 0)
        return -1;
    if (has_quirk(composer, QUIRK_NO_CHOICES) && send_oddity(composer, "", false) < 0)
        return -1;
    if (has_quirk(composer, QUIRK_EMPTY_CHOICES) &&
        send_oddity(composer, ",\"choices\":[]", false) < 0)
        return -1;
    if (has_quirk(composer, QUIRK_NULL_DELTA) && send_chunk(composer, "null", NULL) < 0)
        return -1;
    if (has_quirk(composer, QUIRK_EMPTY_CONTENT) &&
        send_chunk(composer, "{\"role\":\"assistant\",\"content\":\"\"}", NULL) < 0)
        return -1;
    return 0;
}

static int send_middle(struct composer *composer)
{
    const struct answer *answer = composer->answer;
    if (has_quirk(composer, QUIRK_MERGED))
        return send_merged(composer);
    if (answer->reasoning != NULL &&
        send_text(composer, answer->reasoning_field, answer->reasoning) < 0)
        return -1;
    if (answer->content != NULL && send_text(composer, "content", answer->content) < 0)
        return -1;
    if (answer->synthesise != NULL && (flush_held(composer, NULL) < 0 || make_tokens(composer) < 0))
        return -1;
    return composer->call_count == 0 ? 0 : send_calls(composer);
}

static int send_all(struct composer *composer)
{
    if (make_head(composer) < 0 || send_oddities(composer) < 0 || send_middle(composer) < 0)
        return -1;
    if (composer->answer->stream_error != NULL)
        return flush_held(composer, NULL) < 0 ? -1 : send_stream_error(composer);
    if (composer->answer->hang)
        return flush_held(composer, NULL);
    if (send_finish(composer) < 0 || send_usage(composer) < 0)
        return -1;
    return has_quirk(composer, QUIRK_NO_DONE) ? 0 : send_event(composer, "[DONE]");
}

int compose_stream(struct composer *composer)
{
    struct plan *plan = composer->plan;
    if (send_all(composer) < 0)
        return -1;
    if (has_quirk(composer, QUIRK_NO_FINAL_NEWLINE) && plan->count > 0) {
        size_t length = plan->bytes.length;
        while (length > 0 &&
               (plan->bytes.data[length - 1] == '\n' || plan->bytes.data[length - 1] == '\r'))
            length--;
        buffer_truncate(&plan->bytes, length);
        plan->ends[plan->count - 1] = length;
    }
    return 0;
}
