#include "agent/mcp_message.h"

#include "base/buffer.h"
#include "data/json.h"

#include <inttypes.h>
#include <string.h>

static int read_id(const cJSON *tree, struct mcp_message *message, struct error *error)
{
    const cJSON *id = json_get(tree, "id");
    int64_t number;
    if (id == NULL || cJSON_IsNull(id))
        return 0;
    if (!cJSON_IsString(id) && !json_value_integer(id, &number))
        return error_set(error, "'id' must be a text or a whole number");
    message->id = id;
    return 0;
}

static int read_answer(const cJSON *tree, struct mcp_message *message, struct error *error)
{
    const cJSON *failure = json_get(tree, "error");
    message->result = json_get(tree, "result");
    if ((failure == NULL) == (message->result == NULL))
        return error_set(error, "one of 'method', 'result' and 'error' is needed");
    if (failure == NULL) {
        message->kind = MCP_RESULT;
        return message->id != NULL ? 0 : error_set(error, "a result needs an 'id'");
    }
    message->kind = MCP_ERROR;
    message->text = json_string(failure, "message");
    message->data = json_get(failure, "data");
    if (!json_integer(failure, "code", &message->code))
        return error_set(error, "an error needs a 'code'");
    if (message->text == NULL)
        message->text = "(no message)";
    return 0;
}

int mcp_message_read(const cJSON *tree, struct mcp_message *message, struct error *error)
{
    *message = (struct mcp_message){0};
    const char *version = json_string(tree, "jsonrpc");
    if (version == NULL || strcmp(version, "2.0") != 0)
        return error_set(error, "member 'jsonrpc' is not \"2.0\"");
    if (read_id(tree, message, error) < 0)
        return -1;
    const cJSON *method = json_get(tree, "method");
    if (method == NULL)
        return read_answer(tree, message, error);
    if (!cJSON_IsString(method))
        return error_set(error, "'method' must be a text");
    message->method = method->valuestring;
    message->kind = json_get(tree, "id") != NULL ? MCP_REQUEST : MCP_NOTIFICATION;
    if (message->kind == MCP_REQUEST && message->id == NULL)
        return error_set(error, "the 'id' of a request must not be null");
    message->params = json_get(tree, "params");
    if (message->params != NULL && !cJSON_IsObject(message->params))
        return error_set(error, "'params' must be an object");
    return 0;
}

bool mcp_message_number(const struct mcp_message *message, int64_t *number)
{
    return message->id != NULL && json_value_integer(message->id, number);
}

static int append_method(struct buffer *buffer, const char *method, const cJSON *params)
{
    if (buffer_append_text(buffer, ",\"method\":") < 0 ||
        json_append_string(buffer, method, strlen(method)) < 0)
        return -1;
    if (params != NULL &&
        (buffer_append_text(buffer, ",\"params\":") < 0 || json_append(buffer, params) < 0))
        return -1;
    return buffer_append_byte(buffer, '}');
}

int mcp_append_request(struct buffer *buffer, int64_t id, const char *method, const cJSON *params)
{
    if (buffer_printf(buffer, "{\"jsonrpc\":\"2.0\",\"id\":%" PRId64, id) < 0)
        return -1;
    return append_method(buffer, method, params);
}

int mcp_append_notification(struct buffer *buffer, const char *method, const cJSON *params)
{
    if (buffer_append_text(buffer, "{\"jsonrpc\":\"2.0\"") < 0)
        return -1;
    return append_method(buffer, method, params);
}

static int append_id(struct buffer *buffer, const cJSON *id)
{
    if (buffer_append_text(buffer, "{\"jsonrpc\":\"2.0\",\"id\":") < 0)
        return -1;
    return id != NULL ? json_append(buffer, id) : buffer_append_text(buffer, "null");
}

int mcp_append_result(struct buffer *buffer, const cJSON *id, const cJSON *result)
{
    if (append_id(buffer, id) < 0 || buffer_append_text(buffer, ",\"result\":") < 0 ||
        json_append(buffer, result) < 0)
        return -1;
    return buffer_append_byte(buffer, '}');
}

int mcp_append_error(struct buffer *buffer, const cJSON *id, int code, const char *text)
{
    if (append_id(buffer, id) < 0 ||
        buffer_printf(buffer, ",\"error\":{\"code\":%d,\"message\":", code) < 0 ||
        json_append_string(buffer, text, strlen(text)) < 0)
        return -1;
    return buffer_append_text(buffer, "}}");
}
