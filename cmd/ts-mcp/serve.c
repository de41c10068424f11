#include "serve.h"

#include "agent/project_tools.h"
#include "base/buffer.h"
#include "common/mcp_tools.h"
#include "common/program.h"
#include "data/json.h"
#include "mcp.h"
#include "version.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PARSE_ERROR = -32700,
    INVALID_REQUEST = -32600,
    MESSAGE_MOST = 32 << 20, /* bytes of what we say: a result of 8 MiB, every byte escaped */
    NAMES_MOST = 64 << 10,
};

/* The newest first. Revision 2026-07-28, which has no initialize, is not served. */
static const char *const versions[] = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};

/* Output. */

static void put(struct serve *serve, const struct buffer *line, int result)
{
    if (result < 0 || line_writer_put(&serve->output, line->data, line->length) < 0)
        die(EXIT_SYSTEM, "answer a request: %s", strerror(errno));
}

void serve_result(struct serve *serve, const cJSON *id, cJSON *result)
{
    struct buffer line;
    if (result == NULL)
        die(EXIT_SYSTEM, "out of memory");
    buffer_init(&line, MESSAGE_MOST);
    put(serve, &line, mcp_append_result(&line, id, result));
    buffer_release(&line);
    json_free(result);
}

void serve_error(struct serve *serve, const cJSON *id, int code, const char *text)
{
    struct buffer line;
    buffer_init(&line, MESSAGE_MOST);
    put(serve, &line, mcp_append_error(&line, id, code, text));
    buffer_release(&line);
}

void serve_notify(struct serve *serve, const char *method, cJSON *params)
{
    struct buffer line;
    buffer_init(&line, MESSAGE_MOST);
    put(serve, &line, params == NULL ? -1 : mcp_append_notification(&line, method, params));
    buffer_release(&line);
    json_free(params);
}

/* Greeting, and what there is. Each result is NULL when memory is short. */

static cJSON *checked(cJSON *tree, bool failed)
{
    if (tree != NULL && !failed)
        return tree;
    json_free(tree);
    return NULL;
}

static cJSON *greeting(const cJSON *params)
{
    const char *wanted = json_string(params, "protocolVersion");
    const char *version = versions[0];
    for (size_t i = 0; wanted != NULL && i < sizeof versions / sizeof versions[0]; i++) {
        if (strcmp(wanted, versions[i]) == 0)
            version = versions[i];
    }
    cJSON *result = cJSON_CreateObject();
    cJSON *info = cJSON_CreateObject(), *capabilities = cJSON_CreateObject();
    info = checked(info, json_add_string(info, "name", "turnstone") < 0 ||
                             json_add_string(info, "version", TURNSTONE_VERSION) < 0);
    capabilities = checked(capabilities, json_add(capabilities, "tools", cJSON_CreateObject()) < 0);
    bool failed = json_add_string(result, "protocolVersion", version) < 0;
    failed = json_add(result, "capabilities", capabilities) < 0 || failed;
    failed = json_add(result, "serverInfo", info) < 0 || failed;
    return checked(result, failed);
}

static cJSON *describe(const struct tool_definition *tool)
{
    const cJSON *schema = tool->wire_parameters != NULL ? tool->wire_parameters : tool->parameters;
    cJSON *entry = cJSON_CreateObject(), *hints = cJSON_CreateObject();
    hints = checked(hints, json_add_boolean(hints, "readOnlyHint", tool->read_only) < 0 ||
                               json_add_boolean(hints, "destructiveHint", !tool->read_only) < 0 ||
                               json_add_boolean(hints, "openWorldHint", tool->network) < 0);
    bool failed = json_add_string(entry, "name", tool->name) < 0 ||
                  json_add_string(entry, "description", tool->description) < 0 ||
                  json_add(entry, "inputSchema", cJSON_Duplicate(schema, true)) < 0;
    failed = json_add(entry, "annotations", hints) < 0 || failed;
    return checked(entry, failed);
}

