/* show: a session with all that was said. */
#include "data/store_message.h"
#include "data/store_usage.h"
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_content(const cJSON *message)
{
    const char *text = json_string(message, "content");
    if (text != NULL)
        columns_print_text(text, strlen(text), "    ");
    const cJSON *part = NULL;
    cJSON_ArrayForEach(part, json_array(message, "content"))
    {
        text = json_string(part, "text");
        if (text != NULL)
            columns_print_text(text, strlen(text), "    ");
        else
            printf("    (a part that is no text)\n");
    }
}

static void print_calls(const cJSON *message)
{
    const cJSON *call = NULL;
    cJSON_ArrayForEach(call, json_array(message, "tool_calls"))
    {
        const cJSON *function = json_object(call, "function");
        const char *name = json_string(function, "name");
        const char *arguments = json_string(function, "arguments");
        columns_print_text(name != NULL ? name : "?", name != NULL ? strlen(name) : 1, "  > ");
        if (arguments != NULL)
            columns_print_text(arguments, strlen(arguments), "    ");
    }
}

static int print_message(void *context, const struct store_message *message, struct error *error)
{
    (void)context;
    cJSON *tree = json_parse_object(message->json, message->length, error);
    if (tree == NULL)
        return error_prefix(error, "message %" PRId64, message->id);
    const char *role = json_string(tree, "role");
    printf("\n%.19s  turn %" PRId64 "  %s%s%s%s\n", message->timestamp, message->turn,
        role != NULL ? role : "?", message->tool_name != NULL ? " (" : "",
        message->tool_name != NULL ? message->tool_name : "",
        message->tool_name != NULL ? ")" : "");
    print_content(tree);
    print_calls(tree);
    json_free(tree);
    return 0;
}

/* The message itself goes out byte for byte, as it was sent. */
static int print_message_json(
    void *context, const struct store_message *message, struct error *error)
{
    (void)context;
    (void)error;
    cJSON *tool =
        message->tool_name != NULL ? cJSON_CreateString(message->tool_name) : cJSON_CreateNull();
    char *name = tool != NULL ? cJSON_PrintUnformatted(tool) : NULL;
    if (name == NULL)
        die(EXIT_SYSTEM, "out of memory");
    printf("{\"type\":\"message\",\"id\":%" PRId64 ",\"turn\":%" PRId64
           ",\"timestamp\":\"%s\",\"tool_name\":%s,\"message\":",
        message->id, message->turn, message->timestamp, name);
    fwrite(message->json, 1, message->length, stdout);
    puts("}");
    free(name);
    json_free(tool);
    return 0;
}

static void print_line(const char *word, const char *text)
{
    if (text == NULL)
        return;
    printf("%-10s", word);
    columns_print_text(text, strcspn(text, "\n"), "");
}

static void print_head(const struct request *request, const struct store_session *session)
{
    struct store_usage_total total = {0};
    struct error error;
    print_line("session", session->session_id);
    print_line("name", session->alias);
    print_line("title", session->title);
    print_line("agent of", session->parent_session);
    print_line("directory", session->directory);
    print_line("model", session->model);
    print_line("created", session->created);
    print_line("updated", session->updated);
    if (store_session_is_locked(request->store, session->id))
        printf("%-10sby process %" PRId64 "\n", "in use", session->pid);
    if (store_usage_sum(request->store, session->session_id, &total, &error) < 0)
        store_failed(&error);
    if (total.calls > 0)
        printf("%-10s%" PRId64 " tokens in %" PRId64 " model calls\n", "usage", total.total_tokens,
            total.calls);
}

static void print_head_json(const struct request *request, const struct store_session *session)
{
    struct store_usage_total total = {0};
    struct error error;
    cJSON *object = describe_session(request, session);
    if (store_usage_sum(request->store, session->session_id, &total, &error) < 0)
        store_failed(&error);
    if (object == NULL || json_add_string(object, "type", "session") < 0 ||
        json_add_integer(object, "model_calls", total.calls) < 0 ||
        json_add_integer(object, "prompt_tokens", total.prompt_tokens) < 0 ||
        json_add_integer(object, "completion_tokens", total.completion_tokens) < 0 ||
        json_add_integer(object, "total_tokens", total.total_tokens) < 0)
        die(EXIT_SYSTEM, "out of memory");
    print_object(object);
}

int show_session(const struct request *request)
{
    struct store_session session;
    struct error error;
    require_session(request, request->operands[0], &session);
    (request->json ? print_head_json : print_head)(request, &session);
    if (store_message_load(request->store, session.session_id,
            request->json ? print_message_json : print_message, NULL, &error) < 0)
        store_failed(&error);
    store_session_release(&session);
    return EXIT_DONE;
}
