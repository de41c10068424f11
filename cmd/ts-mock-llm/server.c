#include "server.h"

#include "common/program.h"
#include "compose.h"
#include "log.h"
#include "match.h"
#include "request.h"
#include "server_listen.h"
#include "stream.h"

#include "base/buffer.h"
#include "data/json.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <time.h>

enum {
    HEADERS_LIMIT = 64 << 10,  /* bytes of a request's headers */
    BODY_LIMIT = 64 << 20,     /* bytes of a request's body: a million tokens fit */
    READ_TIMEOUT_SECONDS = 60, /* for a request to arrive, and for a kept connection */
    GRACE_MS = 2000,           /* for running answers to end after SIGTERM */
    MESSAGE_SHOWN = 200,       /* characters of a message in an error */
    KEY_LIMIT = 4096,          /* bytes of an Authorization header */
};

static const char base_path[] = "/v1";

struct server {
    const struct server_options *options;
    struct event_base *base;
    struct evhttp *http;
    struct listeners *listeners;
    struct streams streams;
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
    if (server->stopping && streams_finite(&server->streams) == 0)
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

/* More than one of a header that decides where a request ends or whom it is for. */
static bool is_ambiguous(const struct evkeyvalq *headers)
{
    static const char *const single[] = {
        "host", "content-length", "transfer-encoding", "authorization"};
    int seen[4] = {0};
    const struct evkeyval *header;
    TAILQ_FOREACH(header, headers, next)
    {
        for (size_t i = 0; i < 4; i++)
            if (strcasecmp(header->key, single[i]) == 0 && ++seen[i] > 1)
                return true;
    }
    return seen[1] > 0 && seen[2] > 0;
}

static bool equal_in_constant_time(const char *left, const char *right)
{
    size_t length = strnlen(left, KEY_LIMIT), other = strnlen(right, KEY_LIMIT);
    unsigned char difference = length != other;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)(left[i] ^ (i < other ? right[i] : 0));
    return difference == 0;
}

static bool is_authorised(const struct server *server, const struct evkeyvalq *headers)
{
    static const char scheme[] = "Bearer ";
    if (server->options->key == NULL)
        return true;
    const char *given = evhttp_find_header(headers, "Authorization");
    return given != NULL && strncasecmp(given, scheme, sizeof scheme - 1) == 0 &&
           equal_in_constant_time(server->options->key, given + sizeof scheme - 1);
}

/* ---- built-in answers ---- */

static int append_model(const struct server *server, struct buffer *json, const char *name)
{
    if (buffer_append_text(json, "{\"id\":") < 0 ||
        json_append_string(json, name, strlen(name)) < 0 ||
        buffer_printf(json, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"turnstone\"",
            (long long)time(NULL)) < 0)
        return -1;
    if (server->options->context_window > 0 &&
        buffer_printf(json, ",\"max_model_len\":%" PRId64, server->options->context_window) < 0)
        return -1;
    return buffer_append_byte(json, '}');
}

static int answer_models(const struct server *server, struct plan *plan)
{
    if (buffer_append_text(&plan->bytes, "{\"object\":\"list\",\"data\":[") < 0)
        return -1;
    for (int i = 0; i < server->options->model_count; i++)
        if ((i > 0 && buffer_append_byte(&plan->bytes, ',') < 0) ||
            append_model(server, &plan->bytes, server->options->models[i]) < 0)
            return -1;
    return buffer_append_text(&plan->bytes, "]}");
}

static int answer_model(const struct server *server, struct plan *plan, const char *name)
{
    for (int i = 0; i < server->options->model_count; i++)
        if (strcmp(server->options->models[i], name) == 0)
            return append_model(server, &plan->bytes, name);
    return compose_error(plan, 404, "no such model");
}

