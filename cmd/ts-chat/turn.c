/*
 * One prompt to its answer. Every way out of a turn leads through end_turn, and
 * leaves the conversation well-formed: each call has a result, an answer that
 * was cut off says so.
 */
#include "chat.h"
#include "common/program.h"

#include "agent/system_text.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    STOP_WITHIN_MS = 5000, /* for a cancelled call or batch to stop by itself */
    REPEATS_REFUSED = 5,   /* the same batch so often in a row is answered without running */
    REPEATS_LAST = 8,      /* and so often ends the turn */
    SURROUNDINGS_LIMIT = 64 << 20,
};

static void end_turn(struct chat *chat, enum turn_status status, const char *reason);

static void must(struct chat *chat, int result, const struct error *error)
{
    if (result < 0)
        chat_die(chat, EXIT_SYSTEM, error->text);
}

/* usage */

static cJSON *usage_object(const struct usage *usage)
{
    cJSON *object = cJSON_CreateObject();
    if (object == NULL || json_add_integer(object, "calls", usage->calls) < 0 ||
        json_add_integer(object, "prompt_tokens", usage->prompt_tokens) < 0 ||
        json_add_integer(object, "completion_tokens", usage->completion_tokens) < 0 ||
        json_add_integer(object, "total_tokens", usage->total_tokens) < 0) {
        json_free(object);
        return NULL;
    }
    return object;
}

static void usage_add(struct usage *total, const struct usage *part)
{
    total->calls += 1;
    total->prompt_tokens += part->prompt_tokens;
    total->completion_tokens += part->completion_tokens;
    total->total_tokens += part->total_tokens;
}

/* What the answer says it cost; a call whose cost is not told is counted, not guessed. */
static void take_usage(struct chat *chat, const cJSON *done)
{
    const cJSON *reported = json_object(done, "usage");
    struct usage call = {0};
    if (json_integer(reported, "prompt_tokens", &call.prompt_tokens) &&
        json_integer(reported, "completion_tokens", &call.completion_tokens)) {
        call.calls = 1;
        if (!json_integer(reported, "total_tokens", &call.total_tokens))
            call.total_tokens = call.prompt_tokens + call.completion_tokens;
    }
    chat->turn.last_call = call;
    usage_add(&chat->turn.usage, &call);
    usage_add(&chat->usage, &call);
}

static void show_status(struct chat *chat)
{
    const struct usage *last = &chat->turn.last_call;
    if (last->calls == 0)
        return;
    double window = (double)chat->context_window;
    double used = (double)(last->prompt_tokens + last->completion_tokens);
    double percent = window > 0 ? (double)(int64_t)(used / window * 1000 + 0.5) / 10 : 0;
    const char *effort = config_text(chat->config, "model.reasoning_effort");
    cJSON *event = event_make("status", chat->turn.correlation_id);
    if (event == NULL || json_add_integer(event, "prompt_tokens", last->prompt_tokens) < 0 ||
        json_add_integer(event, "completion_tokens", last->completion_tokens) < 0 ||
        json_add_integer(event, "total_tokens", last->total_tokens) < 0 ||
        json_add_integer(event, "context_window", chat->context_window) < 0 ||
        json_add_number(event, "pct", percent) < 0 ||
        json_add_string(event, "effort", effort != NULL ? effort : "") < 0) {
        json_free(event);
        event = NULL;
    }
    output_event(chat, event);
}

/* begin */

void turn_release(struct turn *turn)
{
    struct buffer partial = turn->partial;
    json_free(turn->message);
    json_free(turn->results);
    free(turn->feedback);
    free(turn->previous_batch);
    buffer_clear(&partial);
    *turn = (struct turn){.partial = partial};
}

/* AGENTS.md is text somebody wrote: it is used, and the person is told that it is. */
static void add_project_instructions(struct chat *chat, struct buffer *text)
{
    char message[ERROR_TEXT_SIZE];
    struct error error;
    if (!config_boolean(chat->config, "session.project_instructions"))
        return;
    long taken = system_text_append_project(text, chat->directory, &error);
    if (taken == 0)
        return;
    if (taken > 0)
        snprintf(message, sizeof message,
            "using AGENTS.md of this project (%ld bytes; --no-project-instructions leaves it out)",
            taken);
    output_message(chat, "info", taken > 0 ? message : error.text);
}

