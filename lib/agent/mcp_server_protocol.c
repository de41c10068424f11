/* What is said to a server beside calls: greeting, list of tools, its own questions. */
#include "agent/mcp_server_internal.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "data/json.h"
#include "version.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROBE_MS = 2000,       /* for an answer to server/discover; an older server may stay silent */
    PAGES_MOST = 64,       /* of a list */
    GARBAGE_MOST = 1000,   /* lines that are no messages, before a server is given up */
    GARBAGE_SHOWN = 200,   /* bytes of one such line in the log */
    QUEUE_MOST = 32 << 20, /* bytes that wait for a server that does not read */
};

/* The newest first: what we ask for, and what we take. */
static const char *const legacy_versions[] = {
    "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};
static const char modern_version[] = "2026-07-28";

static const char meta_version[] = "io.modelcontextprotocol/protocolVersion";
static const char meta_client[] = "io.modelcontextprotocol/clientInfo";
static const char meta_capabilities[] = "io.modelcontextprotocol/clientCapabilities";

static void initialize(struct mcp_server *server);

/* Sending. */

static void send_line(struct mcp_server *server, const struct buffer *text, int result)
{
    struct line_channel *channel = &server->channel;
    if (result < 0 || line_channel_send(channel, text->data, text->length) < 0)
        return; /* the end of the server tells, or the time that is set */
    if (channel->writer.queue.length - channel->writer.sent > QUEUE_MOST)
        mcp_server_overloaded(server);
}

static cJSON *client_info(void)
{
    cJSON *info = cJSON_CreateObject();
    if (info != NULL && json_add_string(info, "name", "turnstone") == 0 &&
        json_add_string(info, "version", TURNSTONE_VERSION) == 0)
        return info;
    json_free(info);
    return NULL;
}

cJSON *mcp_protocol_params(const struct mcp_server *server)
{
    cJSON *params = cJSON_CreateObject();
    if (params == NULL || !server->modern)
        return params;
    cJSON *meta = cJSON_CreateObject();
    if (meta == NULL || json_add_string(meta, meta_version, server->version) < 0 ||
        json_add(meta, meta_client, client_info()) < 0 ||
        json_add(meta, meta_capabilities, cJSON_CreateObject()) < 0) {
        json_free(meta);
        meta = NULL;
    }
    if (json_add(params, "_meta", meta) == 0)
        return params;
    json_free(params);
    return NULL;
}

int64_t mcp_protocol_request(struct mcp_server *server, const char *method, cJSON *params)
{
    struct buffer text;
    buffer_init(&text, MCP_LINE_LIMIT);
    int64_t id = ++server->last_id;
    send_line(server, &text, params == NULL ? -1 : mcp_append_request(&text, id, method, params));
    buffer_release(&text);
    json_free(params);
    return id;
}

void mcp_protocol_notify(struct mcp_server *server, const char *method, cJSON *params)
{
    struct buffer text;
    buffer_init(&text, MCP_LINE_LIMIT);
    send_line(server, &text, mcp_append_notification(&text, method, params));
    buffer_release(&text);
    json_free(params);
}

/* Steps. */

static void step_overdue(void *context)
{
    struct mcp_server *server = context;
    static const char *const words[] = {"", "server/discover", "initialize", "tools/list"};
    if (server->step == MCP_STEP_DISCOVER) {
        initialize(server);
        return;
    }
    const char *method = words[server->step];
    if (server->state == MCP_READY) {
        /* What it offered before still holds. */
        server->step = MCP_STEP_NONE;
        mcp_server_note(server, "did not answer %s in time", method);
        return;
    }
    mcp_server_fail(
        server, "did not answer %s within %g s of its start", method, server->host->start_timeout);
}

static void take_step(struct mcp_server *server, enum mcp_step step, const char *method,
    cJSON *params, int64_t deadline)
{
    server->step = step;
    server->step_timer.call = step_overdue;
    server->step_timer.context = server;
    loop_timer_set(server->host->loop, &server->step_timer, deadline);
    server->step_id = mcp_protocol_request(server, method, params);
}

static int64_t start_deadline(const struct mcp_server *server)
{
    int64_t time = (int64_t)(server->host->start_timeout * 1000);
    return (server->state == MCP_READY ? clock_monotonic_ms() : server->started) + time;
}

void mcp_protocol_reset(struct mcp_server *server)
{
    loop_timer_cancel(server->host->loop, &server->step_timer);
    server->step = MCP_STEP_NONE;
    server->step_id = 0;
    server->discover_id = 0;
    server->listen_id = 0;
    server->list_again = false;
    json_free(server->collecting);
    server->collecting = NULL;
}

void mcp_protocol_begin(struct mcp_server *server)
{
    int64_t probe = clock_monotonic_ms() + PROBE_MS;
    int64_t whole = start_deadline(server);
    if (server->legacy_known) {
        initialize(server);
        return;
    }
    server->modern = true;
    snprintf(server->version, sizeof server->version, "%s", modern_version);
    take_step(server, MCP_STEP_DISCOVER, "server/discover", mcp_protocol_params(server),
        probe < whole ? probe : whole);
    server->discover_id = server->step_id;
}

static void initialize(struct mcp_server *server)
{
    server->modern = false;
    server->legacy_known = true;
    cJSON *params = cJSON_CreateObject();
    cJSON *capabilities = cJSON_CreateObject();
    if (params == NULL || json_add_string(params, "protocolVersion", legacy_versions[0]) < 0 ||
        capabilities == NULL || json_add(capabilities, "roots", cJSON_CreateObject()) < 0 ||
        json_add(params, "clientInfo", client_info()) < 0) {
        json_free(capabilities);
        capabilities = NULL;
    }
    if (json_add(params, "capabilities", capabilities) < 0) {
        json_free(params);
        params = NULL;
    }
    take_step(server, MCP_STEP_INITIALIZE, "initialize", params, start_deadline(server));
}

static void keep_server_info(struct mcp_server *server, const cJSON *info)
{
    const char *name = json_string(info, "name");
    const char *version = json_string(info, "version");
    snprintf(server->name, sizeof server->name, "%s%s%s", name != NULL ? name : "",
        version != NULL ? " " : "", version != NULL ? version : "");
}

static void list_page(struct mcp_server *server, const char *cursor)
{
    cJSON *params = mcp_protocol_params(server);
    if (cursor != NULL && json_add_string(params, "cursor", cursor) < 0) {
        json_free(params);
        params = NULL;
    }
    take_step(server, MCP_STEP_LIST, "tools/list", params, start_deadline(server));
}

static void tools_complete(struct mcp_server *server)
{
    cJSON *before = server->tools;
    loop_timer_cancel(server->host->loop, &server->step_timer);
    server->step = MCP_STEP_NONE;
    server->tools = server->collecting;
    server->collecting = NULL;
    bool first = server->state != MCP_READY;
    if (server->host->tools_known != NULL)
        server->host->tools_known(server->host->context, server, before);
    json_free(before);
    if (first)
        mcp_server_became_ready(server);
    if (server->list_again && server->state == MCP_READY)
        mcp_protocol_list(server);
}

void mcp_protocol_list(struct mcp_server *server)
{
    if (server->step == MCP_STEP_LIST) {
        server->list_again = true;
        return;
    }
    server->list_again = false;
    server->pages = 0;
    json_free(server->collecting);
    server->collecting = cJSON_CreateArray();
    if (server->collecting == NULL)
        mcp_server_fail(server, "could not be listed: out of memory");
    else if (server->has_tools)
        list_page(server, NULL);
    else
        tools_complete(server);
}

/* Greeted. */
static void begin_listing(struct mcp_server *server, const cJSON *capabilities)
{
    const cJSON *tools = json_object(capabilities, "tools");
    server->has_tools = tools != NULL;
    if (server->modern && json_boolean(tools, "listChanged", false)) {
        cJSON *params = mcp_protocol_params(server);
        cJSON *wanted = cJSON_CreateObject();
        if (wanted != NULL && json_add_boolean(wanted, "toolsListChanged", true) == 0 &&
            json_add(params, "notifications", wanted) == 0)
            server->listen_id = mcp_protocol_request(server, "subscriptions/listen", params);
        else
            json_free(params);
    }
    server->step = MCP_STEP_NONE;
    mcp_protocol_list(server);
}

static bool is_listed(const cJSON *list, const char *word)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsString(item) && strcmp(item->valuestring, word) == 0)
            return true;
    }
    return false;
}