static int answer_builtin(
    const struct server *server, const struct request *request, bool get, struct plan *plan)
{
    static const char models[] = "/models", one[] = "/models/";
    int status;
    if (strcmp(request->path, "/chat/completions") == 0)
        return compose_error(plan, 405, "use POST");
    bool known = strcmp(request->path, models) == 0 || strcmp(request->path, "/health") == 0 ||
                 strncmp(request->path, one, sizeof one - 1) == 0;
    if (!known)
        return compose_error(plan, 404, "there is nothing at this path");
    if (!get)
        return compose_error(plan, 405, "use GET");
    plan->whole = true;
    plan->content_type = "application/json";
    if (strcmp(request->path, "/health") == 0)
        status = buffer_append_text(&plan->bytes, "{\"status\":\"ok\"}");
    else if (strcmp(request->path, models) == 0)
        status = answer_models(server, plan);
    else
        status = answer_model(server, plan, request->path + sizeof one - 1);
    return status < 0 ? -1 : plan_end_piece(plan);
}

/* ---- scripted answers ---- */

static int answer_unmatched(const struct request *request, struct plan *plan)
{
    struct buffer message;
    buffer_init(&message, KEY_LIMIT);
    int status = buffer_printf(&message,
        "no rule of the script matches request %" PRId64 ", whose last message is from '%s': %.*s",
        request->number, request->role, MESSAGE_SHOWN, request->text);
    if (status == 0)
        status = compose_error(plan, 500, message.data);
    buffer_release(&message);
    return status;
}

/* The plan for a request; line is set to its rule's. 0, or -1 when memory is short. */
static int make_plan(struct server *server, struct request *request, bool post, bool get,
    struct plan *plan, unsigned long *line)
{
    struct error error;
    bool chat = post && strcmp(request->path, "/chat/completions") == 0;
    if (!is_authorised(server, request->headers))
        return compose_error(plan, 401, "the API key is missing or wrong");
    if (chat) {
        request->number = ++server->chats;
        if (request_read(request, server->options->models[0], &error) < 0)
            return compose_error(plan, 400, error.text);
    }
    struct template_values values;
    struct rule *rule = match_request(server->options->script, request, &values);
    if (rule == NULL)
        return chat ? answer_unmatched(request, plan) : answer_builtin(server, request, get, plan);
    *line = rule->line;
    if (compose(plan, &rule->answer, &values, &error) < 0) {
        plan_release(plan);
        plan_init(plan);
        return compose_error(plan, 500, error.text);
    }
    return 0;
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

static void on_request(struct evhttp_request *http_request, void *context)
{
    struct server *server = context;
    struct evbuffer *body = evhttp_request_get_input_buffer(http_request);
    enum evhttp_cmd_type command = evhttp_request_get_command(http_request);
    struct request request = {
        .path = path_below_base(evhttp_request_get_evhttp_uri(http_request)),
        .headers = evhttp_request_get_input_headers(http_request),
        .raw_length = evbuffer_get_length(body),
        .raw = "",
        .text = "",
        .role = "",
        .model = "",
    };
    struct plan plan;
    plan_init(&plan);
    unsigned long line = 0;
    int status;
    /* The NUL makes it a string that strstr can search. */
    evbuffer_add(body, "", 1);
    const unsigned char *bytes = evbuffer_pullup(body, -1);
    if (bytes == NULL) {
        status = compose_error(&plan, 500, "out of memory");
    } else {
        request.raw = (const char *)bytes;
        status = is_ambiguous(request.headers)
                     ? compose_error(&plan, 400, "a header is there twice, or contradicts another")
                     : make_plan(server, &request, command == EVHTTP_REQ_POST,
                           command == EVHTTP_REQ_GET || command == EVHTTP_REQ_HEAD, &plan, &line);
    }
    server->serial++;
    log_request(&request, method_name(http_request), server->serial, line, plan.status);
    bool counted = request.number > 0;
    request_release(&request);
    if (status < 0) {
        plan_release(&plan);
        evhttp_send_error(http_request, 500, "out of memory");
        return;
    }
    stream_start(&server->streams, http_request, &plan, server->serial, counted);
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
    if (server->listeners == NULL) {
        server_free(server);
        return NULL;
    }
    return server;
}

int server_run(struct server *server)
{
    event_base_dispatch(server->base);
    streams_abort(&server->streams);
    return server->signal;
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    listeners_free(server->listeners);
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
