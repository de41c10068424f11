/*
 * The tools' part of a turn: a batch of calls, its results in the order of the
 * calls, and a model that asks for the same thing again and again.
 */
#include "chat.h"
#include "common/program.h"

#include <stdlib.h>
#include <string.h>

enum {
    REPEATS_REFUSED = 5, /* the same batch so often in a row is answered without running */
    REPEATS_LAST = 8,    /* and so often ends the turn */
};

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
        char *id = agent_outer_id(chat, json_string(call, "id"));
        if (event == NULL || id == NULL || json_add_string(event, "call_id", id) < 0 ||
            json_add_string(event, "name", name) < 0 ||
            json_add_string(event, "status", "error") < 0 ||
            json_add_string(event, "output", text) < 0 ||
            json_add_integer(event, "duration_ms", 0) < 0)
            chat_die_system(chat, "make an event");
        free(id);
        output_event(chat, event);
    }
    chat_must(chat, conversation_close_calls(&chat->conversation, text, &error), &error);
    if (chat->turn.repeats >= REPEATS_LAST && chat->agent != AGENT_NONE)
        agent_synthesise(chat, "You repeat the same tool calls.");
    else if (chat->turn.repeats >= REPEATS_LAST)
        turn_end(chat, TURN_LIMIT, "the model repeats the same tool calls");
    else
        turn_call_model(chat);
}

void batch_begin(struct chat *chat, const cJSON *message)
{
    json_free(chat->turn.message);
    chat->turn.message = cJSON_Duplicate(message, true);
    chat->turn.batch_calls = json_array(chat->turn.message, "tool_calls");
    if (chat->turn.batch_calls == NULL)
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

void batch_continue(struct chat *chat, const char *batch_id)
{
    chat->turn.message = conversation_last(&chat->conversation);
    cJSON *calls = json_array(chat->turn.message, "tool_calls");
    if (calls == NULL)
        chat_die_system(chat, "go on with a batch");
    for (int i = cJSON_GetArraySize(calls) - 1; i >= 0; i--) {
        const char *id = json_string(cJSON_GetArrayItem(calls, i), "id");
        if (!conversation_call_is_open(&chat->conversation, id))
            cJSON_DeleteItemFromArray(calls, i);
    }
    chat->turn.batch_calls = calls;
    snprintf(chat->turn.batch_id, sizeof chat->turn.batch_id, "%s", batch_id);
    chat->phase = PHASE_TOOLS;
    output_state(chat, "running");
    pipeline_send_batch(chat);
}

/* What a person said with an approval, and the prompt that had to wait for the batch. */
static void add_what_was_said(struct chat *chat)
{
    struct error error;
    struct buffer text;
    const char *feedback = chat->turn.feedback;
    const char *prompt = chat->turn.prompt;
    if (feedback == NULL && prompt == NULL)
        return;
    buffer_init(&text, LINE_LIMIT_MODEL);
    if (buffer_printf(&text, "%s%s%s", feedback != NULL ? feedback : "",
            feedback != NULL && prompt != NULL ? "\n\n" : "", prompt != NULL ? prompt : "") < 0)
        chat_die_system(chat, "keep a prompt");
    int result = conversation_add_user(&chat->conversation, text.data, &error);
    buffer_release(&text);
    chat_must(chat, result, &error);
    free(chat->turn.feedback);
    free(chat->turn.prompt);
    chat->turn.feedback = chat->turn.prompt = NULL;
}

void batch_done(struct chat *chat)
{
    chat->turn.batch_calls = NULL;
    if (chat->turn.stop != STOP_NONE) {
        turn_end(chat, TURN_STOPPED, NULL);
        return;
    }
    add_what_was_said(chat);
    turn_call_model(chat);
}