static void discovered(struct mcp_server *server, const struct mcp_message *message)
{
    if (message->kind == MCP_ERROR && message->code != MCP_UNSUPPORTED_VERSION) {
        if (server->step == MCP_STEP_DISCOVER)
            initialize(server);
        return;
    }
    const cJSON *versions = json_array(message->kind == MCP_ERROR ? message->data : message->result,
        message->kind == MCP_ERROR ? "supported" : "supportedVersions");
    if (!is_listed(versions, modern_version)) {
        /* A server of both eras says so by naming an older version too. */
        if (server->step == MCP_STEP_DISCOVER)
            initialize(server);
        return;
    }
    server->modern = true;
    server->legacy_known = false;
    server->discover_id = 0;
    snprintf(server->version, sizeof server->version, "%s", modern_version);
    const cJSON *info = json_object(message->result, "serverInfo");
    if (info == NULL)
        info = json_object(
            json_object(message->result, "_meta"), "io.modelcontextprotocol/serverInfo");
    keep_server_info(server, info);
    begin_listing(server, json_object(message->result, "capabilities"));
}

static void initialized(struct mcp_server *server, const struct mcp_message *message)
{
    if (message->kind == MCP_ERROR) {
        mcp_server_fail(server, "refused to be initialized: %.300s", message->text);
        return;
    }
    const char *version = json_string(message->result, "protocolVersion");
    bool known = false;
    for (size_t i = 0; i < sizeof legacy_versions / sizeof legacy_versions[0]; i++)
        known = known || (version != NULL && strcmp(version, legacy_versions[i]) == 0);
    if (!known) {
        mcp_server_fail(server,
            "speaks version '%.60s' of the protocol; known here are %s and %s to %s",
            version != NULL ? version : "", modern_version, legacy_versions[0],
            legacy_versions[sizeof legacy_versions / sizeof legacy_versions[0] - 1]);
        return;
    }
    snprintf(server->version, sizeof server->version, "%s", version);
    keep_server_info(server, json_object(message->result, "serverInfo"));
    mcp_protocol_notify(server, "notifications/initialized", NULL);
    begin_listing(server, json_object(message->result, "capabilities"));
}

