#include "server.h"

#include "answer.h"
#include "log.h"
#include "record.h"
#include "request.h"
#include "server_listen.h"
#include "stream.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADERS_LIMIT = 64 << 10,  /* bytes of a request's headers */
    BODY_LIMIT = 64 << 20,     /* bytes of a request's body: a million tokens fit */
    READ_TIMEOUT_SECONDS = 60, /* for a request to arrive, and for a kept connection */
    GRACE_MS = 2000,           /* for running answers to end after SIGTERM */
};

static const char base_path[] = "/v1";
static const char chat_path[] = "/chat/completions";

struct server {
    const struct server_options *options;
    struct event_base *base;
    struct evhttp *http;
    struct listeners *listeners;
    struct streams streams;
    struct recorder *recorder; /* NULL: answers come from the script */
    struct event *signals[2];
    struct event *grace;
    uint64_t serial;     /* of the last request */
    int64_t chats;       /* chat completions begun */
    int64_t chats_ended; /* and over */
    int signal;
    bool stopping;
};

static void stop_if_done(struct server *server)
{
    size_t recording = server->recorder == NULL ? 0 : recorder_running(server->recorder);
    if (server->stopping && recording + streams_finite(&server->streams) == 0)
        event_base_loopbreak(server->base);
}

static void stop(struct server *server)
{
    static const struct timeval grace = {GRACE_MS / 1000, GRACE_MS % 1000 * 1000};
    if (server->stopping) {
        event_base_loopbreak(server->base);
        return;
    }
    server->stopping = true;
    listeners_close(server->listeners);
    evtimer_add(server->grace, &grace);
    stop_if_done(server);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void)what;
    struct server *server = context;
    server->signal = (int)number;
    stop(server);
}

static void on_grace(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(((struct server *)context)->base);
}

static void on_stream_ended(void *context, bool counted)
{
    struct server *server = context;
    if (counted)
        server->chats_ended++;
    if (server->options->requests > 0 && server->chats_ended >= server->options->requests &&
        !server->stopping)
        stop(server);
    stop_if_done(server);
}

static const char *method_name(const struct evhttp_request *request)
{
    switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    default:
        return "OTHER";
    }
}

static const char *path_below_base(const struct evhttp_uri *uri)
{
    const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    if (path == NULL)
        return "/";
    size_t length = sizeof base_path - 1;
    if (strncmp(path, base_path, length) == 0 && path[length] == '/')
        return path + length;
    return strcmp(path, "/health") == 0 ? path : "/";
}

/* The body with a NUL behind it, which strstr needs. NULL: memory is short. */
static const char *whole_body(struct evbuffer *body)
{
    return evbuffer_add(body, "", 1) < 0 ? NULL : (const char *)evbuffer_pullup(body, -1);
}

static void on_request(struct evhttp_request *http_request, void *context)
{
    struct server *server = context;
    struct evbuffer *body = evhttp_request_get_input_buffer(http_request);
    size_t length = evbuffer_get_length(body);
    bool post = evhttp_request_get_command(http_request) == EVHTTP_REQ_POST;
    struct request request = {
        .path = path_below_base(evhttp_request_get_evhttp_uri(http_request)),
        .headers = evhttp_request_get_input_headers(http_request),
        .raw_length = length,
        .raw = whole_body(body),
        .text = "",
        .role = "",
        .model = "",
    };
    if (request.raw == NULL) {
        evhttp_send_error(http_request, 500, "out of memory");
        return;
    }
    if (post && strcmp(request.path, chat_path) == 0)
        request.number = ++server->chats;
    struct plan plan;
    plan_init(&plan);
    unsigned long line = 0;
    int status = answer_refusal(server->options, &request, &plan);
    bool forward = status == 0 && plan.count == 0 && server->recorder != NULL;
    if (status == 0 && plan.count == 0 && !forward)
        status = answer_request(server->options, &request, post, &plan, &line);
    server->serial++;
    log_request(&request, method_name(http_request), server->serial, line, plan.status);
    if (status < 0) {
        plan_release(&plan);
        evhttp_send_error(http_request, 500, "out of memory");
    } else if (forward) {
        plan_release(&plan);
        recorder_forward(server->recorder, http_request, &request, post, server->serial);
    } else {
        stream_start(&server->streams, http_request, &plan, server->serial, request.number > 0);
    }
    request_release(&request);
}

static bool set_up_signals(struct server *server)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        server->signals[i] = evsignal_new(server->base, numbers[i], on_signal, server);
        if (server->signals[i] == NULL || event_add(server->signals[i], NULL) < 0)
            return false;
    }
    server->grace = evtimer_new(server->base, on_grace, server);
    return server->grace != NULL;
}

static int start_recorder(struct server *server, struct error *error)
{
    if (server->options->record_url == NULL)
        return 0;
    const struct recorder_options options = {
        .url = server->options->record_url,
        .fd = server->options->record_fd,
        .ended = on_stream_ended,
        .context = server,
    };
    server->recorder = recorder_new(server->base, &options, error);
    return server->recorder == NULL ? -1 : 0;
}

struct server *server_new(
    const struct server_options *options, char *url, size_t size, struct error *error)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        error_set(error, "out of memory");
        return NULL;
    }
    server->options = options;
    server->base = event_base_new();
    server->http = server->base == NULL ? NULL : evhttp_new(server->base);
    if (server->http == NULL || !set_up_signals(server)) {
        error_set(error, "start the event loop: out of memory");
        server_free(server);
        return NULL;
    }
    server->streams =
        (struct streams){.base = server->base, .ended = on_stream_ended, .context = server};
    evhttp_set_max_headers_size(server->http, HEADERS_LIMIT);
    evhttp_set_max_body_size(server->http, BODY_LIMIT);
    evhttp_set_timeout(server->http, READ_TIMEOUT_SECONDS);
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD);
    evhttp_set_default_content_type(server->http, NULL);
    evhttp_set_gencb(server->http, on_request, server);
    server->listeners = listeners_open(server->base, server->http, options, url, size, error);
    if (server->listeners == NULL || start_recorder(server, error) < 0) {
        server_free(server);
        return NULL;
    }
    return server;
}

int server_run(struct server *server)
{
    event_base_dispatch(server->base);
    streams_abort(&server->streams);
    if (server->recorder != NULL)
        recorder_abort(server->recorder);
    return server->signal;
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    listeners_free(server->listeners);
    recorder_free(server->recorder);
    for (size_t i = 0; i < sizeof server->signals / sizeof *server->signals; i++)
        if (server->signals[i] != NULL)
            event_free(server->signals[i]);
    if (server->grace != NULL)
        event_free(server->grace);
    if (server->http != NULL)
        evhttp_free(server->http);
    if (server->base != NULL)
        event_base_free(server->base);
    free(server);
}
