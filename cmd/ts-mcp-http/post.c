#include "bridge.h"

#include "agent/mcp_message.h"
#include "common/program.h"
#include "data/json.h"
#include "data/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    NOTICE_MS = 60000,      /* for the acknowledgement of a message that wants no answer */
    JSON_IDLE_MS = 60000,   /* between bytes of one answer in JSON */
    AFTER_ANSWER_MS = 1000, /* for a stream to end by itself, which keeps the connection warm */
    REDIRECTS_MOST = 3,
    EXPLANATION_MOST = 64 << 10, /* bytes that are read of an answer that is none */
};

static bool is_method(const struct post *post, const char *method)
{
    return post->method != NULL && strcmp(post->method, method) == 0;
}

static bool is_good(const struct post *post)
{
    return post->exchange.status >= 200 && post->exchange.status < 300;
}

bool post_is_barrier(const struct post *post)
{
    return !post->answered &&
           (is_method(post, "initialize") || is_method(post, "notifications/initialized"));
}

void post_fail(struct post *post, enum failure_class class, int status, const char *text)
{
    if (post->kind == POST_REQUEST)
        bridge_put_error(
            post->bridge, post->id, TRANSPORT_ERROR, failure_class_name(class), status, text);
    else
        warn("the server did not take %s: %s", post->method != NULL ? post->method : "an answer",
            text);
}

void post_free(struct post *post)
{
    struct bridge *bridge = post->bridge;
    struct post **at = &bridge->posts;
    while (*at != NULL && *at != post)
        at = &(*at)->next;
    if (*at != NULL)
        *at = post->next;
    bridge->post_count--;
    bridge->post_bytes -= post->length;
    loop_timer_cancel(bridge->loop, &post->again);
    exchange_cancel(&post->exchange);
    sse_release(&post->events);
    buffer_release(&post->text);
    headers_release(&post->headers);
    free(post->id);
    free(post->method);
    free(post->version);
    free(post->body);
    free(post);
}

/* What comes back. */

static enum post_content content_of(const char *type)
{
    static const char events[] = "text/event-stream", json[] = "application/json";
    if (strncasecmp(type, events, sizeof events - 1) == 0)
        return CONTENT_EVENTS;
    return strncasecmp(type, json, sizeof json - 1) == 0 ? CONTENT_JSON : CONTENT_OTHER;
}

static void keep_session(struct post *post)
{
    struct bridge *bridge = post->bridge;
    const char *session = exchange_header(&post->exchange, "mcp-session-id");
    if (session == NULL)
        return;
    size_t length = strlen(session);
    bool usable = length > 0 && length < sizeof bridge->session;
    for (size_t i = 0; i < length && usable; i++)
        usable = session[i] > ' ' && session[i] <= '~';
    if (usable)
        memcpy(bridge->session, session, length + 1);
    else
        error_set(&post->error, "the server sent a session id that no header can hold");
}

/* Only within the same origin: what our headers hold is for nobody else. */
static void follow(struct post *post)
{
    struct bridge *bridge = post->bridge;
    struct url here = {0}, there = {0};
    struct buffer text;
    const char *location = exchange_header(&post->exchange, "location");
    buffer_init(&text, URL_LENGTH_MOST);
    if (location != NULL && url_parse(&here, bridge->url, NULL) == 0 &&
        url_resolve(&here, location, &text) == 0 && url_parse(&there, text.data, NULL) == 0 &&
        here.scheme_length == there.scheme_length &&
        strncmp(here.text, there.text, here.scheme_length) == 0 &&
        strcmp(here.host, there.host) == 0 && url_port(&here) == url_port(&there) &&
        post->redirects++ < REDIRECTS_MOST) {
        free(bridge->url);
        bridge->url = there.text;
        there.text = NULL;
        post->redirected = true;
    }
    url_release(&here);
    url_release(&there);
    buffer_release(&text);
    if (!post->redirected)
        error_set(&post->error,
            "the server redirects (HTTP %d) to another place, which is not followed",
            post->exchange.status);
}

static void head_came(void *context)
{
    struct post *post = context;
    int status = post->exchange.status;
    post->content = is_good(post) ? content_of(post->exchange.content_type) : CONTENT_OTHER;
    if (post->content != CONTENT_EVENTS)
        exchange_set_idle(&post->exchange, JSON_IDLE_MS);
    if (is_good(post) && is_method(post, "initialize"))
        keep_session(post);
    if (status == 307 || status == 308)
        follow(post);
    else if (status >= 300 && status < 400)
        error_set(&post->error, "the server redirects (HTTP %d), which is not followed", status);
}

