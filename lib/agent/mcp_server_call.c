/* Calls of a server's tools: waiting for it, under way, given up. */
#include "agent/mcp_server_internal.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "data/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROGRESS_MS = 100,    /* between two reports of one call: a person reads them */
    PROGRESS_SHOWN = 300, /* bytes of one */
    RETRIES_MOST = 3,     /* that a server may ask for */
};

static void unlink_call(struct mcp_call *call)
{
    struct mcp_call **at = &call->server->calls;
    while (*at != NULL && *at != call)
        at = &(*at)->next;
    if (*at != NULL)
        *at = call->next;
}

static void free_call(struct mcp_call *call)
{
    loop_timer_cancel(call->server->host->loop, &call->timer);
    unlink_call(call);
    free((char *)call->request.tool);
    free((char *)call->request.hash);
    json_free((cJSON *)call->request.arguments);
    free(call->state);
    free(call->refusal);
    free(call);
}

/* The call is gone before its owner hears of it, who may do anything then. */
static void finish(struct mcp_call *call, const cJSON *result, const struct error *error)
{
    struct mcp_request request = call->request;
    struct error text;
    if (error != NULL)
        text = *error;
    free_call(call);
    request.done(request.context, result, error != NULL ? &text : NULL);
}

static void finish_error(struct mcp_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void finish_error(struct mcp_call *call, const char *format, ...)
{
    struct error error;
    va_list values;
    va_start(values, format);
    vsnprintf(error.text, sizeof error.text, format, values);
    va_end(values);
    finish(call, NULL, &error);
}

static void tell_cancelled(struct mcp_call *call, const char *reason)
{
    if (call->id == 0 || call->server->state != MCP_READY)
        return;
    cJSON *params = cJSON_CreateObject();
    if (params == NULL || json_add_integer(params, "requestId", call->id) < 0 ||
        json_add_string(params, "reason", reason) < 0) {
        json_free(params);
        return;
    }
    mcp_protocol_notify(call->server, "notifications/cancelled", params);
    mcp_server_flush(call->server);
}

void mcp_call_cancel(struct mcp_call *call, const char *reason)
{
    tell_cancelled(call, reason);
    free_call(call);
}

static void time_is_up(void *context)
{
    struct mcp_call *call = context;
    if (call->refusal != NULL) {
        finish(call, NULL, call->refusal);
        return;
    }
    tell_cancelled(call, "the time for this call is used up");
    finish_error(call,
        call->id != 0 ? "MCP server '%s' did not answer within %g s; the call was cancelled, but "
                        "may have had an effect"
                      : "MCP server '%s' was not ready within %g s",
        call->server->settings->name, call->request.seconds);
}

static cJSON *call_params(const struct mcp_call *call)
{
    cJSON *params = mcp_protocol_params(call->server);
    cJSON *meta = json_object(params, "_meta");
    if (params != NULL && meta == NULL) {
        meta = cJSON_CreateObject();
        if (meta == NULL || !cJSON_AddItemToObject(params, "_meta", meta)) {
            json_free(meta);
            json_free(params);
            return NULL;
        }
    }
    cJSON *arguments = call->request.arguments != NULL
                           ? cJSON_Duplicate(call->request.arguments, true)
                           : cJSON_CreateObject();
    if (params == NULL ||
        /* Ours are numbers, and the next one is this request's. */
        json_add_integer(meta, "progressToken", call->server->last_id + 1) < 0 ||
        json_add_string(params, "name", call->request.tool) < 0 ||
        json_add(params, "arguments", arguments) < 0 ||
        (call->state != NULL && json_add_string(params, "requestState", call->state) < 0)) {
        json_free(params);
        return NULL;
    }
    return params;
}

/* The server is ready: whether the tool is still what somebody decided upon. */
static bool check_tool(struct mcp_call *call)
{
    char hash[MCP_HASH_SIZE];
    const char *server = call->server->settings->name;
    const cJSON *tool = mcp_tools_find(call->server->tools, call->request.tool);
    if (tool == NULL) {
        finish_error(call, "MCP server '%s' has no tool '%.100s'", server, call->request.tool);
        return false;
    }
    if (call->request.hash != NULL &&
        (mcp_tool_hash(hash, tool) < 0 || strcmp(hash, call->request.hash) != 0)) {
        finish_error(call,
            "not called: MCP server '%s' has changed the description or the parameters of "
            "'%.100s' since it was offered; a new session offers what it is now",
            server, call->request.tool);
        return false;
    }
    return true;
}

static void send_call(struct mcp_call *call)
{
    static const char method[] = "tools/call";
    if (call->request.tool == NULL) {
        finish(call, NULL, NULL);
        return;
    }
    if (!check_tool(call))
        return;
    cJSON *params = call_params(call);
    call->id = mcp_protocol_request(call->server, method, params);
}

void mcp_calls_ready(struct mcp_server *server)
{
    /* A call may end others while it is sent: begin anew each time. */
    for (bool again = true; again && server->state == MCP_READY;) {
        again = false;
        for (struct mcp_call *call = server->calls; call != NULL; call = call->next) {
            if (call->id == 0 && call->refusal == NULL) {
                send_call(call);
                again = true;
                break;
            }
        }
    }
}

void mcp_calls_fail(struct mcp_server *server, const struct error *error)
{
    struct error text = *error;
    while (server->calls != NULL) {
        struct mcp_call *call = server->calls;
        if (call->id != 0)
            finish_error(call, "%s; the call was under way and may have had an effect", text.text);
        else
            finish(call, NULL, call->refusal != NULL ? call->refusal : &text);
    }
}

static struct mcp_call *find_call(const struct mcp_server *server, int64_t id)
{
    struct mcp_call *call = server->calls;
    while (call != NULL && (call->id != id || id == 0))
        call = call->next;
    return call;
}

/* "input_required": without questions it only wants to be asked again. */
static void ask_again(struct mcp_call *call, const cJSON *result)
{
    const char *state = json_string(result, "requestState");
    const cJSON *questions = json_object(result, "inputRequests");
    if (questions != NULL && questions->child != NULL) {
        const char *method = json_string(questions->child, "method");
        finish_error(call, "MCP server '%s' asks for %.80s, which is not supported",
            call->server->settings->name, method != NULL ? method : "input");
        return;
    }
    if (state == NULL || ++call->retries > RETRIES_MOST) {
        finish_error(
            call, "MCP server '%s' does not complete the call", call->server->settings->name);
        return;
    }
    free(call->state);
    call->state = strdup(state);
    send_call(call);
}

bool mcp_calls_answer(struct mcp_server *server, const struct mcp_message *message)
{
    int64_t id;
    struct mcp_call *call = mcp_message_number(message, &id) ? find_call(server, id) : NULL;
    if (call == NULL)
        return false;
    if (message->kind == MCP_ERROR) {
        finish_error(call, "MCP server '%s' refused the call: %.600s (%" PRId64 ")",
            server->settings->name, message->text, message->code);
        return true;
    }
    const char *type = json_string(message->result, "resultType");
    if (type == NULL || strcmp(type, "complete") == 0) {
        server->failures = 0;
        finish(call, message->result, NULL);
    } else if (strcmp(type, "input_required") == 0) {
        ask_again(call, message->result);
    } else {
        finish_error(call, "MCP server '%s' sent a result of type '%.60s', which is not known here",
            server->settings->name, type);
    }
    return true;
}

void mcp_calls_progress(struct mcp_server *server, const cJSON *params)
{
    int64_t token, now = clock_monotonic_ms();
    double progress = 0, total;
    struct mcp_call *call =
        json_integer(params, "progressToken", &token) ? find_call(server, token) : NULL;
    if (call == NULL || call->request.progress == NULL || now < call->next_progress)
        return;
    call->next_progress = now + PROGRESS_MS;
    char text[PROGRESS_SHOWN + 128];
    const char *message = json_string(params, "message");
    int length = 0;
    if (json_number(params, "progress", &progress))
        length = json_number(params, "total", &total)
                     ? snprintf(text, sizeof text, "%g of %g", progress, total)
                     : snprintf(text, sizeof text, "%g", progress);
    snprintf(text + length, sizeof text - (size_t)length, "%s%.*s",
        length > 0 && message != NULL ? ": " : "", PROGRESS_SHOWN, message != NULL ? message : "");
    call->request.progress(call->request.context, text);
}

static struct mcp_call *new_call(struct mcp_server *server, const struct mcp_request *request)
{
    struct mcp_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->server = server;
    call->request = *request;
    call->request.tool = request->tool != NULL ? strdup(request->tool) : NULL;
    call->request.hash = request->hash != NULL ? strdup(request->hash) : NULL;
    call->request.arguments =
        request->arguments != NULL ? cJSON_Duplicate(request->arguments, true) : NULL;
    call->timer.call = time_is_up;
    call->timer.context = call;
    if ((request->tool != NULL && call->request.tool == NULL) ||
        (request->hash != NULL && call->request.hash == NULL) ||
        (request->arguments != NULL && call->request.arguments == NULL)) {
        free_call(call);
        return NULL;
    }
    struct mcp_call **at = &server->calls;
    while (*at != NULL)
        at = &(*at)->next;
    *at = call;
    return call;
}

static void send_due(void *context)
{
    struct mcp_call *call = context;
    struct mcp_server *server = call->server;
    call->timer.call = time_is_up;
    loop_timer_set(server->host->loop, &call->timer,
        clock_monotonic_ms() + (int64_t)(call->request.seconds * 1000));
    if (server->state == MCP_READY)
        mcp_calls_ready(server);
}

struct mcp_call *mcp_server_request(struct mcp_server *server, const struct mcp_request *request)
{
    struct mcp_call *call = new_call(server, request);
    struct error error;
    if (call == NULL)
        return NULL;
    if (mcp_server_want(server, &error) < 0) {
        if ((call->refusal = malloc(sizeof *call->refusal)) == NULL) {
            free_call(call);
            return NULL;
        }
        *call->refusal = error;
    } else {
        call->timer.call = send_due;
    }
    /* From the loop: done is not called before the caller knows the call. */
    loop_timer_set(server->host->loop, &call->timer, clock_monotonic_ms());
    return call;
}

/* For people. */

static const char *state_word(enum mcp_state state)
{
    static const char *const words[] = {"not started", "starting", "ready", "failed"};
    return words[state];
}

int mcp_server_describe(struct mcp_server *server, cJSON *object)
{
    struct buffer tail;
    int64_t calls = 0;
    mcp_server_hear(server);
    for (const struct mcp_call *call = server->calls; call != NULL; call = call->next)
        calls += call->request.tool != NULL;
    int result = 0;
    result |= json_add_string(object, "name", server->settings->name);
    result |= json_add_string(
        object, "state", server->settings->enabled ? state_word(server->state) : "disabled");
    if (server->state == MCP_READY) {
        result |= json_add_string(object, "protocol", server->version);
        result |= json_add_string(object, "server", server->name);
        result |= json_add_integer(object, "tools", cJSON_GetArraySize(server->tools));
        result |= json_add_integer(object, "pid", server->process.pid);
    }
    result |= json_add_integer(object, "starts", server->starts);
    result |= json_add_integer(object, "calls", calls);
    if (server->last_error.text[0] != '\0')
        result |= json_add_string(object, "error", server->last_error.text);
    int64_t wait = server->not_before - clock_monotonic_ms();
    if (server->state == MCP_FAILED && wait > 0)
        result |= json_add_integer(object, "retry_ms", wait);
    char words[MCP_TAIL_SIZE];
    for (size_t i = 0; i < server->tail_length; i++)
        words[i] = server->tail[i] != '\0' ? server->tail[i] : ' ';
    buffer_init(&tail, MCP_TAIL_SIZE * 8);
    if (server->tail_length > 0 && json_append_string(&tail, words, server->tail_length) == 0)
        result |= json_add(object, "stderr", json_parse(tail.data, tail.length, NULL));
    buffer_release(&tail);
    return result;
}