static void add_prompt(struct chat *chat, const char *message)
{
    struct error error;
    bool first = chat->conversation.count <= 1;
    if (!first) {
        must(chat, conversation_add_user(&chat->conversation, message, &error), &error);
        return;
    }
    struct buffer text;
    buffer_init(&text, SURROUNDINGS_LIMIT);
    if (system_text_append_surroundings(&text, chat->directory) < 0)
        chat_die_system(chat, "make the first message");
    add_project_instructions(chat, &text);
    if (buffer_append_text(&text, message) < 0)
        chat_die_system(chat, "make the first message");
    int result = conversation_add_user(&chat->conversation, text.data, &error);
    buffer_release(&text);
    must(chat, result, &error);
}

static void turn_timed_out(void *context)
{
    turn_stop(context, STOP_TIMEOUT);
}

void turn_begin(struct chat *chat, const struct send *send)
{
    turn_release(&chat->turn);
    memcpy(chat->turn.correlation_id, send->correlation_id, sizeof chat->turn.correlation_id);
    free(chat->answer);
    chat->answer = NULL;
    chat->turn.alias = chat->alias;
    chat->turns++;
    add_prompt(chat, send->message);
    double seconds = config_number(chat->config, "session.timeout");
    if (seconds > 0) {
        chat->turn_timer.call = turn_timed_out;
        chat->turn_timer.context = chat;
        loop_timer_set(
            chat->loop, &chat->turn_timer, clock_monotonic_ms() + (int64_t)(seconds * 1000));
    }
    turn_call_model(chat);
}

/* the model */

/* A limit that forbids another call of the model; NULL: none. */
static const char *limit_reached(const struct chat *chat, char *text, size_t size)
{
    int64_t calls = config_integer(chat->config, "session.max_turns");
    int64_t budget = config_integer(chat->config, "session.budget_tokens");
    if (calls > 0 && chat->turn.usage.calls >= calls) {
        snprintf(text, size, "the limit of %" PRId64 " model calls for a prompt is reached", calls);
        return text;
    }
    if (budget > 0 && chat->usage.total_tokens >= budget) {
        snprintf(text, size, "the budget of %" PRId64 " tokens is used up", budget);
        return text;
    }
    return NULL;
}

void turn_call_model(struct chat *chat)
{
    char text[128];
    const char *limit = limit_reached(chat, text, sizeof text);
    if (limit != NULL) {
        end_turn(chat, TURN_LIMIT, limit);
        return;
    }
    chat->phase = PHASE_MODEL;
    output_state(chat, "thinking");
    if (!chat->resolved)
        model_resolve(chat); /* it was not to be had before: the window is still unknown */
    model_request(chat);
}

/* Text that was streamed before a call ended badly, from the raw lines kept of it. */
static char *partial_text(struct chat *chat, const cJSON *error_line)
{
    const char *told = json_string(error_line, "partial");
    if (told != NULL)
        return strdup(told);
    struct line_reader reader;
    struct buffer text;
    char *line;
    size_t length;
    line_reader_init(&reader, -1, LINE_LIMIT_MODEL);
    buffer_init(&text, LINE_LIMIT_MODEL);
    int result = line_reader_feed(&reader, chat->turn.partial.data, chat->turn.partial.length);
    while (result == 0 && line_reader_next(&reader, &line, &length) == LINE_READY) {
        cJSON *parsed = json_parse_object(line, length, NULL);
        const char *type = json_string(parsed, "type");
        const char *piece = json_string(parsed, "text");
        if (type != NULL && piece != NULL && strcmp(type, "content") == 0)
            result = buffer_append_text(&text, piece);
        json_free(parsed);
    }
    line_reader_release(&reader);
    return buffer_take(&text);
}

/* A half answer stays in the history, with a mark, so that the next prompt can refer to it. */
static void keep_interrupted(struct chat *chat, const cJSON *error_line, const char *why)
{
    struct error error;
    char *text = partial_text(chat, error_line);
    if (text == NULL)
        chat_die_system(chat, "keep an interrupted answer");
    int result = 0;
    if (text[0] != '\0')
        result = conversation_add_interrupted(&chat->conversation, text, why, &error);
    free(text);
    must(chat, result, &error);
}

