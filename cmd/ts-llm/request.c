#include "ts-llm/request.h"

#include "base/line_reader.h"
#include "data/json.h"

#include <math.h>
#include <string.h>

static const char usage_option[] = ",\"stream_options\":{\"include_usage\":true}}";

void request_body_init(struct request_body *body)
{
    buffer_init(&body->text, (size_t)LINE_LIMIT_MODEL * 2);
    body->bare_length = 0;
}

void request_body_release(struct request_body *body)
{
    buffer_release(&body->text);
}

/* Messages. */

/* Broken arguments stay in the history as the model gave them; servers refuse them on replay. */
static int mend_arguments(cJSON *message)
{
    cJSON *call;
    cJSON_ArrayForEach(call, json_array(message, "tool_calls"))
    {
        cJSON *function = json_object(call, "function");
        cJSON *arguments = json_get(function, "arguments");
        if (cJSON_IsString(arguments)) {
            cJSON *tree =
                json_parse_object(arguments->valuestring, strlen(arguments->valuestring), NULL);
            bool whole = tree != NULL;
            json_free(tree);
            if (whole)
                continue;
        }
        cJSON_DeleteItemFromObjectCaseSensitive(function, "arguments");
        if (function != NULL && json_add_string(function, "arguments", "{}") < 0)
            return -1;
    }
    return 0;
}

static bool is_member_name(const char *text)
{
    return text != NULL && *text != '\0' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz_") == strlen(text);
}

/* Our own members go; the reasoning goes back under its own name where the model wants it. */
static int settle_reasoning(cJSON *message, bool replay)
{
    cJSON *reasoning = cJSON_DetachItemFromObjectCaseSensitive(message, "reasoning");
    cJSON *field = cJSON_DetachItemFromObjectCaseSensitive(message, "reasoning_field");
    int result = 0;
    if (replay && cJSON_IsString(reasoning)) {
        const char *name = cJSON_IsString(field) ? field->valuestring : NULL;
        if (!is_member_name(name) || json_get(message, name) != NULL)
            name = "reasoning_content";
        result = json_add_string(message, name, reasoning->valuestring);
    }
    json_free(reasoning);
    json_free(field);
    return result;
}

static int settle_role(cJSON *message, const char *system_role)
{
    const char *role = json_string(message, "role");
    if (role == NULL || strcmp(role, "system") != 0 || strcmp(system_role, "system") == 0)
        return 0;
    cJSON *renamed = cJSON_CreateString(system_role);
    if (renamed == NULL)
        return -1;
    return cJSON_ReplaceItemInObjectCaseSensitive(message, "role", renamed) ? 0 : -1;
}

static int settle_messages(const cJSON *messages, const struct config_model *model)
{
    cJSON *message;
    cJSON_ArrayForEach(message, messages)
    {
        if (settle_role(message, model->system_role) < 0 ||
            settle_reasoning(message, model->replay_reasoning) < 0 || mend_arguments(message) < 0)
            return -1;
    }
    return 0;
}

/* Settings. */

static int add_effort(cJSON *body, const cJSON *line, const struct config_model *model)
{
    const char *effort = json_string(line, "reasoning_effort");
    if (effort == NULL)
        effort = model->reasoning_effort;
    if (effort == NULL || strcmp(model->effort_field, "none") == 0)
        return 0;
    if (strcmp(model->effort_field, "chat_template_kwargs") != 0)
        return json_add_string(body, "reasoning_effort", effort);
    cJSON *arguments = cJSON_AddObjectToObject(body, "chat_template_kwargs");
    return arguments != NULL ? json_add_string(arguments, "reasoning_effort", effort) : -1;
}

static int add_settings(cJSON *body, const cJSON *line, const struct config_model *model)
{
    int64_t limit;
    double temperature;
    if (!json_integer(line, "max_tokens", &limit))
        limit = model->max_tokens;
    if (limit > 0 && json_add_integer(body, model->token_limit_field, limit) < 0)
        return -1;
    if (!json_number(line, "temperature", &temperature))
        temperature = model->temperature;
    if (!isnan(temperature) && json_add_number(body, "temperature", temperature) < 0)
        return -1;
    return add_effort(body, line, model);
}

/* Objects are merged, anything else replaces what is there. Takes extra. */
static int merge(cJSON *into, cJSON *extra)
{
    int result = 0;
    while (extra->child != NULL && result == 0) {
        cJSON *member = cJSON_DetachItemViaPointer(extra, extra->child);
        cJSON *present = json_object(into, member->string);
        if (present != NULL && cJSON_IsObject(member)) {
            result = merge(present, member);
            continue;
        }
        char *name = member->string;
        member->string = NULL;
        cJSON_DeleteItemFromObjectCaseSensitive(into, name);
        result = json_add(into, name, member);
        cJSON_free(name);
    }
    json_free(extra);
    return result;
}

static int add_extra(cJSON *body, const struct config_model *model, struct error *error)
{
    if (model->extra_body == NULL)
        return 0;
    cJSON *extra = json_parse_object(model->extra_body, strlen(model->extra_body), error);
    if (extra == NULL)
        return error_prefix(error, "extra_body: ");
    return merge(body, extra) < 0 ? error_set(error, "out of memory") : 0;
}

/* The whole. */

static int move_member(cJSON *body, cJSON *line, const char *key)
{
    return json_add(body, key, cJSON_DetachItemFromObjectCaseSensitive(line, key));
}

static int add_conversation(cJSON *body, cJSON *line, const struct config_model *model,
    const char *model_name, struct error *error)
{
    const cJSON *tools = json_array(line, "tools");
    cJSON *messages = json_array(line, "messages");
    if (messages == NULL || messages->child == NULL)
        return error_set(error, "a request needs a list of messages");
    if (settle_messages(messages, model) < 0 || json_add_string(body, "model", model_name) < 0 ||
        move_member(body, line, "messages") < 0 ||
        /* An empty list is refused by strict servers. */
        (tools != NULL && tools->child != NULL && move_member(body, line, "tools") < 0) ||
        json_add_boolean(body, "stream", true) < 0 || add_settings(body, line, model) < 0)
        return error_set(error, "out of memory");
    return add_extra(body, model, error);
}

/* Print the tree, and behind it the option that may have to be taken out again. */
static int print(struct request_body *body, const cJSON *tree, bool usage)
{
    usage =
        usage && json_boolean(tree, "stream", false) && json_get(tree, "stream_options") == NULL;
    buffer_clear(&body->text);
    if (json_append(&body->text, tree) < 0)
        return -1;
    body->bare_length = body->text.length - 1;
    if (!usage)
        return 0;
    buffer_truncate(&body->text, body->bare_length);
    return buffer_append_text(&body->text, usage_option);
}

int request_build(struct request_body *body, cJSON *line, const struct config_model *model,
    const char *model_name, bool usage, struct error *error)
{
    cJSON *tree = cJSON_CreateObject();
    int result = -1;
    if (tree == NULL)
        return error_set(error, "out of memory");
    if (add_conversation(tree, line, model, model_name, error) == 0) {
        result = print(body, tree, usage);
        if (result < 0)
            error_set(error, "the request is too large");
    }
    json_free(tree);
    return result;
}

void request_without_usage(struct request_body *body)
{
    buffer_truncate(&body->text, body->bare_length);
    buffer_append_byte(&body->text, '}'); /* there is room: the text was longer */
}
