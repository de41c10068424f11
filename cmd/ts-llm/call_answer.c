/* A call's main part: ask the model, read what comes, decide what it was. */
#include "ts-llm/call.h"

#include "base/clock.h"
#include "data/json.h"

#include <strings.h>
#include <string.h>

enum {
    ERROR_BODY_LIMIT = 4 << 10,  /* bytes read of an error's body */
    DRAIN_LIMIT = 64 << 10,      /* bytes taken behind the end mark */
    DRAIN_PATIENCE_MS = 1000,    /* for the end of a body behind the end mark */
    CLOSING_PATIENCE_MS = 10000, /* behind the finish reason: only usage and the mark are left */
};

static enum think_mode think_mode(const char *name)
{
    if (strcmp(name, "always") == 0)
        return THINK_ALWAYS;
    return strcmp(name, "never") == 0 ? THINK_NEVER : THINK_AUTO;
}

static bool success(int status)
{
    return status >= 200 && status < 300;
}

/* Bytes. */

static enum answer_status note_bad(
    struct call *call, enum answer_status status, const struct error *error)
{
    if (status == ANSWER_BAD) {
        failure_set(&call->failure, FAILURE_PROTOCOL, "%s", error->text);
        /* What is garbled may come well the next time; what is too large will not. */
        call->failure.again = call->answer.assembly.content.length < ASSEMBLY_LIMIT / 2;
    }
    return status;
}

static int take_event(void *context, const char *data, size_t length, bool error_event)
{
    struct call *call = context;
    struct error error = {.text = ""};
    enum answer_status status =
        note_bad(call, answer_payload(&call->answer, data, length, error_event, &error), &error);
    call->ended_by_mark = status == ANSWER_END;
    if (call->answer.began && call->first_ms < 0)
        call->first_ms = clock_monotonic_ms() - call->started_ms;
    return status == ANSWER_MORE ? 0 : -1;
}

static bool begins_like_events(const char *bytes, size_t length)
{
    static const char *const words[] = {"data", ":", "event", "id", "retry", "\xEF\xBB\xBF", NULL};
    for (int i = 0; words[i] != NULL; i++) {
        size_t size = strlen(words[i]) < length ? strlen(words[i]) : length;
        if (memcmp(bytes, words[i], size) == 0)
            return true;
    }
    return false;
}

/* What the body is: its first byte knows better than some servers' Content-Type. */
static int recognise(struct call *call, const char *bytes, size_t length)
{
    const char *type = call->exchange.content_type;
    if (*bytes == '{' || *bytes == '[')
        call->body = BODY_WHOLE;
    else if (strncasecmp(type, "text/event-stream", 17) == 0 || begins_like_events(bytes, length))
        call->body = BODY_STREAM;
    if (call->body != BODY_UNKNOWN)
        return 0;
    failure_set(&call->failure, FAILURE_PROTOCOL, "expected an event stream, the server sent %s",
        type[0] != '\0' ? type : "something else");
    call->failure.again = false;
    return -1;
}

static enum exchange_taken keep_whole(
    struct call *call, const char *bytes, size_t length, size_t limit)
{
    size_t room = limit - call->whole.length;
    if (buffer_append(&call->whole, bytes, length < room ? length : room) < 0 || length > room)
        return EXCHANGE_STOP;
    return EXCHANGE_GO_ON;
}

static void succeed(struct call *call);

static enum exchange_taken take_stream(struct call *call, const char *bytes, size_t length)
{
    struct error error;
    bool closing = call->answer.assembly.finish_reason[0] != '\0';
    if (sse_feed(&call->events, bytes, length, &error) < 0) {
        if (call->ended_by_mark && call->answer.assembly.finish_reason[0] != '\0') {
            succeed(call);
            return EXCHANGE_GO_ON;
        }
        if (error.text[0] != '\0' && call->failure.text[0] == '\0')
            failure_set(&call->failure, FAILURE_PROTOCOL, "%s", error.text);
        return EXCHANGE_STOP;
    }
    if (!closing && call->answer.assembly.finish_reason[0] != '\0')
        exchange_set_idle(&call->exchange, CLOSING_PATIENCE_MS);
    return EXCHANGE_GO_ON;
}