void turn_discard(struct chat *chat)
{
    if (!chat->turn.streamed)
        return;
    cJSON *event = event_make("discard", chat->turn.correlation_id);
    if (event != NULL && json_add_string(event, "id", chat->turn.call_id) < 0) {
        json_free(event);
        event = NULL;
    }
    output_event(chat, event);
}

const char *turn_next_fallback(struct chat *chat)
{
    size_t count = config_list_size(chat->config, "model.fallback");
    const char *current = chat->turn.alias != NULL ? chat->turn.alias
                          : chat->model_alias[0] != '\0'
                              ? chat->model_alias
                              : config_text(chat->config, "model.default");
    while (chat->turn.fallback < count) {
        const char *alias = config_list_item(chat->config, "model.fallback", chat->turn.fallback++);
        if (current == NULL || strcmp(alias, current) != 0)
            return alias;
    }
    return NULL;
}

static bool fall_back(struct chat *chat, const cJSON *error_line, const char *message)
{
    if (chat->phase == PHASE_STARTING || !json_boolean(error_line, "retryable", false))
        return false;
    const char *alias = turn_next_fallback(chat);
    if (alias == NULL)
        return false;
    char text[ERROR_TEXT_SIZE];
    snprintf(text, sizeof text, "%s; falling back to model '%s'", message, alias);
    output_message(chat, "info", text);
    turn_discard(chat);
    chat->turn.alias = alias;
    model_request(chat);
    return true;
}

void turn_model_failed(struct chat *chat, const cJSON *line)
{
    const char *class = json_string(line, "class");
    const char *message = json_string(line, "message");
    if (class == NULL)
        class = "protocol";
    if (message == NULL)
        message = "the model call failed without a reason";
    if (chat->turn.stop != STOP_NONE) {
        keep_interrupted(chat, line, "interrupted by the user");
        end_turn(chat, TURN_STOPPED, NULL);
        return;
    }
    if (fall_back(chat, line, message))
        return;
    cJSON *event = event_make("error", chat->turn.correlation_id);
    if (event == NULL || json_add_string(event, "class", class) < 0 ||
        json_add_string(event, "message", message) < 0)
        chat_die_system(chat, "make an event");
    output_event(chat, event);
    keep_interrupted(chat, line, "interrupted: the connection to the model failed");
    if (strcmp(class, "config") == 0)
        chat->config_failed = true;
    end_turn(chat, TURN_BACKEND, message);
}

/* The history takes what a server accepts back: arguments that are an object. */
static cJSON *for_history(const cJSON *message)
{
    cJSON *copy = cJSON_Duplicate(message, true);
    cJSON *call;
    cJSON_ArrayForEach(call, json_array(copy, "tool_calls"))
    {
        cJSON *function = json_object(call, "function");
        const char *arguments = json_string(function, "arguments");
        cJSON *parsed =
            arguments != NULL ? json_parse_object(arguments, strlen(arguments), NULL) : NULL;
        if (parsed == NULL) {
            cJSON *empty = cJSON_CreateString("{}");
            cJSON_DeleteItemFromObjectCaseSensitive(function, "arguments");
            if (json_add(function, "arguments", empty) < 0) {
                json_free(copy);
                return NULL;
            }
        }
        json_free(parsed);
    }
    return copy;
}

static void remember_answer(struct chat *chat, const cJSON *message)
{
    struct error error;
    const char *content = json_string(message, "content");
    cJSON *copy = for_history(message);
    if (copy == NULL)
        chat_die_system(chat, "remember an answer");
    int result = conversation_add_assistant(&chat->conversation, copy, &error);
    json_free(copy);
    must(chat, result, &error);
    free(chat->answer);
    chat->answer = strdup(content != NULL ? content : "");
}

static void begin_batch(struct chat *chat, const cJSON *message);