static void note_tool(void *context, const char *text)
{
    mcp_server_note(context, "%s", text);
}

static void listed(struct mcp_server *server, const struct mcp_message *message)
{
    struct error error;
    const cJSON *page = json_array(message->result, "tools");
    const char *cursor = json_string(message->result, "nextCursor");
    if (message->kind == MCP_ERROR) {
        mcp_server_fail(server, "refused to list its tools: %.300s", message->text);
    } else if (page == NULL) {
        mcp_server_fail(server, "sent a list of tools that is none");
    } else if (mcp_tools_add(server->collecting, page, note_tool, server, &error) < 0) {
        mcp_server_fail(server, "could not be listed: %s", error.text);
    } else if (cursor == NULL || cursor[0] == '\0') {
        tools_complete(server);
    } else if (++server->pages == PAGES_MOST) {
        mcp_server_note(
            server, "sends a list of tools without end; the first %d pages are taken", PAGES_MOST);
        tools_complete(server);
    } else {
        list_page(server, cursor);
    }
}

/* Its own questions. */

static cJSON *roots(const struct mcp_server *server)
{
    struct buffer uri;
    const char *slash = strrchr(server->host->project, '/');
    cJSON *result = cJSON_CreateObject(), *list = cJSON_CreateArray();
    cJSON *root = cJSON_CreateObject();
    buffer_init(&uri, PATH_MAX * 3 + 16);
    int status = buffer_append_text(&uri, "file://");
    for (const char *at = server->host->project; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') || strchr("/-._~", byte) != NULL;
        status |= plain ? buffer_append_byte(&uri, *at) : buffer_printf(&uri, "%%%02X", byte);
    }
    if (status < 0 || root == NULL || json_add_string(root, "uri", uri.data) < 0 ||
        json_add_string(root, "name", slash != NULL ? slash + 1 : "project") < 0 ||
        !cJSON_AddItemToArray(list, root)) {
        json_free(root);
        json_free(list);
        list = NULL;
    }
    buffer_release(&uri);
    if (json_add(result, "roots", list) == 0)
        return result;
    json_free(result);
    return NULL;
}

