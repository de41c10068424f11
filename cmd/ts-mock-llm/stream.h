/*
 * Plays a plan to a client: pieces, pauses, tokens at a rate, and the deaths a
 * script asks for. Bounded: it stops while the client does not read.
 */
#ifndef TS_MOCK_LLM_STREAM_H
#define TS_MOCK_LLM_STREAM_H

#include "plan.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct evhttp_request;

/* The set of running streams, and who wants to know when one ends. */
struct streams {
    struct event_base *base;
    struct stream *first;
    void (*ended)(void *context, bool counted); /* a stream is over and freed */
    void *context;
};

/*
 * Answer request by plan, which is taken over (also when this fails, which answers 500).
 * serial names the request in the log; counted is handed to ended.
 */
void stream_start(struct streams *streams, struct evhttp_request *request, struct plan *plan,
    uint64_t serial, bool counted);

/* How many streams will end by themselves. */
size_t streams_finite(const struct streams *streams);

/* End all of them, connections and all. */
void streams_abort(struct streams *streams);

#endif
