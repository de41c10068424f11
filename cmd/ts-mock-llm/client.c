#include "client.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <sys/socket.h>

enum {
    INPUT_LIMIT = 64 << 10,     /* bytes taken of what a client sends while it is answered */
    IDLE_TIMEOUT_SECONDS = 300, /* of a kept connection between two requests */
};

static void let_go(struct client *client, enum log_end how)
{
    log_end(client->serial, how, client->body_sent);
    evhttp_connection_set_closecb(client->connection, NULL, NULL);
    if (client->chunk != NULL)
        evbuffer_free(client->chunk);
    client->chunk = NULL;
}

static void on_closed(struct evhttp_connection *connection, void *context)
{
    (void)connection;
    struct client *client = context;
    /* A request whose answer is unfinished was detached from the dying connection, and frees
     * itself when it is told to finish. */
    if (!client->ended && evhttp_request_get_connection(client->request) == NULL)
        evhttp_send_reply_end(client->request);
    let_go(client, LOG_CLIENT_CLOSED);
    client->events->over(client->context);
}

static void on_complete(struct evhttp_request *request, void *context)
{
    (void)request;
    struct client *client = context;
    struct bufferevent *socket = evhttp_connection_get_bufferevent(client->connection);
    bufferevent_setwatermark(socket, EV_READ, 0, 0);
    evhttp_connection_set_timeout(client->connection, IDLE_TIMEOUT_SECONDS);
    let_go(client, LOG_COMPLETE);
    client->events->over(client->context);
}

static void on_written(struct evhttp_connection *connection, void *context)
{
    (void)connection;
    struct client *client = context;
    client->events->written(client->context);
}

/*
 * While an answer runs, nothing times out, and a client that leaves is noticed
 * also before the first byte: evhttp itself reads again only when it writes.
 */
static void watch(struct client *client)
{
    static const struct timeval never = {0};
    struct bufferevent *socket = evhttp_connection_get_bufferevent(client->connection);
    evhttp_connection_set_timeout_tv(client->connection, &never);
    evhttp_connection_set_closecb(client->connection, on_closed, client);
    evhttp_request_set_on_complete_cb(client->request, on_complete, client);
    bufferevent_data_cb written;
    bufferevent_event_cb happened;
    void *context;
    bufferevent_getcb(socket, NULL, &written, &happened, &context);
    bufferevent_setcb(socket, NULL, written, happened, context);
    bufferevent_setwatermark(socket, EV_READ, 0, INPUT_LIMIT);
    bufferevent_enable(socket, EV_READ);
}

int client_open(struct client *client, struct evhttp_request *request, uint64_t serial,
    const struct client_events *events, void *context)
{
    *client = (struct client){
        .request = request,
        .connection = evhttp_request_get_connection(request),
        .chunk = evbuffer_new(),
        .events = events,
        .context = context,
        .serial = serial,
    };
    if (client->chunk == NULL) {
        evhttp_send_error(request, 500, "out of memory");
        return -1;
    }
    watch(client);
    return 0;
}

void client_header(struct client *client, const char *name, const char *value)
{
    evhttp_add_header(evhttp_request_get_output_headers(client->request), name, value);
}

void client_send_all(struct client *client, int status, const char *bytes, size_t length)
{
    evbuffer_add(client->chunk, bytes, length);
    client->body_sent = (int64_t)length;
    client->ended = true;
    evhttp_send_reply(client->request, status, NULL, client->chunk);
}

void client_begin(struct client *client, int status)
{
    evhttp_send_reply_start(client->request, status, NULL);
}

void client_send(struct client *client, const char *bytes, size_t length)
{
    evbuffer_add(client->chunk, bytes, length);
    client->body_sent += (int64_t)length;
    evhttp_send_reply_chunk_with_cb(client->request, client->chunk, on_written, client);
}

void client_finish(struct client *client)
{
    client->ended = true;
    evhttp_send_reply_end(client->request);
}

size_t client_unsent(const struct client *client)
{
    struct bufferevent *socket = evhttp_connection_get_bufferevent(client->connection);
    return evbuffer_get_length(bufferevent_get_output(socket));
}

void client_kill(struct client *client, bool reset)
{
    struct evhttp_connection *connection = client->connection;
    if (reset) {
        /* evhttp shuts its side down first, which would end it in peace. */
        struct sockaddr none = {.sa_family = AF_UNSPEC};
        (void)connect(
            bufferevent_getfd(evhttp_connection_get_bufferevent(connection)), &none, sizeof none);
    }
    let_go(client, LOG_DISCONNECTED);
    evhttp_connection_free(connection);
}
