#include "bridge.h"

#include "agent/mcp_message.h"
#include "base/buffer.h"
#include "common/program.h"
#include "data/json.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ERROR_LIMIT = 64 << 10, /* bytes of an error of our own */
    FAREWELL_MS = 1000,     /* to connect, and again for the answer: we are being waited for */
    PARSE_ERROR = -32700,
    INVALID_REQUEST = -32600,
};

/* Output. */

static size_t queued(const struct bridge *bridge)
{
    return bridge->output.queue.length - bridge->output.sent;
}

bool bridge_full(struct bridge *bridge)
{
    if (queued(bridge) < OUTPUT_HIGH)
        return false;
    bridge->holding = true;
    return true;
}

static void put_line(struct bridge *bridge, const struct buffer *line)
{
    if (line_writer_put(&bridge->output, line->data, line->length) < 0)
        die(EXIT_SYSTEM, "queue a line of output: %s", strerror(errno));
}

static void put_one(struct bridge *bridge, const cJSON *message)
{
    struct buffer line;
    buffer_init(&line, (size_t)MCP_LINE_LIMIT * 2); /* printed anew, it may grow */
    if (json_append(&line, message) < 0)
        warn("a message is too long to be passed on");
    else
        put_line(bridge, &line);
    buffer_release(&line);
}

void bridge_put(struct bridge *bridge, const cJSON *message)
{
    const cJSON *item;
    if (!cJSON_IsArray(message)) {
        put_one(bridge, message);
        return;
    }
    cJSON_ArrayForEach(item, message) put_one(bridge, item);
}

void bridge_put_error(struct bridge *bridge, const char *id, int code, const char *class,
    int status, const char *text)
{
    struct buffer line, clean;
    buffer_init(&line, ERROR_LIMIT);
    buffer_init(&clean, ERROR_LIMIT);
    int result =
        redact_append(&bridge->redactor, text, strlen(text), &clean) < 0 ||
        buffer_printf(&line, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":%d,\"message\":",
            id != NULL ? id : "null", code) < 0 ||
        json_append_string(&line, clean.data, clean.length) < 0;
    if (class != NULL)
        result = result || buffer_printf(&line, ",\"data\":{\"class\":\"%s\"", class) < 0 ||
                 (status != 0 && buffer_printf(&line, ",\"status\":%d", status) < 0) ||
                 buffer_append_byte(&line, '}') < 0;
    if (result || buffer_append_text(&line, "}}") < 0)
        warn("an error could not be told: %s", clean.data);
    else
        put_line(bridge, &line);
    buffer_release(&clean);
    buffer_release(&line);
}

/* Input. */

static void take_line(struct bridge *bridge, const char *line, size_t length)
{
    struct error error;
    if (strspn(line, " \t\r") == length)
        return;
    cJSON *tree = json_parse(line, length, &error);
    if (tree == NULL) {
        bridge_put_error(bridge, NULL, PARSE_ERROR, NULL, 0, error.text);
    } else if (!cJSON_IsObject(tree)) {
        bridge_put_error(
            bridge, NULL, INVALID_REQUEST, NULL, 0, "a line is one message, an object");
        json_free(tree);
    } else {
        post_new(bridge, tree, line, length);
    }
}

static void input_ready(void *context, short events)
{
    struct bridge *bridge = context;
    char *line;
    size_t length;
    enum line_status status;
    (void)events;
    ssize_t got = line_reader_fill(&bridge->input);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got < 0) {
        warn("read stdin: %s", strerror(errno));
        bridge->input.ended = true;
    }
    while ((status = line_reader_next(&bridge->input, &line, &length)) != LINE_NONE) {
        if (bridge->stage != STAGE_RUNNING)
            continue;
        if (status == LINE_READY)
            take_line(bridge, line, length);
        else
            bridge_put_error(
                bridge, NULL, INVALID_REQUEST, NULL, 0, "a message is longer than 16 MiB");
    }
    if (bridge->input.ended) {
        bridge->input_ended = true;
        loop_unwatch(bridge->loop, STDIN_FILENO);
    }
}

/* The end. */

void bridge_leave(struct bridge *bridge, int exit_code)
{
    if (bridge->stage != STAGE_RUNNING)
        return;
    bridge->stage = STAGE_LEAVING;
    bridge->exit_code = exit_code;
}

void bridge_session_over(struct bridge *bridge)
{
    if (bridge->stage != STAGE_RUNNING)
        return;
    warn("the server has ended the session");
    bridge->session[0] = '\0';
    bridge_leave(bridge, EXIT_FAILED);
}

static enum exchange_taken skip_bytes(void *context, const char *bytes, size_t length)
{
    (void)context, (void)bytes, (void)length;
    return EXCHANGE_STOP;
}

static void farewell_said(void *context, const struct failure *failure)
{
    struct bridge *bridge = context;
    (void)failure; /* a server need not let clients end sessions */
    bridge->stage = STAGE_GONE;
}

