#include "stream.h"

#include "base/clock.h"
#include "log.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    OUTPUT_LIMIT = 256 << 10,   /* bytes held for a client before we wait for it to read */
    INPUT_LIMIT = 64 << 10,     /* bytes taken of what a client sends while it is answered */
    TICK_MS = 5,                /* tokens at more than 200 a second are sent in groups */
    IDLE_TIMEOUT_SECONDS = 300, /* of a kept connection between two requests */
};

struct stream {
    struct streams *streams;
    struct stream *next;
    struct stream **link; /* what points to this one */
    struct evhttp_request *request;
    struct evhttp_connection *connection;
    struct event *timer;
    struct evbuffer *chunk;
    struct plan plan;
    size_t piece;        /* the next one */
    int64_t token;       /* the next one */
    int64_t first_token; /* clock_monotonic_ms of the first; 0: not yet */
    int64_t sent_pieces;
    int64_t body_sent;
    uint64_t serial;
    bool begun;   /* the headers are sent */
    bool waiting; /* for the client to read */
    bool paused;  /* until the timer rings */
    bool dying;   /* the connection is closed when what is written has left */
    bool ended;   /* the last byte is handed to evhttp */
    bool counted;
};

static void step(struct stream *stream);

static void forget(struct stream *stream, enum log_end how)
{
    struct streams *streams = stream->streams;
    log_end(stream->serial, how, stream->body_sent);
    *stream->link = stream->next;
    if (stream->next != NULL)
        stream->next->link = stream->link;
    streams->count--;
    evhttp_connection_set_closecb(stream->connection, NULL, NULL);
    if (stream->timer != NULL)
        event_free(stream->timer);
    if (stream->chunk != NULL)
        evbuffer_free(stream->chunk);
    plan_release(&stream->plan);
    bool counted = stream->counted;
    free(stream);
    streams->ended(streams->context, counted);
}

static void on_client_closed(struct evhttp_connection *connection, void *context)
{
    (void)connection;
    struct stream *stream = context;
    /* A request whose answer has not been finished was detached from the dying connection, and
     * frees itself when it is told to finish. */
    if (!stream->ended && evhttp_request_get_connection(stream->request) == NULL)
        evhttp_send_reply_end(stream->request);
    forget(stream, LOG_CLIENT_CLOSED);
}

static void on_complete(struct evhttp_request *request, void *context)
{
    (void)request;
    struct stream *stream = context;
    struct bufferevent *socket = evhttp_connection_get_bufferevent(stream->connection);
    bufferevent_setwatermark(socket, EV_READ, 0, 0);
    evhttp_connection_set_timeout(stream->connection, IDLE_TIMEOUT_SECONDS);
    forget(stream, LOG_COMPLETE);
}

/* Close the connection without finishing the body. Never called by the connection itself. */
static void kill_connection(struct stream *stream)
{
    struct evhttp_connection *connection = stream->connection;
    if (stream->plan.reset) {
        struct linger linger = {.l_onoff = 1};
        evutil_socket_t fd =
            bufferevent_getfd(evhttp_connection_get_bufferevent(stream->connection));
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    forget(stream, LOG_DISCONNECTED);
    evhttp_connection_free(connection);
}

static void pause_for(struct stream *stream, int64_t milliseconds)
{
    stream->paused = true;
    struct timeval time = {.tv_sec = (time_t)(milliseconds / 1000),
        .tv_usec = (suseconds_t)(milliseconds % 1000 * 1000)};
    evtimer_add(stream->timer, &time);
}

static size_t unsent(const struct stream *stream)
{
    struct bufferevent *socket = evhttp_connection_get_bufferevent(stream->connection);
    return evbuffer_get_length(bufferevent_get_output(socket));
}

static void on_written(struct evhttp_connection *connection, void *context)
{
    (void)connection;
    struct stream *stream = context;
    if (!stream->waiting)
        return;
    stream->waiting = false;
    if (stream->dying)
        pause_for(stream, 0);
    else if (!stream->paused)
        step(stream);
}

static void add_headers(struct stream *stream)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(stream->request);
    if (stream->plan.content_type != NULL)
        evhttp_add_header(headers, "Content-Type", stream->plan.content_type);
    evhttp_add_header(headers, "Cache-Control", "no-cache");
    const cJSON *header;
    cJSON_ArrayForEach(header, stream->plan.headers)
    {
        evhttp_add_header(headers, header->string, header->valuestring);
    }
}

static void send_bytes(struct stream *stream, const char *bytes, size_t length)
{
    evbuffer_add(stream->chunk, bytes, length);
    stream->body_sent += (int64_t)length;
    evhttp_send_reply_chunk_with_cb(stream->request, stream->chunk, on_written, stream);
}

static void send_piece(struct stream *stream)
{
    const struct plan *plan = &stream->plan;
    size_t from = stream->piece == 0 ? 0 : plan->ends[stream->piece - 1];
    send_bytes(stream, plan->bytes.data + from, plan->ends[stream->piece] - from);
    stream->piece++;
    stream->sent_pieces++;
}

/* How many tokens may go now; 0 with the time until the next one in *wait. */
static int64_t tokens_due(struct stream *stream, int64_t *wait)
{
    const struct plan *plan = &stream->plan;
    int64_t left = plan->tokens - stream->token;
    *wait = 0;
    if (plan->rate <= 0)
        return left;
    int64_t now = clock_monotonic_ms();
    if (stream->first_token == 0)
        stream->first_token = now;
    int64_t due = (int64_t)((double)(now - stream->first_token) * plan->rate / 1000) + 1;
    if (due > plan->tokens)
        due = plan->tokens;
    if (due > stream->token)
        return due - stream->token;
    double next = (double)stream->token * 1000 / plan->rate;
    *wait = stream->first_token + (int64_t)next + 1 - now;
    if (*wait < TICK_MS)
        *wait = TICK_MS;
    return 0;
}