static bool answers(const struct post *post, const cJSON *message)
{
    struct buffer text;
    const cJSON *id = json_get(message, "id");
    bool same = false;
    if (post->id == NULL || id == NULL || json_get(message, "method") != NULL)
        return false;
    buffer_init(&text, strlen(post->id) + 1);
    same = json_append(&text, id) == 0 && strcmp(text.data, post->id) == 0;
    buffer_release(&text);
    return same;
}

static void take_message(struct post *post, cJSON *message)
{
    struct bridge *bridge = post->bridge;
    cJSON *item;
    if (cJSON_IsArray(message)) {
        cJSON_ArrayForEach(item, message) take_message(post, item);
        return;
    }
    if (answers(post, message)) {
        post->answered = true;
        const char *version = json_string(json_object(message, "result"), "protocolVersion");
        if (is_method(post, "initialize") && version != NULL && strlen(version) < VERSION_SIZE)
            snprintf(bridge->version, sizeof bridge->version, "%s", version);
        if (is_method(post, "tools/list") && post->version != NULL)
            mirror_tools(bridge, message);
    }
    bridge_put(bridge, message);
}

static int event_came(void *context, const char *data, size_t length, bool error_event)
{
    struct post *post = context;
    struct error error;
    (void)error_event;
    post->attempts = 0;
    if (length == 0)
        return 0;
    cJSON *tree = json_parse(data, length, &error);
    if (tree == NULL)
        warn("an event of the server's stream is no message: %s", error.text);
    else
        take_message(post, tree);
    json_free(tree);
    if (post->answered)
        exchange_set_idle(&post->exchange, AFTER_ANSWER_MS);
    return 0;
}

static enum exchange_taken bytes_came(void *context, const char *bytes, size_t length)
{
    struct post *post = context;
    if (post->redirected || post->error.text[0] != '\0')
        return EXCHANGE_STOP;
    if (bridge_full(post->bridge))
        return EXCHANGE_WAIT;
    if (post->content == CONTENT_EVENTS)
        return sse_feed(&post->events, bytes, length, &post->error) == 0 ? EXCHANGE_GO_ON
                                                                         : EXCHANGE_STOP;
    size_t most = post->content == CONTENT_JSON ? MCP_LINE_LIMIT : EXPLANATION_MOST;
    size_t room = most - post->text.length;
    if (buffer_append(&post->text, bytes, length < room ? length : room) < 0)
        error_set(&post->error, "out of memory");
    else if (length > room && post->content == CONTENT_JSON)
        error_set(&post->error, "the answer is longer than %d bytes", MCP_LINE_LIMIT);
    return length > room ? EXCHANGE_STOP : EXCHANGE_GO_ON;
}

/* What it meant. */

/* Of an error's body: a JSON-RPC error is passed on as the answer. Whether it was one. */
static bool pass_error(struct post *post)
{
    struct mcp_message message;
    cJSON *tree = json_parse_object(post->text.data, post->text.length, NULL);
    bool is_error = tree != NULL && mcp_message_read(tree, &message, NULL) == 0 &&
                    message.kind == MCP_ERROR && post->kind == POST_REQUEST;
    if (is_error && message.code != MCP_METHOD_NOT_FOUND && post->exchange.status == 404 &&
        post->bridge->session[0] != '\0')
        is_error = false;
    cJSON *id = is_error ? cJSON_CreateRaw(post->id) : NULL;
    if (id != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(tree, "id");
        if (redact_tree(&post->bridge->redactor, tree) == 0 && json_add(tree, "id", id) == 0)
            bridge_put(post->bridge, tree);
        post->answered = true;
    }
    json_free(tree);
    return id != NULL;
}

static void refused(struct post *post)
{
    struct failure failure;
    struct bridge *bridge = post->bridge;
    int status = post->exchange.status;
    if (pass_error(post))
        return;
    if (status == 404 && bridge->session[0] != '\0') {
        post_fail(post, FAILURE_INTERRUPTED, status, "the server has ended the session (HTTP 404)");
        bridge_session_over(bridge);
        return;
    }
    classify_response(&failure, status, post->text.data, post->text.length);
    if (is_method(post, "initialize") && (status == 400 || status == 404 || status == 405))
        snprintf(failure.text, sizeof failure.text,
            "no server that speaks streamable HTTP is at this URL (HTTP %d); the older HTTP with "
            "SSE is not supported",
            status);
    post_fail(post, failure.class, status, failure.text);
}