void turn_model_done(struct chat *chat, const cJSON *done)
{
    const cJSON *message = json_object(done, "message");
    const char *content = json_string(message, "content");
    const char *finish = json_string(done, "finish_reason");
    bool calls = cJSON_GetArraySize(json_array(message, "tool_calls")) > 0;
    take_usage(chat, done);
    if (chat->turn.stop != STOP_NONE) {
        /* It was complete before the cancel arrived: kept, but nothing more is done. */
        if (message != NULL && content != NULL && content[0] != '\0' && !calls)
            remember_answer(chat, message);
        end_turn(chat, TURN_STOPPED, NULL);
        return;
    }
    if (!calls && (content == NULL || content[0] == '\0')) {
        bool cut = finish != NULL && strcmp(finish, "length") == 0;
        const char *reason = cut ? "the answer was cut at the token limit before any text came: "
                                   "raise --max-tokens"
                                 : "the model gave an empty answer: send the prompt again";
        output_message(chat, "error", reason);
        end_turn(chat, cut ? TURN_LIMIT : TURN_ERROR, reason);
        return;
    }
    remember_answer(chat, message);
    if (calls) {
        begin_batch(chat, message);
    } else if (finish != NULL && strcmp(finish, "length") == 0) {
        const char *reason = "the answer was cut at the token limit: raise --max-tokens";
        output_message(chat, "error", reason);
        end_turn(chat, TURN_LIMIT, reason);
    } else if (finish != NULL && strcmp(finish, "content_filter") == 0) {
        const char *reason = "the answer was stopped by the server's content filter";
        output_message(chat, "error", reason);
        end_turn(chat, TURN_ERROR, reason);
    } else {
        end_turn(chat, TURN_OK, NULL);
    }
}

/* the tools */

/* Names and arguments of a batch, to notice a model that goes in circles. */
static char *batch_signature(const cJSON *calls)
{
    struct buffer text;
    const cJSON *call;
    buffer_init(&text, LINE_LIMIT_MODEL);
    cJSON_ArrayForEach(call, calls)
    {
        const cJSON *function = json_object(call, "function");
        const char *name = json_string(function, "name");
        const char *arguments = json_string(function, "arguments");
        if (buffer_printf(&text, "%s\n%s\n", name != NULL ? name : "",
                arguments != NULL ? arguments : "") < 0) {
            buffer_release(&text);
            return NULL;
        }
    }
    return buffer_take(&text);
}

static void count_repeats(struct chat *chat)
{
    char *signature = batch_signature(chat->turn.batch_calls);
    bool same = signature != NULL && chat->turn.previous_batch != NULL &&
                strcmp(signature, chat->turn.previous_batch) == 0;
    chat->turn.repeats = same ? chat->turn.repeats + 1 : 1;
    free(chat->turn.previous_batch);
    chat->turn.previous_batch = signature;
}

/* The model asked for the very same thing again and again: it is told, and in the end stopped. */
static void refuse_repetition(struct chat *chat)
{
    char text[200];
    struct error error;
    snprintf(text, sizeof text,
        "not run: this exact batch was called %d times in a row; use the results above, try "
        "something else, or answer",
        chat->turn.repeats);
    const cJSON *call;
    cJSON_ArrayForEach(call, chat->turn.batch_calls)
    {
        cJSON *event = event_make("tool_result", chat->turn.correlation_id);
        const char *name = json_string(json_object(call, "function"), "name");
        if (event == NULL || json_add_string(event, "call_id", json_string(call, "id")) < 0 ||
            json_add_string(event, "name", name) < 0 ||
            json_add_string(event, "status", "error") < 0 ||
            json_add_string(event, "output", text) < 0 ||
            json_add_integer(event, "duration_ms", 0) < 0)
            chat_die_system(chat, "make an event");
        output_event(chat, event);
    }
    must(chat, conversation_close_calls(&chat->conversation, text, &error), &error);
    if (chat->turn.repeats >= REPEATS_LAST)
        end_turn(chat, TURN_LIMIT, "the model repeats the same tool calls");
    else
        turn_call_model(chat);
}

static void begin_batch(struct chat *chat, const cJSON *message)
{
    json_free(chat->turn.message);
    json_free(chat->turn.results);
    chat->turn.message = cJSON_Duplicate(message, true);
    chat->turn.results = cJSON_CreateObject();
    chat->turn.batch_calls = json_array(chat->turn.message, "tool_calls");
    if (chat->turn.batch_calls == NULL || chat->turn.results == NULL)
        chat_die_system(chat, "keep a batch");
    random_hex(chat->turn.batch_id, sizeof chat->turn.batch_id);
    count_repeats(chat);
    chat->phase = PHASE_TOOLS;
    if (chat->turn.repeats >= REPEATS_REFUSED) {
        refuse_repetition(chat);
        return;
    }
    output_state(chat, "running");
    pipeline_send_batch(chat);
}

