#include "stream.h"

#include "client.h"

#include "base/clock.h"

#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>

enum {
    HEADERS_MS = 5, /* for headers without a body to leave */
    TICK_MS = 5,    /* tokens at more than 200 a second are sent in groups */
};

struct stream {
    struct streams *streams;
    struct stream *next;
    struct stream **link; /* what points to this one */
    struct client client;
    struct event *timer;
    struct plan plan;
    size_t piece;        /* the next one */
    int64_t token;       /* the next one */
    int64_t first_token; /* clock_monotonic_ms of the first; 0: not yet */
    int64_t sent_pieces;
    bool begun;   /* the headers are sent */
    bool waiting; /* for the client to read */
    bool paused;  /* until the timer rings */
    bool dying;   /* the connection is closed when what is written has left */
    bool counted;
};

static void step(struct stream *stream);

static void forget(void *context)
{
    struct stream *stream = context;
    struct streams *streams = stream->streams;
    *stream->link = stream->next;
    if (stream->next != NULL)
        stream->next->link = stream->link;
    if (stream->timer != NULL)
        event_free(stream->timer);
    plan_release(&stream->plan);
    bool counted = stream->counted;
    free(stream);
    streams->ended(streams->context, counted);
}

static void kill_stream(struct stream *stream)
{
    client_kill(&stream->client, stream->plan.reset);
    forget(stream);
}

static void pause_for(struct stream *stream, int64_t milliseconds)
{
    stream->paused = true;
    struct timeval time = {.tv_sec = (time_t)(milliseconds / 1000),
        .tv_usec = (suseconds_t)(milliseconds % 1000 * 1000)};
    evtimer_add(stream->timer, &time);
}

static void on_written(void *context)
{
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
    if (stream->plan.content_type != NULL)
        client_header(&stream->client, "Content-Type", stream->plan.content_type);
    client_header(&stream->client, "Cache-Control", "no-cache");
    const cJSON *header;
    cJSON_ArrayForEach(header, stream->plan.headers)
    {
        client_header(&stream->client, header->string, header->valuestring);
    }
}

static void send_piece(struct stream *stream)
{
    const struct plan *plan = &stream->plan;
    size_t from = stream->piece == 0 ? 0 : plan->ends[stream->piece - 1];
    client_send(&stream->client, plan->bytes.data + from, plan->ends[stream->piece] - from);
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
    client_send(&stream->client, plan->block.data + (size_t)at * plan->frame_size,
        (size_t)count * plan->frame_size);
    stream->token += count;
    stream->sent_pieces += count;
}

static void die_when_written(struct stream *stream)
{
    stream->dying = true;
    if (client_unsent(&stream->client) == 0)
        pause_for(stream, 0);
    else if (stream->sent_pieces > 0)
        stream->waiting = true;
    else
        pause_for(stream, HEADERS_MS); /* evhttp tells of bodies only */
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
        if (client_unsent(&stream->client) >= CLIENT_OUTPUT_LIMIT) {
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
            if (!plan->hang)
                client_finish(&stream->client);
            return;
        }
        if (wait > 0) {
            pause_for(stream, wait);
            return;
        }
    }
}

static void begin(struct stream *stream)
{
    const struct plan *plan = &stream->plan;
    stream->begun = true;
    if (plan->disconnect) {
        kill_stream(stream);
        return;
    }
    add_headers(stream);
    if (plan->whole) {
        client_send_all(&stream->client, plan->status, plan->bytes.data, plan->bytes.length);
        return;
    }
    client_begin(&stream->client, plan->status);
    if (plan->first_byte_delay_ms > 0)
        pause_for(stream, plan->first_byte_delay_ms);
    else
        step(stream);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct stream *stream = context;
    stream->paused = false;
    if (stream->dying && client_unsent(&stream->client) == 0)
        kill_stream(stream);
    else if (stream->dying)
        die_when_written(stream);
    else if (!stream->begun)
        begin(stream);
    else if (!stream->waiting)
        step(stream);
}

static const struct client_events events = {.written = on_written, .over = forget};

void stream_start(struct streams *streams, struct evhttp_request *request, struct plan *plan,
    uint64_t serial, bool counted)
{
    struct stream *stream = calloc(1, sizeof *stream);
    struct event *timer = stream == NULL ? NULL : evtimer_new(streams->base, on_timer, stream);
    if (timer == NULL) {
        free(stream);
        plan_release(plan);
        evhttp_send_error(request, 500, "out of memory");
        return;
    }
    *stream = (struct stream){
        .streams = streams,
        .next = streams->first,
        .link = &streams->first,
        .timer = timer,
        .plan = *plan,
        .counted = counted,
    };
    if (stream->next != NULL)
        stream->next->link = &stream->next;
    streams->first = stream;
    if (client_open(&stream->client, request, serial, &events, stream) < 0)
        forget(stream);
    else if (stream->plan.delay_ms > 0 || stream->plan.disconnect)
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
        kill_stream(streams->first);
}
