#include "request.h"

#include "base/buffer.h"
#include "data/json.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_LIMIT = 64 << 20 }; /* bytes of one message's text: no more than a body can hold */

/* The text of a message: a string, or the text parts of an array. NULL: memory is short. */
static char *message_text(const cJSON *message)
{
    const cJSON *content = json_get(message, "content");
    struct buffer text;
    buffer_init(&text, TEXT_LIMIT);
    int status = 0;
    if (cJSON_IsString(content)) {
        status = buffer_append_text(&text, content->valuestring);
    } else if (cJSON_IsArray(content)) {
        const cJSON *part;
        cJSON_ArrayForEach(part, content)
        {
            const char *piece = json_string(part, "text");
            if (piece != NULL && status == 0)
                status = buffer_append_text(&text, piece);
        }
    }
    if (status < 0) {
        buffer_release(&text);
        return NULL;
    }
    return buffer_take(&text);
}

static const cJSON *last_with_role(const cJSON *messages, const char *role)
{
    const cJSON *found = NULL;
    const cJSON *message;
    cJSON_ArrayForEach(message, messages)
    {
        const char *its = json_string(message, "role");
        if (its != NULL && strcmp(its, role) == 0)
            found = message;
    }
    return found;
}

static bool read_texts(struct request *request, const cJSON *messages)
{
    const cJSON *user = last_with_role(messages, "user");
    const cJSON *tool = last_with_role(messages, "tool");
    const cJSON *system = last_with_role(messages, "system");
    if (system == NULL)
        system = last_with_role(messages, "developer");
    request->last_user = message_text(user);
    request->last_tool_result = message_text(tool);
    request->system = message_text(system);
    request->role = "";
    request->text = request->last_user;
    const cJSON *message;
    cJSON_ArrayForEach(message, messages)
    {
        if (message == user) {
            request->role = "user";
            request->text = request->last_user;
        } else if (message == tool) {
            request->role = "tool";
            request->text = request->last_tool_result;
        }
    }
    return request->last_user != NULL && request->last_tool_result != NULL &&
           request->system != NULL;
}

int request_read(struct request *request, const char *default_model, struct error *error)
{
    request->body = json_parse_object(request->raw, request->raw_length, error);
    if (request->body == NULL)
        return error_prefix(error, "the request body: ");
    const cJSON *messages = json_array(request->body, "messages");
    if (!cJSON_IsArray(messages) || messages->child == NULL)
        return error_set(error, "'messages' must be an array with at least one message");
    const cJSON *message;
    cJSON_ArrayForEach(message, messages)
    {
        if (json_string(message, "role") == NULL)
            return error_set(error, "every message must be an object with a 'role'");
    }
    request->model = json_string(request->body, "model");
    if (request->model == NULL)
        request->model = default_model;
    request->stream = json_boolean(request->body, "stream", false);
    request->include_usage =
        json_boolean(json_object(request->body, "stream_options"), "include_usage", false);
    if (!read_texts(request, messages))
        return error_set(error, "out of memory");
    return 0;
}

void request_release(struct request *request)
{
    json_free(request->body);
    free(request->last_user);
    free(request->last_tool_result);
    free(request->system);
    *request = (struct request){0};
}

bool request_offers_tool(const struct request *request, const char *name)
{
    const cJSON *tool;
    cJSON_ArrayForEach(tool, json_array(request->body, "tools"))
    {
        const char *its = json_string(json_object(tool, "function"), "name");
        if (name == NULL || (its != NULL && strcmp(its, name) == 0))
            return true;
    }
    return false;
}