static void take_json(struct post *post)
{
    struct error error;
    cJSON *tree = json_parse(post->text.data, post->text.length, &error);
    if (tree == NULL) {
        error_prefix(&error, "the answer is not usable: ");
        post_fail(post, FAILURE_PROTOCOL, post->exchange.status, error.text);
        post->answered = true;
        return;
    }
    take_message(post, tree);
    json_free(tree);
}

/* A request whose exchange is over; whether it is over itself. */
static bool conclude(struct post *post, const struct failure *failure)
{
    int status = post->exchange.status;
    bool good = is_good(post);
    if (good && failure == NULL && post->content == CONTENT_EVENTS)
        (void)sse_end(&post->events, NULL);
    if (good && failure == NULL && post->content == CONTENT_JSON && post->error.text[0] == '\0')
        take_json(post);
    if (post->answered)
        return true;
    if (post->error.text[0] != '\0')
        post_fail(post, FAILURE_PROTOCOL, status, post->error.text);
    else if ((good || status == 0 || post->resuming) && resume_later(post))
        return false;
    else if (post->resuming && !good)
        post_fail(post, FAILURE_INTERRUPTED, status,
            "the stream of the answer broke off and could not be taken up again");
    else if (failure != NULL)
        post_fail(post, failure->class, status, failure->text);
    else if (!good)
        refused(post);
    else if (post->content == CONTENT_OTHER && post->text.length > 0)
        post_fail(
            post, FAILURE_PROTOCOL, status, "the answer is neither JSON nor a stream of events");
    else
        post_fail(
            post, FAILURE_PROTOCOL, status, "the server ended its answer before it had answered");
    return true;
}

/* A message that wants no answer. */
static void acknowledged(struct post *post, const struct failure *failure)
{
    struct bridge *bridge = post->bridge;
    if (post->error.text[0] != '\0')
        post_fail(post, FAILURE_PROTOCOL, post->exchange.status, post->error.text);
    else if (failure != NULL)
        post_fail(post, failure->class, post->exchange.status, failure->text);
    else if (!is_good(post))
        refused(post);
    else if (is_method(post, "notifications/initialized"))
        bridge->listens = true;
}

static void exchange_over(void *context, const struct failure *failure)
{
    struct post *post = context;
    struct bridge *bridge = post->bridge;
    if (post->redirected) {
        post->redirected = false;
        post_start(post);
        return;
    }
    if (post->kind == POST_LISTEN) {
        listen_ended(post, failure);
        return;
    }
    if (post->kind == POST_REQUEST && !conclude(post, failure))
        return;
    if (post->kind == POST_NOTICE)
        acknowledged(post, failure);
    post_free(post);
    if (bridge->listens && bridge->stage == STAGE_RUNNING) {
        bridge->listens = false;
        listen_start(bridge);
    }
}

/* Sending. */

static int session_headers(struct post *post, struct headers *headers, struct error *error)
{
    const struct bridge *bridge = post->bridge;
    const char *version = post->version != NULL ? post->version : bridge->version;
    bool greeting = is_method(post, "initialize");
    if (bridge->session[0] != '\0' && post->version == NULL && !greeting &&
        headers_add(headers, "Mcp-Session-Id", bridge->session, error) < 0)
        return -1;
    if (version[0] != '\0' && !greeting &&
        headers_add(headers, "MCP-Protocol-Version", version, error) < 0)
        return -1;
    if (post->events.id[0] != '\0' &&
        headers_add(headers, "Last-Event-ID", post->events.id, error) < 0)
        return -1;
    return 0;
}

static int begin(struct post *post, const struct headers *own, struct failure *failure)
{
    struct bridge *bridge = post->bridge;
    const char *lines[3 * HEADERS_MOST + 1];
    const struct headers *const lists[] = {own, &post->headers, &bridge->headers};
    size_t count = 0;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (size_t j = 0; j < lists[i]->count; j++)
            lines[count++] = lists[i]->lines[j];
    }
    lines[count] = NULL;
    bool get = post->kind == POST_LISTEN || post->resuming;
    const struct exchange_request request = {
        .url = bridge->url,
        .body = get ? NULL : post->body,
        .body_length = post->length,
        .accept = get ? "text/event-stream" : "application/json, text/event-stream",
        .headers = lines,
        .verify_tls = true,
        .loopback = bridge->loopback,
        .connect_ms = bridge->connect_ms,
        .first_byte_ms = post->kind == POST_LISTEN   ? 0
                         : post->kind == POST_NOTICE ? NOTICE_MS
                                                     : bridge->answer_ms,
    };
    return exchange_start(&post->exchange, &request, failure);
}