static enum exchange_taken take_bytes(void *context, const char *bytes, size_t length)
{
    struct call *call = context;
    if (call->phase == CALL_DRAINING) {
        call->drained += length;
        return call->drained > DRAIN_LIMIT ? EXCHANGE_STOP : EXCHANGE_GO_ON;
    }
    if (service_full(call->service))
        return EXCHANGE_WAIT;
    if (!success(call->exchange.status))
        return keep_whole(call, bytes, length, ERROR_BODY_LIMIT);
    if (call->body == BODY_UNKNOWN) {
        size_t blank = 0;
        while (blank < length && strchr(" \t\r\n", bytes[blank]) != NULL && bytes[blank] != '\0')
            blank++;
        bytes += blank;
        length -= blank;
        if (length == 0)
            return EXCHANGE_GO_ON;
        if (recognise(call, bytes, length) < 0)
            return EXCHANGE_STOP;
    }
    if (call->body == BODY_STREAM)
        return take_stream(call, bytes, length);
    enum exchange_taken taken = keep_whole(call, bytes, length, call->whole.maximum);
    if (taken == EXCHANGE_STOP)
        failure_set(&call->failure, FAILURE_PROTOCOL, "the answer is longer than 64 MiB");
    return taken;
}

/* The end. */

static void look_for_tool_text(struct call *call)
{
    static const char *const said = "the server returned a tool call as text (is its parser for "
                                    "tool calls missing?); it is not run";
    const struct assembly *assembly = &call->answer.assembly;
    if (call->phase != CALL_ANSWERING || assembly->call_count > 0 ||
        strstr(call->request.text.data, "\"tools\":[") == NULL ||
        !answer_is_tool_call_text(assembly->content.data, assembly->content.length))
        return;
    assembly_note(&call->answer.assembly, said);
}

/* What was odd about the answer is for people as well, not only for the next program. */
static void tell_notes(struct call *call)
{
    struct buffer array;
    const cJSON *note;
    const struct buffer *notes = &call->answer.assembly.notes;
    buffer_init(&array, notes->length + 3);
    cJSON *parsed = NULL;
    if (notes->length > 0 && buffer_printf(&array, "[%s]", notes->data) == 0)
        parsed = json_parse(array.data, array.length, NULL);
    cJSON_ArrayForEach(note, parsed) call_put_info(call, "%s", note->valuestring);
    json_free(parsed);
    buffer_release(&array);
}

/* The answer is whole. Its text may be handed out still, and then the message. */
static void succeed(struct call *call)
{
    struct error error;
    struct failure failure;
    int result = answer_finish(&call->answer, &error);
    if (result == 0) {
        look_for_tool_text(call);
        tell_notes(call);
        result = call_put_done(call, &error);
    }
    if (result < 0) {
        failure_set(&failure, FAILURE_PROTOCOL, "%s", error.text);
        call_put_error(call, &failure, failure.text);
    }
    call->phase = CALL_DRAINING;
    exchange_set_idle(&call->exchange, DRAIN_PATIENCE_MS);
}

static void judge_refusal(struct call *call, struct failure *failure)
{
    classify_payload(failure, call->answer.refusal);
}

/* The stream ended by itself, by force, or was stopped by us. True: it holds a whole answer. */
static bool judge_stream(struct call *call, const struct failure *broken, struct failure *failure)
{
    const struct assembly *assembly = &call->answer.assembly;
    if (broken == NULL && call->failure.text[0] == '\0' && call->answer.refusal == NULL &&
        !call->ended_by_mark)
        sse_end(&call->events, NULL);
    bool finished = assembly->finish_reason[0] != '\0';
    if (call->answer.refusal != NULL && !finished) {
        judge_refusal(call, failure);
        return false;
    }
    if (finished) {
        if (broken != NULL || call->failure.text[0] != '\0')
            assembly_note(&call->answer.assembly,
                "the connection was lost behind the end of the answer; usage may be missing");
        return true;
    }
    if (call->failure.text[0] != '\0')
        *failure = call->failure;
    else if (broken != NULL)
        *failure = *broken;
    else if (call->answer.began && !call->model.require_finish_reason)
        return true;
    else
        failure_set(failure, FAILURE_INTERRUPTED, "%s",
            call->answer.began ? "the stream ended without a finish reason"
                               : "the stream ended without an answer");
    return false;
}

