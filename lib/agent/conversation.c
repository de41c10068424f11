#include "agent/conversation.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { CONVERSATION_LIMIT = 60 << 20 }; /* bytes; leaves room for the rest of a request line */

static const char no_result[] = "interrupted: no result is known";

void conversation_init(struct conversation *conversation)
{
    *conversation = (struct conversation){0};
    buffer_init(&conversation->messages, CONVERSATION_LIMIT);
}

static void forget_calls(struct conversation *conversation)
{
    for (size_t i = 0; i < conversation->open_count; i++) {
        free(conversation->open_calls[i].id);
        free(conversation->open_calls[i].result);
    }
    free(conversation->open_calls);
    conversation->open_calls = NULL;
    conversation->open_count = 0;
    conversation->unanswered = 0;
    conversation->waiting = 0;
}

void conversation_release(struct conversation *conversation)
{
    buffer_release(&conversation->messages);
    forget_calls(conversation);
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

/* Room for a message, and for the results that wait: putting them there cannot fail then. */
static int make_room(struct conversation *conversation, size_t length, struct error *error)
{
    size_t room = conversation->waiting + length + 1;
    if (buffer_reserve(&conversation->messages, room) < 0)
        return error_system(error, "remember a message");
    return 0;
}

static int tell(
    struct conversation *conversation, const char *text, size_t length, struct error *error)
{
    if (conversation->listener == NULL)
        return 0;
    return conversation->listener(conversation->listener_context, text, length, error);
}

/* There is room: make_room. */
static void put(struct conversation *conversation, const char *text, size_t length, bool user)
{
    struct buffer *messages = &conversation->messages;
    if (messages->length > 0)
        (void)buffer_append_byte(messages, ',');
    conversation->last = messages->length;
    (void)buffer_append(messages, text, length);
    conversation->count++;
    conversation->characters += utf8_count(text, length);
    conversation->last_is_user = user;
}

static bool is_role(const cJSON *message, const char *wanted)
{
    const char *role = json_string(message, "role");
    return role != NULL && strcmp(role, wanted) == 0;
}

/* Tell the listener, then take. */
static int add_text(struct conversation *conversation, const char *text, size_t length, bool user,
    struct error *error)
{
    if (make_room(conversation, length, error) < 0 || tell(conversation, text, length, error) < 0)
        return -1;
    put(conversation, text, length, user);
    return 0;
}

static char *serialise(const cJSON *message, struct error *error)
{
    struct buffer text;
    char *taken = NULL;
    buffer_init(&text, CONVERSATION_LIMIT);
    if (message == NULL)
        error_set(error, "remember a message: out of memory");
    else if (json_append(&text, message) < 0 || (taken = buffer_take(&text)) == NULL)
        error_system(error, "remember a message");
    buffer_release(&text);
    return taken;
}

/* The message is freed in any case. */
static int add(struct conversation *conversation, cJSON *message, struct error *error)
{
    char *text = serialise(message, error);
    int result = -1;
    if (text != NULL)
        result = add_text(conversation, text, strlen(text), is_role(message, "user"), error);
    free(text);
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
    if (conversation_close_calls(conversation, no_result, error) < 0)
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

/* The calls of an assistant's message that is about to be taken; *calls NULL: it has none. */
static int calls_of(
    const cJSON *message, struct open_call **calls, size_t *count, struct error *error)
{
    const cJSON *list = json_array(message, "tool_calls");
    int size = list != NULL ? cJSON_GetArraySize(list) : 0;
    *calls = NULL;
    *count = 0;
    if (size == 0)
        return 0;
    *calls = calloc((size_t)size, sizeof **calls);
    if (*calls == NULL)
        return error_set(error, "remember a message: out of memory");
    const cJSON *call;
    cJSON_ArrayForEach(call, list)
    {
        const char *id = json_string(call, "id");
        (*calls)[*count].id = strdup(id != NULL ? id : "");
        if ((*calls)[(*count)++].id == NULL)
            return error_set(error, "remember a message: out of memory");
    }
    return 0;
}

static int add_assistant(struct conversation *conversation, const char *text, size_t length,
    const cJSON *message, struct error *error)
{
    struct conversation fresh = {0}; /* for its open calls */
    int result = calls_of(message, &fresh.open_calls, &fresh.open_count, error);
    if (result == 0)
        result = add_text(conversation, text, length, false, error);
    if (result == 0) {
        forget_calls(conversation);
        conversation->open_calls = fresh.open_calls;
        conversation->open_count = fresh.open_count;
        conversation->unanswered = fresh.open_count;
        return 0;
    }
    forget_calls(&fresh);
    return -1;
}

int conversation_add_assistant(
    struct conversation *conversation, const cJSON *message, struct error *error)
{
    if (conversation_close_calls(conversation, no_result, error) < 0)
        return -1;
    char *text = serialise(message, error);
    int result = -1;
    if (text != NULL)
        result = add_assistant(conversation, text, strlen(text), message, error);
    free(text);
    return result;
}

static struct open_call *open_call(const struct conversation *conversation, const char *call_id)
{
    for (size_t i = 0; call_id != NULL && i < conversation->open_count; i++) {
        struct open_call *call = &conversation->open_calls[i];
        if (call->result == NULL && strcmp(call->id, call_id) == 0)
            return call;
    }
    return NULL;
}

bool conversation_call_is_open(const struct conversation *conversation, const char *call_id)
{
    return open_call(conversation, call_id) != NULL;
}

/* The last result is there: all of them take their places. */
static void put_results(struct conversation *conversation)
{
    for (size_t i = 0; i < conversation->open_count; i++) {
        const char *text = conversation->open_calls[i].result;
        put(conversation, text, strlen(text), false);
    }
    forget_calls(conversation);
}

static int take_result(struct conversation *conversation, const char *call_id, const char *text,
    size_t length, struct error *error)
{
    struct open_call *call = open_call(conversation, call_id);
    if (call == NULL)
        return error_set(
            error, "result of call '%s': no such call is open", call_id != NULL ? call_id : "");
    char *copy = strndup(text, length);
    if (copy == NULL)
        return error_set(error, "remember a message: out of memory");
    if (make_room(conversation, length, error) < 0 || tell(conversation, text, length, error) < 0) {
        free(copy);
        return -1;
    }
    call->result = copy;
    conversation->waiting += length + 1;
    if (--conversation->unanswered == 0)
        put_results(conversation);
    return 0;
}

int conversation_add_result(
    struct conversation *conversation, const char *call_id, const char *text, struct error *error)
{
    cJSON *message = message_new("tool", text);
    if (message == NULL || json_add_string(message, "tool_call_id", call_id) < 0) {
        json_free(message);
        message = NULL;
    }
    char *line = serialise(message, error);
    int result = -1;
    if (line != NULL)
        result = take_result(conversation, call_id, line, strlen(line), error);
    free(line);
    json_free(message);
    return result;
}

int conversation_close_calls(
    struct conversation *conversation, const char *text, struct error *error)
{
    for (size_t i = 0; i < conversation->open_count; i++) {
        /* The last one takes the list with it. */
        if (conversation->open_calls[i].result == NULL &&
            conversation_add_result(conversation, conversation->open_calls[i].id, text, error) < 0)
            return -1;
    }
    return 0;
}

int conversation_add_stored(struct conversation *conversation, const char *text, size_t length,
    const cJSON *message, struct error *error)
{
    if (is_role(message, "tool"))
        return take_result(conversation, json_string(message, "tool_call_id"), text, length, error);
    if (conversation->unanswered > 0)
        return error_set(error, "a stored message stands between a call and its result");
    if (is_role(message, "assistant"))
        return add_assistant(conversation, text, length, message, error);
    return add_text(conversation, text, length, is_role(message, "user"), error);
}

cJSON *conversation_last(const struct conversation *conversation)
{
    const struct buffer *messages = &conversation->messages;
    return json_parse_object(
        messages->data + conversation->last, messages->length - conversation->last, NULL);
}

int conversation_append_array(const struct conversation *conversation, struct buffer *buffer)
{
    if (buffer_append_byte(buffer, '[') < 0 ||
        buffer_append(buffer, conversation->messages.data, conversation->messages.length) < 0)
        return -1;
    return buffer_append_byte(buffer, ']');
}
