/*
 * ts-mcp-http: messages of the Model Context Protocol between standard input
 * and output, one a line, and an HTTP server. Source: modelcontextprotocol.io,
 * basic/transports, "Streamable HTTP", revisions 2025-03-26 to 2026-07-28.
 *
 *   main.c      options, signals
 *   bridge.c    lines in and out, who waits for whom, the end
 *   post.c      one message to the server, and what comes back
 *   resume.c    the server's own stream, and streams that broke off
 *   mirror.c    what of a message is said again in headers
 *   headers.c   header lines
 *
 * Each message is one POST; several are under way at once. The answer is JSON,
 * or a stream of events of which each is a message. A server of the versions
 * with a session names it in its answer to initialize; it then comes back with
 * every request, and is ended by DELETE.
 */
#ifndef TS_MCP_HTTP_BRIDGE_H
#define TS_MCP_HTTP_BRIDGE_H

#include "agent/redact.h"
#include "base/line_reader.h"
#include "common/exchange.h"
#include "data/sse.h"
#include "headers.h"
#include "io/line_writer.h"
#include "io/loop.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    POSTS_MOST = 64,              /* messages under way or waiting; more are refused */
    POSTS_BYTES_MOST = 128 << 20, /* of all of them */
    OUTPUT_HIGH = 1 << 20,        /* bytes queued above which transfers are held */
    OUTPUT_LOW = 256 << 10,       /* ... and below which they go on */
    SESSION_SIZE = 1024,
    VERSION_SIZE = 64,
    TRANSPORT_ERROR = -32000, /* code of our own errors, from JSON-RPC's range for servers */
};

enum post_kind {
    POST_REQUEST, /* wants an answer */
    POST_NOTICE,  /* a notification, or an answer of the client's */
    POST_LISTEN,  /* the GET stream of the server's own messages */
};

enum post_content { CONTENT_UNKNOWN, CONTENT_JSON, CONTENT_EVENTS, CONTENT_OTHER };

struct bridge;

struct post {
    struct post *next;
    struct bridge *bridge;
    enum post_kind kind;
    bool started;
    char *id;      /* of a request, as JSON; NULL: none */
    char *method;  /* NULL: an answer */
    char *version; /* that the message itself names (2026-07-28 and later); NULL: none */
    char *body;
    size_t length;
    struct headers headers;
    struct exchange exchange;

    /* What comes back. */
    enum post_content content;
    struct buffer text; /* JSON, or what stands in place of it */
    struct sse_reader events;
    bool answered;
    bool redirected; /* send it once more, to the new address */
    int redirects;
    struct error error; /* why what came cannot be used; empty: it can */

    /* A stream that broke off. */
    bool resuming;
    int attempts;
    struct loop_timer again;
};

enum bridge_stage { STAGE_RUNNING, STAGE_LEAVING, STAGE_GONE };

struct bridge {
    struct loop *loop;
    struct exchange_pool pool;
    struct line_reader input;
    struct line_writer output;
    struct redactor redactor;
    struct headers headers; /* of every request */
    char *url;
    bool loopback;
    int64_t connect_ms;
    int64_t answer_ms;

    struct post *posts; /* in the order in which they came */
    size_t post_count;
    size_t post_bytes;
    char session[SESSION_SIZE]; /* "": none */
    char version[VERSION_SIZE]; /* that was agreed upon; "": none yet */
    cJSON *mirrored;            /* mirror.c */
    bool listens;               /* the server's stream is wanted: everybody has been greeted */
    bool holding;               /* the reader of our output lags */
    bool input_ended;
    int lost; /* errno of the output that nobody takes any more; 0: it is taken */
    enum bridge_stage stage;
    int exit_code;
    struct exchange farewell;
};

/* bridge.c */

/* url is a copy that the bridge takes. 0, or -1 with a sentence. */
int bridge_init(struct bridge *bridge, char *url, struct error *error);
void bridge_release(struct bridge *bridge);
int bridge_run(struct bridge *bridge, struct error *error);
/* End everything; the first exit code counts. */
void bridge_leave(struct bridge *bridge, int exit_code);
/* The server does not know the session any more: end, without a word to it. */
void bridge_session_over(struct bridge *bridge);
/* Queue a message; a list of them becomes several lines. */
void bridge_put(struct bridge *bridge, const cJSON *message);
/* The error that answers a request; id is JSON, NULL: of no request. */
void bridge_put_error(struct bridge *bridge, const char *id, int code, const char *class,
    int status, const char *text);
bool bridge_full(struct bridge *bridge);

/* post.c */

/* Takes tree, one message. */
void post_new(struct bridge *bridge, cJSON *tree, const char *line, size_t length);
void post_start(struct post *post);
void post_free(struct post *post); /* breaks it off */
/* Whether the messages behind it must wait for it. */
bool post_is_barrier(const struct post *post);
void post_fail(struct post *post, enum failure_class class, int status, const char *text);

/* resume.c */

void listen_start(struct bridge *bridge);
void listen_ended(struct post *post, const struct failure *failure);
/* Take a broken stream up again, a little later. False: that cannot be. */
bool resume_later(struct post *post);

/* mirror.c */

/* Headers that repeat parts of the message. 0, or -1 with a sentence. */
int mirror_message(struct post *post, const cJSON *message, struct error *error);
/* A list of tools passes: keep what they want to have repeated, and take out those whose wish is
 * no valid one. */
void mirror_tools(struct bridge *bridge, cJSON *message);

#endif
