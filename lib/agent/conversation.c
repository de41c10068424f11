#include "agent/conversation.h"

#include "base/utf8.h"

#include <string.h>

enum { CONVERSATION_LIMIT = 60 << 20 }; /* bytes; leaves room for the rest of a request line */

void conversation_init(struct conversation *conversation)
{
    *conversation = (struct conversation){0};
    buffer_init(&conversation->messages, CONVERSATION_LIMIT);
}

void conversation_release(struct conversation *conversation)
{
    buffer_release(&conversation->messages);
    json_free(conversation->open_calls);
    conversation->open_calls = NULL;
}

static cJSON *message_new(const char *role, const char *text)
{
    cJSON *message = cJSON_CreateObject();
    if (message == NULL || json_add_string(message, "role", role) < 0 ||
        json_add_string(message, "content", text) < 0) {
        json_free(message);
        return NULL;
    }
    return message;
}

/* Serialise, tell the listener, take. The message is freed in any case. */
static int add(struct conversation *conversation, cJSON *message, struct error *error)
{
    struct buffer *messages = &conversation->messages;
    size_t before = messages->length;
    size_t start = before > 0 ? before + 1 : 0;
    int result = -1;
    if (message == NULL)
        error_set(error, "remember a message: out of memory");
    else if ((before > 0 && buffer_append_byte(messages, ',') < 0) ||
             json_append(messages, message) < 0)
        error_system(error, "remember a message");
    else if (conversation->listener == NULL)
        result = 0;
    else
        result = conversation->listener(conversation->listener_context, messages->data + start,
            messages->length - start, error);
    if (result < 0) {
        buffer_truncate(messages, before);
    } else {
        const char *role = json_string(message, "role");
        conversation->count++;
        conversation->characters += utf8_count(messages->data + start, messages->length - start);
        conversation->last_is_user = role != NULL && strcmp(role, "user") == 0;
    }
    json_free(message);
    return result;
}

int conversation_add_system(
    struct conversation *conversation, const char *text, struct error *error)
{
    return add(conversation, message_new("system", text), error);
}

int conversation_add_user(struct conversation *conversation, const char *text, struct error *error)
{
    if (conversation_close_calls(conversation, "interrupted: no result is known", error) < 0)
        return -1;
    if (conversation->last_is_user &&
        conversation_add_interrupted(conversation, "", "no answer", error) < 0)
        return -1;
    return add(conversation, message_new("user", text), error);
}

int conversation_add_interrupted(
    struct conversation *conversation, const char *text, const char *why, struct error *error)
{
    struct buffer marked;
    buffer_init(&marked, CONVERSATION_LIMIT);
    int result = -1;
    if (buffer_printf(&marked, "%s%s[%s]", text, text[0] != '\0' ? "\n\n" : "", why) < 0)
        error_system(error, "remember a message");
    else
        result = add(conversation, message_new("assistant", marked.data), error);
    buffer_release(&marked);
    return result;
}

static cJSON *ids_of(const cJSON *calls)
{
    cJSON *ids = cJSON_CreateArray();
    const cJSON *call;
    cJSON_ArrayForEach(call, calls)
    {
        const char *id = json_string(call, "id");
        cJSON *copy = cJSON_CreateString(id != NULL ? id : "");
        if (copy == NULL || !cJSON_AddItemToArray(ids, copy)) {
            json_free(copy);
            json_free(ids);
            return NULL;
        }
    }
    return ids;
}

int conversation_add_assistant(
    struct conversation *conversation, const cJSON *message, struct error *error)
{
    const cJSON *calls = json_array(message, "tool_calls");
    cJSON *ids = NULL;
    if (calls != NULL && cJSON_GetArraySize(calls) > 0) {
        ids = ids_of(calls);
        if (ids == NULL)
            return error_set(error, "remember a message: out of memory");
    }
    if (add(conversation, cJSON_Duplicate(message, true), error) < 0) {
        json_free(ids);
        return -1;
    }
    json_free(conversation->open_calls);
    conversation->open_calls = ids;
    return 0;
}

static int open_call_index(const struct conversation *conversation, const char *call_id)
{
    int index = 0;
    const cJSON *id;
    cJSON_ArrayForEach(id, conversation->open_calls)
    {
        if (strcmp(id->valuestring, call_id) == 0)
            return index;
        index++;
    }
    return -1;
}

int conversation_add_result(
    struct conversation *conversation, const char *call_id, const char *text, struct error *error)
{
    int index = open_call_index(conversation, call_id);
    if (index < 0)
        return error_set(error, "result of call '%s': no such call is open", call_id);
    cJSON *message = message_new("tool", text);
    if (message == NULL || json_add_string(message, "tool_call_id", call_id) < 0) {
        json_free(message);
        message = NULL;
    }
    if (add(conversation, message, error) < 0)
        return -1;
    cJSON_DeleteItemFromArray(conversation->open_calls, index);
    if (cJSON_GetArraySize(conversation->open_calls) == 0) {
        json_free(conversation->open_calls);
        conversation->open_calls = NULL;
    }
    return 0;
}

int conversation_close_calls(
    struct conversation *conversation, const char *text, struct error *error)
{
    while (conversation->open_calls != NULL) {
        /* Copied: adding the result takes the id out of the list. */
        cJSON *id = cJSON_Duplicate(conversation->open_calls->child, false);
        int result = id == NULL
                         ? error_set(error, "remember a message: out of memory")
                         : conversation_add_result(conversation, id->valuestring, text, error);
        json_free(id);
        if (result < 0)
            return -1;
    }
    return 0;
}

int conversation_append_array(const struct conversation *conversation, struct buffer *buffer)
{
    if (buffer_append_byte(buffer, '[') < 0 ||
        buffer_append(buffer, conversation->messages.data, conversation->messages.length) < 0)
        return -1;
    return buffer_append_byte(buffer, ']');
}