static bool judge_whole(struct call *call, const struct failure *broken, struct failure *failure)
{
    struct error error;
    if (broken != NULL) {
        *failure = *broken;
        return false;
    }
    if (call->failure.text[0] != '\0') {
        *failure = call->failure;
        return false;
    }
    enum answer_status status =
        answer_whole(&call->answer, call->whole.data, call->whole.length, &error);
    if (call->answer.began && call->first_ms < 0)
        call->first_ms = clock_monotonic_ms() - call->started_ms;
    if (status == ANSWER_REFUSED)
        judge_refusal(call, failure);
    else if (status == ANSWER_BAD)
        failure_set(failure, FAILURE_PROTOCOL, "%s", error.text);
    return status == ANSWER_MORE;
}

static bool judge(struct call *call, const struct failure *broken, struct failure *failure)
{
    int status = call->exchange.status;
    if (status != 0 && !success(status)) {
        classify_response(failure, status, call->whole.data, call->whole.length);
        return false;
    }
    switch (call->body) {
    case BODY_STREAM:
        return judge_stream(call, broken, failure);
    case BODY_WHOLE:
        return judge_whole(call, broken, failure);
    case BODY_UNKNOWN:
        break;
    }
    if (call->failure.text[0] != '\0')
        *failure = call->failure;
    else if (broken != NULL)
        *failure = *broken;
    else
        failure_set(failure, FAILURE_INTERRUPTED, "the server sent an empty answer");
    return false;
}

static void ended(void *context, const struct failure *broken)
{
    struct call *call = context;
    struct failure failure;
    if (call->phase != CALL_DRAINING) {
        if (!judge(call, broken, &failure)) {
            call_failed(call, &failure);
            return;
        }
        succeed(call);
    }
    call_end(call);
}

/* The beginning. */

static int build(struct call *call)
{
    struct error error;
    struct failure failure;
    if (call->line == NULL)
        return 0;
    int result = request_build(&call->request, call->line, &call->model, call_model_name(call),
        !call->usage_dropped, &error);
    json_free(call->line);
    call->line = NULL;
    if (result == 0)
        return 0;
    failure_set(&failure, FAILURE_BAD_REQUEST, "%s", error.text);
    call_put_error(call, &failure, failure.text);
    call_end(call);
    return -1;
}

static void reset(struct call *call)
{
    call->phase = CALL_ANSWERING;
    call->body = BODY_UNKNOWN;
    call->ended_by_mark = false;
    call->shown = false;
    call->first_ms = -1;
    call->failure.text[0] = '\0';
    buffer_clear(&call->whole);
    call->events.event = take_event;
    sse_reset(&call->events);
    answer_reset(&call->answer, think_mode(call->model.think_tags));
    exchange_init(&call->exchange, &call->service->pool, take_bytes, ended, call);
}

/* A server on this machine may read a long prompt for minutes: it is waited for unless told not to.
 */
static int64_t first_byte_ms(const struct call *call)
{
    if (call->endpoint.loopback && !call->model.first_byte_timeout_set)
        return 0;
    return (int64_t)(call->model.first_byte_timeout * 1000);
}

void call_ask(struct call *call)
{
    struct failure failure;
    if (build(call) < 0)
        return;
    reset(call);
    struct exchange_request request;
    call_address_request(call, call->endpoint.chat, &request);
    request.body = call->request.text.data;
    request.body_length = call->request.text.length;
    request.first_byte_ms = first_byte_ms(call);
    request.idle_ms = (int64_t)(call->model.idle_timeout * 1000);
    if (exchange_start(&call->exchange, &request, &failure) < 0)
        call_failed(call, &failure);
}