static void answer_request(struct mcp_server *server, const struct mcp_message *message)
{
    struct buffer text;
    cJSON *result = NULL;
    char refusal[160];
    buffer_init(&text, 1 << 20);
    if (strcmp(message->method, "ping") == 0)
        result = cJSON_CreateObject();
    else if (strcmp(message->method, "roots/list") == 0)
        result = roots(server);
    /* sampling/createMessage and elicitation/create too: neither was announced. */
    snprintf(refusal, sizeof refusal, "%.80s is not supported by this client", message->method);
    send_line(server, &text,
        result != NULL ? mcp_append_result(&text, message->id, result)
                       : mcp_append_error(&text, message->id, MCP_METHOD_NOT_FOUND, refusal));
    json_free(result);
    buffer_release(&text);
}

static void take_notification(struct mcp_server *server, const struct mcp_message *message)
{
    if (strcmp(message->method, "notifications/progress") == 0) {
        mcp_calls_progress(server, message->params);
    } else if (strcmp(message->method, "notifications/tools/list_changed") == 0) {
        if (server->state == MCP_READY)
            mcp_protocol_list(server);
        else
            server->list_again = true;
    } else if (strcmp(message->method, "notifications/message") == 0) {
        struct buffer text;
        const cJSON *data = json_get(message->params, "data");
        const char *level = json_string(message->params, "level");
        buffer_init(&text, 64 << 10);
        if (buffer_printf(&text, "[%.20s] ", level != NULL ? level : "log") == 0 && data != NULL)
            (void)(cJSON_IsString(data) ? buffer_append_text(&text, data->valuestring)
                                        : json_append(&text, data));
        (void)buffer_append_byte(&text, '\n');
        mcp_server_log(server, text.data, text.length);
        buffer_release(&text);
    }
}

/* Receiving. */

static void take_answer(struct mcp_server *server, const struct mcp_message *message)
{
    int64_t id;
    if (!mcp_message_number(message, &id))
        return;
    bool starting = server->state == MCP_STARTING;
    if (id == server->discover_id && starting &&
        (server->step == MCP_STEP_DISCOVER || server->step == MCP_STEP_INITIALIZE)) {
        discovered(server, message);
    } else if (id == server->step_id && server->step == MCP_STEP_INITIALIZE) {
        initialized(server, message);
    } else if (id == server->step_id && server->step == MCP_STEP_LIST) {
        listed(server, message);
    } else {
        /* Anything else is an answer too late, or the second one: nobody waits for it. */
        (void)mcp_calls_answer(server, message);
    }
}

static void take_garbage(
    struct mcp_server *server, const char *line, size_t length, const char *why)
{
    char text[GARBAGE_SHOWN + 160];
    int shown = snprintf(text, sizeof text, "[no message on stdout: %.100s] %.*s\n", why,
        (int)(length < GARBAGE_SHOWN ? length : GARBAGE_SHOWN), line);
    mcp_server_log(server, text, (size_t)shown);
    if (++server->garbage > GARBAGE_MOST)
        mcp_server_fail(server, "writes lines to its output that are no messages of the protocol");
}

static void take_message(
    struct mcp_server *server, const cJSON *tree, const char *line, size_t length)
{
    struct mcp_message message;
    struct error error;
    if (mcp_message_read(tree, &message, &error) < 0)
        take_garbage(server, line, length, error.text);
    else if (message.kind == MCP_REQUEST)
        answer_request(server, &message);
    else if (message.kind == MCP_NOTIFICATION)
        take_notification(server, &message);
    else
        take_answer(server, &message);
}

void mcp_protocol_line(void *context, char *line, size_t length)
{
    struct mcp_server *server = context;
    struct error error;
    if (line == NULL) {
        mcp_server_fail(server, "sent a line longer than %d bytes", MCP_LINE_LIMIT);
        return;
    }
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length == 0)
        return;
    cJSON *tree = json_parse(line, length, &error);
    if (tree == NULL) {
        take_garbage(server, line, length, error.text);
        return;
    }
    if (!cJSON_IsArray(tree)) {
        take_message(server, tree, line, length);
    } else {
        /* A batch, which only version 2025-03-26 knows. */
        const cJSON *item;
        cJSON_ArrayForEach(item, tree)
        {
            if (!line_channel_was_closed(&server->channel))
                take_message(server, item, line, length);
        }
    }
    json_free(tree);
}