static cJSON *list_tools(const struct serve *serve)
{
    cJSON *result = cJSON_CreateObject(), *list = cJSON_CreateArray();
    bool failed = list == NULL;
    for (size_t i = 0; i < serve->tools.count && !failed; i++) {
        cJSON *entry = describe(&serve->tools.tools[i]);
        failed = entry == NULL || !cJSON_AddItemToArray(list, entry);
    }
    return checked(result, json_add(result, "tools", list) < 0 || failed);
}

/* Messages. */

static void take_request(struct serve *serve, const struct mcp_message *message)
{
    const char *method = message->method;
    char text[160];
    if (strcmp(method, "initialize") == 0) {
        serve_result(serve, message->id, greeting(message->params));
    } else if (strcmp(method, "ping") == 0) {
        serve_result(serve, message->id, cJSON_CreateObject());
    } else if (strcmp(method, "tools/list") == 0) {
        if (json_get(message->params, "cursor") != NULL)
            serve_error(serve, message->id, MCP_INVALID_PARAMS, "the list has one page");
        else
            serve_result(serve, message->id, list_tools(serve));
    } else if (strcmp(method, "tools/call") == 0) {
        serve_call(serve, message->id, message->params);
    } else {
        snprintf(text, sizeof text, "there is no method '%.100s' here", method);
        serve_error(serve, message->id, MCP_METHOD_NOT_FOUND, text);
    }
}

static void take_message(struct serve *serve, const cJSON *tree)
{
    struct mcp_message message;
    struct error error;
    if (mcp_message_read(tree, &message, &error) < 0)
        serve_error(serve, NULL, INVALID_REQUEST, error.text);
    else if (message.kind == MCP_REQUEST)
        take_request(serve, &message);
    else if (message.kind == MCP_NOTIFICATION &&
             strcmp(message.method, "notifications/cancelled") == 0)
        serve_cancel(serve, json_get(message.params, "requestId"));
    /* Of other notifications, and of answers, since we ask nothing, there is nothing to do. */
}

static void take_line(struct serve *serve, const char *line, size_t length)
{
    struct error error;
    const cJSON *item;
    if (strspn(line, " \t\r") == length)
        return;
    cJSON *tree = json_parse(line, length, &error);
    if (tree == NULL)
        serve_error(serve, NULL, PARSE_ERROR, error.text);
    else if (!cJSON_IsArray(tree))
        take_message(serve, tree);
    else if (tree->child == NULL)
        serve_error(serve, NULL, INVALID_REQUEST, "a list of messages must hold one");
    else
        /* Version 2025-03-26 alone has these; every answer is a line all the same. */
        cJSON_ArrayForEach(item, tree) take_message(serve, item);
    json_free(tree);
}

/* The loop. */

static size_t queued(const struct serve *serve)
{
    return serve->output.queue.length - serve->output.sent;
}

static void input_ready(void *context, short events)
{
    struct serve *serve = context;
    char *line;
    size_t length;
    enum line_status status;
    (void)events;
    ssize_t got = line_reader_fill(&serve->input);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got < 0)
        warn("read stdin: %s", strerror(errno));
    while ((status = line_reader_next(&serve->input, &line, &length)) != LINE_NONE) {
        if (status == LINE_READY)
            take_line(serve, line, length);
        else
            serve_error(serve, NULL, INVALID_REQUEST, "a message is longer than 8 MiB");
    }
    if (got < 0 || serve->input.ended) {
        serve->input_ended = true;
        loop_unwatch(serve->loop, STDIN_FILENO);
    }
}

static void output_lost(struct serve *serve, int reason)
{
    serve->lost = reason;
    loop_stop(serve->loop);
}

static void output_ready(void *context, short events)
{
    if ((events & POLLERR) != 0)
        output_lost(context, EPIPE);
}

/* A client that asks faster than it reads is not read either. */
static void hold(struct serve *serve)
{
    bool held = queued(serve) > SERVE_OUTPUT_HIGH;
    if (held == serve->held)
        return;
    serve->held = held;
    line_channel_pause(&serve->pipeline, held);
    if (!serve->input_ended &&
        loop_watch(serve->loop, STDIN_FILENO, held ? 0 : POLLIN, input_ready, serve) < 0)
        die(EXIT_SYSTEM, "out of memory");
}

