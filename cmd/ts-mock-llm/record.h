/*
 * Recording: requests go on to a real backend, its answers come back as they
 * arrive, and each becomes a rule that gives the same bytes in the same pieces.
 * What the client sends as its key goes to the backend and nowhere else.
 */
#ifndef TS_MOCK_LLM_RECORD_H
#define TS_MOCK_LLM_RECORD_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct evhttp_request;
struct recorder;
struct request;

struct recorder_options {
    const char *url;                            /* the backend's base URL */
    int fd;                                     /* where rules go; not owned */
    void (*ended)(void *context, bool counted); /* an exchange is over */
    void *context;
};

/* NULL with a sentence. */
struct recorder *recorder_new(
    struct event_base *base, const struct recorder_options *options, struct error *error);
void recorder_free(struct recorder *recorder);

/* Pass request on; the client's is answered from what comes back. */
void recorder_forward(struct recorder *recorder, struct evhttp_request *http_request,
    const struct request *request, bool post, uint64_t serial);

/* How many exchanges are running. */
size_t recorder_running(const struct recorder *recorder);

/* End all of them. */
void recorder_abort(struct recorder *recorder);

#endif