void turn_tools_done(struct chat *chat)
{
    struct error error;
    const cJSON *call;
    /* In the order of the calls, whatever the order they ended in. */
    cJSON_ArrayForEach(call, chat->turn.batch_calls)
    {
        const char *id = json_string(call, "id");
        const char *output = json_string(chat->turn.results, id);
        must(chat,
            conversation_add_result(&chat->conversation, id, output != NULL ? output : "", &error),
            &error);
    }
    chat->turn.batch_calls = NULL;
    if (chat->turn.stop != STOP_NONE) {
        end_turn(chat, TURN_STOPPED, NULL);
        return;
    }
    if (chat->turn.feedback != NULL) {
        must(chat, conversation_add_user(&chat->conversation, chat->turn.feedback, &error), &error);
        free(chat->turn.feedback);
        chat->turn.feedback = NULL;
    }
    turn_call_model(chat);
}

/* stopping */

static void stop_overdue(void *context)
{
    struct chat *chat = context;
    if (chat->phase == PHASE_MODEL)
        model_abandon(chat);
    else if (chat->phase == PHASE_TOOLS)
        pipeline_abandon(chat);
}

void turn_stop(struct chat *chat, enum stop stop)
{
    if (chat->phase != PHASE_MODEL && chat->phase != PHASE_TOOLS)
        return;
    bool stronger = stop == STOP_INTERRUPT && chat->turn.stop == STOP_CANCEL;
    if (chat->turn.stop == STOP_NONE || stop == STOP_TERMINATE || stronger)
        chat->turn.stop = stop;
    chat->stop_timer.call = stop_overdue;
    chat->stop_timer.context = chat;
    loop_timer_set(chat->loop, &chat->stop_timer, clock_monotonic_ms() + STOP_WITHIN_MS);
    if (chat->phase == PHASE_MODEL)
        model_cancel(chat);
    else
        pipeline_cancel(chat);
}

/* end */

static const char *status_word(const struct chat *chat, enum turn_status status)
{
    switch (status) {
    case TURN_OK:
        return "ok";
    case TURN_LIMIT:
        return "limit";
    case TURN_STOPPED:
        return chat->turn.stop == STOP_TIMEOUT ? "timeout" : "cancelled";
    default:
        return "error";
    }
}

static void note_outcome(struct chat *chat, enum turn_status status, const char *reason)
{
    chat->failed |= status == TURN_ERROR;
    chat->backend_failed |= status == TURN_BACKEND;
    chat->limited |= status == TURN_LIMIT;
    chat->timed_out |= status == TURN_STOPPED && chat->turn.stop == STOP_TIMEOUT;
    if (reason != NULL)
        snprintf(chat->failure, sizeof chat->failure, "%s", reason);
}

static void end_turn(struct chat *chat, enum turn_status status, const char *reason)
{
    struct error error;
    loop_timer_cancel(chat->loop, &chat->turn_timer);
    loop_timer_cancel(chat->loop, &chat->stop_timer);
    must(chat, conversation_close_calls(&chat->conversation, "not run: the turn ended", &error),
        &error);
    note_outcome(chat, status, reason);
    if (status == TURN_LIMIT && reason != NULL)
        output_message(chat, "info", reason);
    if (status == TURN_STOPPED)
        output_event(chat, event_make("cancelled", chat->turn.correlation_id));
    show_status(chat);
    chat->phase = PHASE_IDLE;
    output_state(chat, "idle");
    cJSON *event = event_make("turn_complete", chat->turn.correlation_id);
    if (event == NULL || json_add_string(event, "status", status_word(chat, status)) < 0 ||
        json_add(event, "usage", usage_object(&chat->turn.usage)) < 0)
        chat_die_system(chat, "make an event");
    output_event(chat, event);
    enum stop stop = chat->turn.stop;
    turn_release(&chat->turn);
    if (stop == STOP_INTERRUPT || stop == STOP_TERMINATE)
        chat->ended_by = stop;
    else if (stop == STOP_CANCEL && chat->one_shot)
        chat->ended_by = STOP_INTERRUPT;
    if (chat->one_shot || stop == STOP_TERMINATE)
        chat_finish(chat);
    else
        send_next(chat);
}

cJSON *turn_usage_object(const struct usage *usage)
{
    return usage_object(usage);
}
