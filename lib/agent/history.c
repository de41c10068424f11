#include "agent/history.h"

#include <stdlib.h>
#include <string.h>

static const char lost_result[] =
    "interrupted: no result is known; whether it had an effect is not known";

void history_init(struct history *history, struct conversation *conversation)
{
    *history = (struct history){.conversation = conversation};
}

static int no_memory(struct error *error)
{
    return error_set(error, "read a stored message: out of memory");
}

/* A message that had to be changed; the text it was stored as does not count any more. */
static int take_changed(struct history *history, const cJSON *message, struct error *error)
{
    struct buffer text;
    buffer_init(&text, history->conversation->messages.maximum);
    int result = json_append(&text, message) < 0 ? error_system(error, "read a stored message")
                                                 : conversation_add_stored(history->conversation,
                                                       text.data, text.length, message, error);
    buffer_release(&text);
    return result;
}

/* Calls that came without an id get one, from their place: the same every time. -1: no memory. */
static int name_calls(const struct history *history, cJSON *message, bool *changed)
{
    int position = 0;
    cJSON *call;
    cJSON_ArrayForEach(call, json_array(message, "tool_calls"))
    {
        char id[64];
        const char *given = json_string(call, "id");
        snprintf(id, sizeof id, "call_%zu_%d", history->conversation->count, position++);
        if (given != NULL && given[0] != '\0')
            continue;
        cJSON_DeleteItemFromObjectCaseSensitive(call, "id");
        if (json_add_string(call, "id", id) < 0)
            return -1;
        *changed = true;
    }
    return 0;
}

static bool calls_are_whole(const cJSON *message)
{
    const cJSON *call;
    cJSON_ArrayForEach(call, json_array(message, "tool_calls"))
    {
        const cJSON *function = json_object(call, "function");
        if (json_string(function, "name") == NULL || json_string(function, "arguments") == NULL)
            return false;
    }
    return true;
}

static bool says_nothing(const cJSON *message)
{
    const char *content = json_string(message, "content");
    return (content == NULL || content[0] == '\0') &&
           cJSON_GetArraySize(json_array(message, "tool_calls")) == 0;
}

/* A result without an id belongs to the first call that waits for one. */
static const char *first_open(const struct conversation *conversation)
{
    for (size_t i = 0; i < conversation->open_count; i++) {
        if (conversation->open_calls[i].result == NULL)
            return conversation->open_calls[i].id;
    }
    return NULL;
}

static int take_result(
    struct history *history, const char *text, size_t length, cJSON *message, struct error *error)
{
    const struct conversation *conversation = history->conversation;
    const char *id = json_string(message, "tool_call_id");
    if (id != NULL && id[0] != '\0') {
        if (conversation_call_is_open(conversation, id))
            return conversation_add_stored(history->conversation, text, length, message, error);
        history->left_out++;
        return 0;
    }
    id = first_open(conversation);
    if (id == NULL) {
        history->left_out++;
        return 0;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(message, "tool_call_id");
    if (json_add_string(message, "tool_call_id", id) < 0)
        return no_memory(error);
    return take_changed(history, message, error);
}

static int close_calls(struct history *history, struct error *error)
{
    history->put_in += history->conversation->unanswered;
    return conversation_close_calls(history->conversation, lost_result, error);
}

static int take_assistant(
    struct history *history, const char *text, size_t length, cJSON *message, struct error *error)
{
    bool changed = false;
    if (says_nothing(message) || !calls_are_whole(message)) {
        history->left_out++;
        return 0;
    }
    if (close_calls(history, error) < 0)
        return -1;
    if (name_calls(history, message, &changed) < 0)
        return no_memory(error);
    return changed ? take_changed(history, message, error)
                   : conversation_add_stored(history->conversation, text, length, message, error);
}

static int take_user(struct history *history, const char *text, size_t length, const cJSON *message,
    struct error *error)
{
    if (close_calls(history, error) < 0)
        return -1;
    if (history->conversation->last_is_user) {
        history->put_in++;
        if (conversation_add_interrupted(history->conversation, "", "no answer", error) < 0)
            return -1;
    }
    return conversation_add_stored(history->conversation, text, length, message, error);
}

/* The system text stands first, or not at all. */
static int take_system(struct history *history, const char *text, size_t length,
    const cJSON *message, struct error *error)
{
    if (history->conversation->count > 0) {
        history->left_out++;
        return 0;
    }
    return conversation_add_stored(history->conversation, text, length, message, error);
}

int history_take(struct history *history, const char *text, size_t length, struct error *error)
{
    cJSON *message = json_parse_object(text, length, NULL);
    const char *role = json_string(message, "role");
    int result = 0;
    if (role != NULL && strcmp(role, "tool") == 0)
        result = take_result(history, text, length, message, error);
    else if (role != NULL && strcmp(role, "assistant") == 0)
        result = take_assistant(history, text, length, message, error);
    else if (role != NULL && strcmp(role, "user") == 0 && json_get(message, "content") != NULL)
        result = take_user(history, text, length, message, error);
    else if (role != NULL && strcmp(role, "system") == 0)
        result = take_system(history, text, length, message, error);
    else
        history->left_out++;
    json_free(message);
    return result;
}
