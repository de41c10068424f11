/*
 * Where the server listens. A process that has no descriptor left stops
 * accepting for a moment instead of spinning; that is also how --max-connections
 * works: the limit of open files is set to it, and the kernel counts.
 */
#ifndef TS_MOCK_LLM_SERVER_LISTEN_H
#define TS_MOCK_LLM_SERVER_LISTEN_H

#include "base/error.h"

#include <stddef.h>

struct event_base;
struct evhttp;
struct server_options;
struct listeners;

/* NULL with a sentence. url becomes the base URL. */
struct listeners *listeners_open(struct event_base *base, struct evhttp *http,
    const struct server_options *options, char *url, size_t size, struct error *error);

/* Accept nothing more, and remove the Unix socket. */
void listeners_close(struct listeners *listeners);
void listeners_free(struct listeners *listeners);

#endif