/* As many tokens as are due and stand side by side in the block. */
static void send_tokens(struct stream *stream, int64_t due)
{
    const struct plan *plan = &stream->plan;
    int64_t frames = (int64_t)(plan->block.length / plan->frame_size);
    int64_t at = stream->token % frames;
    int64_t count = due < frames - at ? due : frames - at;
    if (plan->disconnect_after >= 0 && count > plan->disconnect_after - stream->sent_pieces)
        count = plan->disconnect_after - stream->sent_pieces;
    send_bytes(
        stream, plan->block.data + (size_t)at * plan->frame_size, (size_t)count * plan->frame_size);
    stream->token += count;
    stream->sent_pieces += count;
}

static void finish(struct stream *stream)
{
    if (stream->plan.hang)
        return;
    stream->ended = true;
    evhttp_send_reply_end(stream->request);
}

static void die_when_written(struct stream *stream)
{
    stream->dying = true;
    if (unsent(stream) > 0)
        stream->waiting = true;
    else
        pause_for(stream, 0);
}

/* Send what may be sent now, and arrange to be called again. */
static void step(struct stream *stream)
{
    const struct plan *plan = &stream->plan;
    for (;;) {
        if (plan->disconnect_after >= 0 && stream->sent_pieces >= plan->disconnect_after) {
            die_when_written(stream);
            return;
        }
        if (unsent(stream) >= OUTPUT_LIMIT) {
            stream->waiting = true;
            return;
        }
        int64_t wait = plan->chunk_delay_ms;
        if (stream->piece == plan->tokens_before && stream->token < plan->tokens) {
            if (stream->token == 0 && stream->first_token == 0 && plan->first_token_delay_ms > 0) {
                stream->first_token = clock_monotonic_ms() + plan->first_token_delay_ms;
                pause_for(stream, plan->first_token_delay_ms);
                return;
            }
            int64_t due = tokens_due(stream, &wait);
            if (due > 0) {
                send_tokens(stream, due);
                continue;
            }
        } else if (stream->piece < plan->count) {
            send_piece(stream);
        } else {
            finish(stream);
            return;
        }
        if (wait > 0) {
            pause_for(stream, wait);
            return;
        }
    }
}

static void send_whole(struct stream *stream)
{
    const struct plan *plan = &stream->plan;
    add_headers(stream);
    evbuffer_add(stream->chunk, plan->bytes.data, plan->bytes.length);
    stream->body_sent = (int64_t)plan->bytes.length;
    stream->ended = true;
    evhttp_send_reply(stream->request, plan->status, NULL, stream->chunk);
}

static void begin(struct stream *stream)
{
    stream->begun = true;
    if (stream->plan.disconnect) {
        kill_connection(stream);
        return;
    }
    if (stream->plan.whole) {
        send_whole(stream);
        return;
    }
    add_headers(stream);
    evhttp_send_reply_start(stream->request, stream->plan.status, NULL);
    if (stream->plan.first_byte_delay_ms > 0)
        pause_for(stream, stream->plan.first_byte_delay_ms);
    else
        step(stream);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct stream *stream = context;
    stream->paused = false;
    if (stream->dying)
        kill_connection(stream);
    else if (!stream->begun)
        begin(stream);
    else if (!stream->waiting)
        step(stream);
}

/*
 * While an answer runs, nothing times out, and a client that leaves is noticed
 * also before the first byte: evhttp itself reads again only when it writes.
 */
static void watch_client(struct stream *stream)
{
    static const struct timeval never = {0};
    struct bufferevent *socket = evhttp_connection_get_bufferevent(stream->connection);
    evhttp_connection_set_timeout_tv(stream->connection, &never);
    evhttp_connection_set_closecb(stream->connection, on_client_closed, stream);
    evhttp_request_set_on_complete_cb(stream->request, on_complete, stream);
    bufferevent_data_cb written;
    bufferevent_event_cb happened;
    void *context;
    bufferevent_getcb(socket, NULL, &written, &happened, &context);
    bufferevent_setcb(socket, NULL, written, happened, context);
    bufferevent_setwatermark(socket, EV_READ, 0, INPUT_LIMIT);
    bufferevent_enable(socket, EV_READ);
}

void stream_start(struct streams *streams, struct evhttp_request *request, struct plan *plan,
    uint64_t serial, bool counted)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        plan_release(plan);
        evhttp_send_error(request, 500, "out of memory");
        return;
    }
    *stream = (struct stream){
        .streams = streams,
        .next = streams->first,
        .link = &streams->first,
        .request = request,
        .connection = evhttp_request_get_connection(request),
        .plan = *plan,
        .serial = serial,
        .counted = counted,
    };
    if (stream->next != NULL)
        stream->next->link = &stream->next;
    streams->first = stream;
    streams->count++;
    stream->timer = evtimer_new(streams->base, on_timer, stream);
    stream->chunk = evbuffer_new();
    if (stream->timer == NULL || stream->chunk == NULL) {
        forget(stream, LOG_DISCONNECTED);
        evhttp_send_error(request, 500, "out of memory");
        return;
    }
    watch_client(stream);
    if (stream->plan.delay_ms > 0 || stream->plan.disconnect)
        pause_for(stream, stream->plan.delay_ms);
    else
        begin(stream);
}

size_t streams_finite(const struct streams *streams)
{
    size_t count = 0;
    for (const struct stream *stream = streams->first; stream != NULL; stream = stream->next)
        if (!stream->plan.hang)
            count++;
    return count;
}

void streams_abort(struct streams *streams)
{
    while (streams->first != NULL)
        kill_connection(streams->first);
}
