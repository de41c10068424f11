/* The answer to a request with "stream": server-sent events. */
#include "compose_parts.h"

#include "data/json.h"
#include "request.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum {
    FRAMES_FAST = 256, /* frames in a block that is sent as fast as it is taken */
    FRAMES_SLOW = 16,  /* and at a rate: thousands of such streams may be open */
    DELTA_LIMIT = 64 << 20,
};

/* What synthesised text is cut from; FRAMES_FAST characters, so that it goes on without a seam. */
static const char prose[] =
    "the quick brown fox jumps over the lazy dog while forty two small programs talk to each "
    "other in plain lines and nobody has to wait for long because every one of them does a "
    "single thing well and then hands on what it knows to the next in the pipe, and so on; ";

static const char *newline(const struct composer *composer)
{
    if (has_quirk(composer, QUIRK_CRLF))
        return "\r\n";
    return has_quirk(composer, QUIRK_CR) ? "\r" : "\n";
}

/* One event with its blank line: data is JSON or [DONE]. */
static int append_event(const struct composer *composer, struct buffer *bytes, const char *data)
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

/* One event as a piece of its own. */
static int send_event(struct composer *composer, const char *data)
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

/* A chunk with that delta; finish NULL: not the last. */
static int append_chunk(
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

static int send_chunk(struct composer *composer, const char *delta, const char *finish)
{
    struct buffer json;
    buffer_init(&json, PLAN_BYTES_LIMIT);
    int status = append_chunk(composer, &json, delta, finish);
    if (status == 0)
        status = send_event(composer, json.data);
    buffer_release(&json);
    return status;
}

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

static int add_frame(struct composer *composer, size_t number)
{
    size_t size = (size_t)composer->answer->synthesis.token_size;
    struct buffer text, json;
    buffer_init(&text, DELTA_LIMIT);
    buffer_init(&json, DELTA_LIMIT);
    int status = buffer_append_text(&text, "{\"content\":\"");
    for (size_t i = 0; status == 0 && i < size; i++)
        status = buffer_append_byte(&text, prose[(number * size + i) % FRAMES_FAST]);
    if (status == 0)
        status = buffer_append_text(&text, "\"}");
    if (status == 0)
        status = append_chunk(composer, &json, text.data, NULL);
    if (status == 0)
        status = append_event(composer, &composer->plan->block, json.data);
    buffer_release(&text);
    buffer_release(&json);
    return status;
}

static int make_tokens(struct composer *composer)
{
    _Static_assert(sizeof prose > FRAMES_FAST, "the prose is too short");
    struct plan *plan = composer->plan;
    const struct synthesis *synthesis = &composer->answer->synthesis;
    if (flush_held(composer, NULL) < 0)
        return -1;
    plan->tokens_before = plan->count;
    plan->tokens = synthesis->tokens;
    plan->rate = synthesis->rate;
    plan->first_token_delay_ms = synthesis->first_token_delay_ms;
    size_t frames = synthesis->rate > 0 ? FRAMES_SLOW : FRAMES_FAST;
    for (size_t i = 0; i < frames; i++)
        if (add_frame(composer, i) < 0)
            return -1;
    plan->frame_size = plan->block.length / frames;
    return 0;
}

static int send_finish(struct composer *composer)
{
    struct buffer reason;
    buffer_init(&reason, DELTA_LIMIT);
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

/* An event that has the head's members but its own choices, and perhaps usage. */
static int send_oddity(struct composer *composer, const char *choices, bool usage)
{
    struct buffer json;
    buffer_init(&json, DELTA_LIMIT);
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

static int send_stream_error(struct composer *composer)
{
    const cJSON *given = composer->answer->stream_error;
    struct buffer json;
    buffer_init(&json, DELTA_LIMIT);
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

static int make_head(struct composer *composer)
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
    if (answer->synthesise != NULL && make_tokens(composer) < 0)
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