static int say_farewell(struct bridge *bridge)
{
    struct headers headers = {0};
    struct failure failure;
    const char *lines[HEADERS_MOST + 1];
    size_t count = 0;
    if (headers_add(&headers, "Mcp-Session-Id", bridge->session, NULL) < 0 ||
        headers_add(&headers, "MCP-Protocol-Version", bridge->version, NULL) < 0)
        return -1;
    for (size_t i = 0; i < headers.count; i++)
        lines[count++] = headers.lines[i];
    for (size_t i = 0; i < bridge->headers.count && count < HEADERS_MOST; i++)
        lines[count++] = bridge->headers.lines[i];
    lines[count] = NULL;
    const struct exchange_request request = {
        .url = bridge->url,
        .method = "DELETE",
        .headers = lines,
        .verify_tls = true,
        .loopback = bridge->loopback,
        .connect_ms = FAREWELL_MS,
        .first_byte_ms = FAREWELL_MS,
    };
    exchange_init(&bridge->farewell, &bridge->pool, skip_bytes, farewell_said, bridge);
    int result = exchange_start(&bridge->farewell, &request, &failure);
    headers_release(&headers);
    return result;
}

static void leave(struct bridge *bridge)
{
    while (bridge->posts != NULL) {
        struct post *post = bridge->posts;
        if (post->kind == POST_REQUEST && !post->answered && bridge->lost == 0)
            post_fail(post, FAILURE_INTERRUPTED, 0, "the connection to the server has ended");
        post_free(post);
    }
    if (bridge->session[0] == '\0' || say_farewell(bridge) < 0)
        bridge->stage = STAGE_GONE;
}

/* The loop. */

static void output_lost(struct bridge *bridge, int reason)
{
    bridge->lost = reason;
    loop_unwatch(bridge->loop, STDOUT_FILENO);
    bridge_leave(bridge, EXIT_SYSTEM);
}

static void output_ready(void *context, short events)
{
    struct bridge *bridge = context;
    if ((events & (POLLERR | POLLHUP)) != 0 && bridge->output.kind != LINE_WRITER_FILE)
        output_lost(bridge, EPIPE);
}

static void flush(struct bridge *bridge)
{
    if (bridge->lost == 0 && line_writer_flush(&bridge->output) < 0)
        output_lost(bridge, errno);
}

/* Those that wait for nobody any more. */
static void start_posts(struct bridge *bridge)
{
    struct post *post = bridge->posts;
    while (post != NULL && bridge->stage == STAGE_RUNNING) {
        if (post->started && post_is_barrier(post))
            return;
        bool begin = !post->started;
        if (begin)
            post_start(post); /* and perhaps it has gone by now */
        post = begin ? bridge->posts : post->next;
    }
}

static void go_on(struct bridge *bridge)
{
    bridge->holding = false;
    for (struct post *post = bridge->posts; post != NULL; post = post->next)
        exchange_resume(&post->exchange);
}

static bool all_answered(const struct bridge *bridge)
{
    for (const struct post *post = bridge->posts; post != NULL; post = post->next) {
        if (post->kind != POST_LISTEN && !post->answered)
            return false;
    }
    return true;
}

static void before_wait(void *context)
{
    struct bridge *bridge = context;
    flush(bridge);
    if (bridge->holding && queued(bridge) < OUTPUT_LOW)
        go_on(bridge);
    start_posts(bridge);
    if (bridge->input_ended && all_answered(bridge))
        bridge_leave(bridge, EXIT_DONE);
    if (bridge->stage == STAGE_LEAVING && bridge->farewell.pool == NULL)
        leave(bridge);
    flush(bridge);
    bool waiting = bridge->lost == 0 && line_writer_waiting(&bridge->output);
    if (bridge->stage == STAGE_GONE &&
        (!waiting || bridge->exit_code == EXIT_TERMINATED || bridge->exit_code == EXIT_INTERRUPTED))
        loop_stop(bridge->loop);
    if (bridge->lost == 0 &&
        loop_watch(bridge->loop, STDOUT_FILENO, waiting ? POLLOUT : 0, output_ready, bridge) < 0)
        die(EXIT_SYSTEM, "out of memory");
}

int bridge_init(struct bridge *bridge, char *url, struct error *error)
{
    bridge->url = url;
    bridge->loop = loop_new();
    if (bridge->loop == NULL)
        return error_set(error, "out of memory");
    line_reader_init(&bridge->input, STDIN_FILENO, MCP_LINE_LIMIT);
    line_writer_init(&bridge->output, STDOUT_FILENO);
    loop_before_wait(bridge->loop, before_wait, bridge);
    if (loop_watch(bridge->loop, STDIN_FILENO, POLLIN, input_ready, bridge) < 0)
        return error_set(error, "out of memory");
    return exchange_pool_init(&bridge->pool, bridge->loop, error);
}

int bridge_run(struct bridge *bridge, struct error *error)
{
    return loop_run(bridge->loop, error);
}

void bridge_release(struct bridge *bridge)
{
    while (bridge->posts != NULL)
        post_free(bridge->posts);
    if (bridge->farewell.pool != NULL)
        exchange_cancel(&bridge->farewell);
    exchange_pool_release(&bridge->pool);
    headers_release(&bridge->headers);
    redact_release(&bridge->redactor);
    json_free(bridge->mirrored);
    line_reader_release(&bridge->input);
    line_writer_release(&bridge->output);
    loop_free(bridge->loop);
    free(bridge->url);
}
