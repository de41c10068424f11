/*
 * The model's part of a turn: limits before a call, another model when one
 * fails, and what an answer leads to. However a call ends, the history stays
 * well-formed: an answer that was cut off says so.
 */
#include "chat.h"
#include "common/program.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A limit that forbids another call of the model; NULL: none. */
static const char *limit_reached(const struct chat *chat, char *text, size_t size)
{
    int64_t calls = config_integer(chat->config, "session.max_turns");
    int64_t budget = config_integer(chat->config, "session.budget_tokens");
    if (calls > 0 && chat->agent == AGENT_NONE && chat->turn.own_calls >= calls) {
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
        turn_end(chat, TURN_LIMIT, limit);
        return;
    }
    if (agent_turns_used_up(chat)) {
        agent_synthesise(chat, "Your rounds of tool calls are used up.");
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
    chat_must(chat, result, &error);
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
        turn_end(chat, TURN_STOPPED, NULL);
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
    turn_end(chat, TURN_BACKEND, message);
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

/* Calls that were made although no tools were offered are not part of the answer. */
static const cJSON *without_calls(cJSON *message)
{
    cJSON_DeleteItemFromObjectCaseSensitive(message, "tool_calls");
    return message;
}

static void remember_answer(struct chat *chat, const cJSON *message)
{
    struct error error;
    const char *content = json_string(message, "content");
    cJSON *copy = for_history(message);
    if (copy == NULL)
        chat_die_system(chat, "remember an answer");
    free(chat->answer);
    chat->answer = strdup(content != NULL ? content : "");
    int result = conversation_add_assistant(&chat->conversation, copy, &error);
    json_free(copy);
    chat_must(chat, result, &error);
}

void turn_model_done(struct chat *chat, const cJSON *done)
{
    cJSON *given = json_object(done, "message");
    const cJSON *message = chat->turn.synthesis ? without_calls(given) : given;
    const char *content = json_string(message, "content");
    const char *finish = json_string(done, "finish_reason");
    bool calls = cJSON_GetArraySize(json_array(message, "tool_calls")) > 0;
    bool says = content != NULL && content[0] != '\0';
    /* One that was complete before a cancel arrived is kept, but nothing more is done. */
    keep_begin(chat);
    usage_take(chat, done);
    if (chat->turn.stop != STOP_NONE ? says && !calls : says || calls)
        remember_answer(chat, message);
    keep_commit(chat);
    if (chat->turn.stop != STOP_NONE) {
        turn_end(chat, TURN_STOPPED, NULL);
        return;
    }
    if (!calls && !says) {
        bool cut = finish != NULL && strcmp(finish, "length") == 0;
        const char *reason = cut ? "the answer was cut at the token limit before any text came: "
                                   "raise --max-tokens"
                                 : "the model gave an empty answer: send the prompt again";
        output_message(chat, "error", reason);
        turn_end(chat, cut ? TURN_LIMIT : TURN_ERROR, reason);
        return;
    }
    if (calls) {
        batch_begin(chat, message);
    } else if (finish != NULL && strcmp(finish, "length") == 0) {
        const char *reason = "the answer was cut at the token limit: raise --max-tokens";
        output_message(chat, "error", reason);
        turn_end(chat, TURN_LIMIT, reason);
    } else if (finish != NULL && strcmp(finish, "content_filter") == 0) {
        const char *reason = "the answer was stopped by the server's content filter";
        output_message(chat, "error", reason);
        turn_end(chat, TURN_ERROR, reason);
    } else {
        turn_end(chat, TURN_OK, NULL);
    }
}