void post_start(struct post *post)
{
    struct headers own = {0};
    struct failure failure;
    struct error error;
    post->started = true;
    post->content = CONTENT_UNKNOWN;
    post->error.text[0] = '\0';
    buffer_clear(&post->text);
    sse_reset(&post->events);
    int result = session_headers(post, &own, &error);
    if (result < 0)
        failure_set(&failure, FAILURE_CONFIG, "%s", error.text);
    else
        result = begin(post, &own, &failure);
    headers_release(&own);
    if (result == 0)
        return;
    post_fail(post, failure.class, 0, failure.text);
    post_free(post);
}

/* "notifications/cancelled": a request need not be waited for any more. Whether the server still
 * has to be told. */
static bool cancel(struct bridge *bridge, const cJSON *params)
{
    struct buffer text;
    const cJSON *id = json_get(params, "requestId");
    struct post *post = bridge->posts;
    buffer_init(&text, 1024);
    bool known = id != NULL && json_append(&text, id) == 0;
    while (known && post != NULL && (post->id == NULL || strcmp(post->id, text.data) != 0))
        post = post->next;
    buffer_release(&text);
    if (!known || post == NULL)
        return bridge->version[0] != '\0';
    /* Since 2026-07-28 the end of its stream says it. */
    bool tell = post->started && post->version == NULL;
    post_free(post);
    return tell;
}

static int fill(struct post *post, const cJSON *tree, const struct mcp_message *message,
    const char *line, size_t length, struct error *error)
{
    static const char version_key[] = "io.modelcontextprotocol/protocolVersion";
    const char *version = json_string(json_object(message->params, "_meta"), version_key);
    struct buffer id;
    buffer_init(&id, 4096);
    error_set(error, "out of memory");
    int result = (post->body = malloc(length + 1)) == NULL ? -1 : 0;
    if (result == 0) {
        memcpy(post->body, line, length);
        post->body[length] = '\0';
        post->length = length;
    }
    if (message->method != NULL && (post->method = strdup(message->method)) == NULL)
        result = -1;
    if (version != NULL && (post->version = strdup(version)) == NULL)
        result = -1;
    if (post->kind == POST_REQUEST &&
        (json_append(&id, message->id) < 0 || (post->id = strdup(id.data)) == NULL))
        result = -1;
    buffer_release(&id);
    if (result == 0 && post->version != NULL)
        result = mirror_message(post, tree, error);
    return result;
}

static struct post *make_post(struct bridge *bridge, enum post_kind kind)
{
    struct post *post = calloc(1, sizeof *post), **at = &bridge->posts;
    if (post == NULL)
        return NULL;
    post->bridge = bridge;
    post->kind = kind;
    buffer_init(&post->text, MCP_LINE_LIMIT);
    sse_init(&post->events, MCP_LINE_LIMIT, event_came, post);
    sse_keep_id(&post->events);
    exchange_init(&post->exchange, &bridge->pool, bytes_came, exchange_over, post);
    post->exchange.head = head_came;
    while (*at != NULL)
        at = &(*at)->next;
    *at = post;
    bridge->post_count++;
    return post;
}

void post_new(struct bridge *bridge, cJSON *tree, const char *line, size_t length)
{
    struct mcp_message message;
    struct error error;
    struct post *post = NULL;
    if (mcp_message_read(tree, &message, &error) < 0) {
        bridge_put_error(bridge, NULL, -32600, NULL, 0, error.text);
        json_free(tree);
        return;
    }
    if (message.kind == MCP_NOTIFICATION &&
        strcmp(message.method, "notifications/cancelled") == 0 && !cancel(bridge, message.params)) {
        json_free(tree);
        return;
    }
    bool room = bridge->post_count < POSTS_MOST && bridge->post_bytes + length <= POSTS_BYTES_MOST;
    post = make_post(bridge, message.kind == MCP_REQUEST ? POST_REQUEST : POST_NOTICE);
    if (post == NULL)
        die(EXIT_SYSTEM, "out of memory");
    int result = fill(post, tree, &message, line, length, &error);
    bridge->post_bytes += post->length;
    if (!room)
        result = error_set(&error, "more than %d messages are under way", POSTS_MOST);
    if (result < 0) {
        post_fail(post, FAILURE_BAD_REQUEST, 0, error.text);
        post_free(post);
    }
    json_free(tree);
}

void listen_start(struct bridge *bridge)
{
    struct post *post = make_post(bridge, POST_LISTEN);
    if (post == NULL)
        die(EXIT_SYSTEM, "out of memory");
    post_start(post);
}