static void before_wait(void *context)
{
    struct serve *serve = context;
    if (line_writer_flush(&serve->output) < 0) {
        output_lost(serve, errno);
        return;
    }
    hold(serve);
    line_channel_flush(&serve->pipeline);
    bool waiting = line_writer_waiting(&serve->output);
    if (loop_watch(serve->loop, STDOUT_FILENO, waiting ? POLLOUT : 0, output_ready, serve) < 0)
        die(EXIT_SYSTEM, "out of memory");
    if (serve->input_ended && !waiting)
        loop_stop(serve->loop);
}

static void signalled(void *context, int signal)
{
    struct serve *serve = context;
    serve->signal = signal;
    loop_stop(serve->loop);
}

/* The beginning. */

/* Agents would ask a model, and other servers' tools are not ours to give: both only by name. */
static bool is_offered(const struct serve *serve, const struct tool_definition *tool)
{
    const struct config *config = serve->config;
    bool searches = config_text(config, "search.command") != NULL ||
                    config_text(config, "search.url") != NULL ||
                    config_text(config, "api.tavily_key") != NULL;
    return tool->starts_agent == TOOL_GROUP_ALL && strncmp(tool->name, "mcp__", 5) != 0 &&
           ((tool->needs & TOOL_NEEDS_SEARCH) == 0 || searches);
}

static void load_tools(struct serve *serve, const char *wanted)
{
    struct error error;
    struct buffer names;
    const char *project = getenv("TS_PROJECT"), *directory = project != NULL ? project : ".";
    if (tool_set_load(&serve->tools, config_text(serve->config, "tools.tools_dir"), &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
    if (project_tools_add(&serve->tools, directory, NULL, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    if (wanted != NULL &&
        mcp_tools_load(&serve->tools, serve->config, wanted, NULL, NULL, NULL, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
    buffer_init(&names, NAMES_MOST);
    for (size_t i = 0; i < serve->tools.count && wanted == NULL; i++) {
        if (is_offered(serve, &serve->tools.tools[i]) &&
            buffer_printf(&names, "%s%s", names.length > 0 ? "," : "", serve->tools.tools[i].name) <
                0)
            die(EXIT_SYSTEM, "name the tools: %s", strerror(errno));
    }
    const char *list = wanted != NULL ? wanted : names.length > 0 ? names.data : "none";
    if (tool_set_keep(&serve->tools, list, &error) < 0)
        die_usage("--tools: %s", error.text);
    serve->names = strdup(list);
    if (serve->names == NULL)
        die(EXIT_SYSTEM, "out of memory");
    buffer_release(&names);
}

static void start(struct serve *serve)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, 0};
    struct error error;
    serve->loop = loop_new();
    if (serve->loop == NULL ||
        loop_watch(serve->loop, STDIN_FILENO, POLLIN, input_ready, serve) < 0)
        die(EXIT_SYSTEM, "out of memory");
    if (loop_signals(serve->loop, signals, signalled, serve, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    line_reader_init(&serve->input, STDIN_FILENO, LINE_LIMIT);
    line_writer_init(&serve->output, STDOUT_FILENO);
    loop_before_wait(serve->loop, before_wait, serve);
}

int command_serve(const struct request *request)
{
    static struct serve serve;
    struct error error;
    if (request->operands[0] != NULL)
        die_usage("unexpected operand '%s'", request->operands[0]);
    serve.config = request->config;
    load_tools(&serve, request->tools);
    start(&serve);
    if (loop_run(serve.loop, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    serve_call_end(&serve);
    line_reader_release(&serve.input);
    line_writer_release(&serve.output);
    tool_set_release(&serve.tools);
    loop_free(serve.loop);
    free(serve.names);
    if (serve.lost != 0) {
        errno = serve.lost;
        die_output();
    }
    if (serve.signal != 0)
        return serve.signal == SIGINT ? EXIT_INTERRUPTED : EXIT_TERMINATED;
    return EXIT_DONE;
}
