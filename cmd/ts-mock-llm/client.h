/*
 * One request being answered, and the connection it came on: evhttp's rules
 * about who frees what when a client leaves are kept here.
 *
 * A client ends exactly once: by events->over (the answer has left, or the
 * other side has), or by client_kill. It must not be used
 * afterwards. The end is written to the request log.
 */
#ifndef TS_MOCK_LLM_CLIENT_H
#define TS_MOCK_LLM_CLIENT_H

#include "log.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;
struct evhttp_connection;
struct evhttp_request;

enum { CLIENT_OUTPUT_LIMIT = 256 << 10 }; /* bytes: do not send more until written is called */

struct client_events {
    void (*written)(void *context); /* everything sent so far has left */
    void (*over)(void *context);
};

struct client {
    struct evhttp_request *request;
    struct evhttp_connection *connection;
    struct evbuffer *chunk;
    const struct client_events *events;
    void *context;
    int64_t body_sent; /* bytes */
    uint64_t serial;   /* in the log */
    bool ended;        /* the last byte was handed to evhttp */
};

/* 0, or -1 when memory is short: the request was then answered with status 500. */
int client_open(struct client *client, struct evhttp_request *request, uint64_t serial,
    const struct client_events *events, void *context);

/* Add a header to the response; before one of the two that follow. */
void client_header(struct client *client, const char *name, const char *value);

/* A complete response with its length. over comes when it has left. */
void client_send_all(struct client *client, int status, const char *bytes, size_t length);

/* Begin a chunked response; client_send adds one chunk, client_finish ends it. */
void client_begin(struct client *client, int status);
void client_send(struct client *client, const char *bytes, size_t length);
void client_finish(struct client *client);

/* Bytes that have not left yet. */
size_t client_unsent(const struct client *client);

/* Close the connection, by RST if asked. Not from within events->written. */
void client_kill(struct client *client, bool reset);

#endif
