/* The HTTP side: listeners, limits, routes, and what a request becomes. */
#ifndef TS_MOCK_LLM_SERVER_H
#define TS_MOCK_LLM_SERVER_H

#include "base/error.h"
#include "script.h"

#include <stdbool.h>
#include <stdint.h>

enum { SERVER_MODELS = 64 };

struct server_options {
    const char *address;   /* an IP address; NULL with unix_path only */
    int port;              /* 0: any */
    const char *unix_path; /* NULL: none */
    const char *models[SERVER_MODELS];
    int model_count;        /* at least 1 */
    int64_t context_window; /* 0: not told */
    const char *key;        /* NULL: none is asked for */
    int64_t requests;       /* exit after so many chat completions; 0: never */
    int64_t connections;    /* the most at a time */
    struct script *script;
    const char *record_url; /* the backend to record from; NULL: none */
    int record_fd;          /* where its answers go */
};

struct server;

/* Listen. NULL with a sentence. url (of size bytes) becomes the base URL. */
struct server *server_new(
    const struct server_options *options, char *url, size_t size, struct error *error);

/* Serve until a signal or until enough requests were answered: 0, or the signal's number. */
int server_run(struct server *server);
void server_free(struct server *server);

#endif
