/*
 * What all calls of this process share, and the lines that come and go.
 *
 * Input is read as long as it comes; a call runs beside the others. Output is
 * collected and leaves together before the loop waits. While the reader of our
 * output lags, transfers are held, so the queue stays short.
 */
#ifndef TS_LLM_SERVICE_H
#define TS_LLM_SERVICE_H

#include "base/line_reader.h"
#include "data/config.h"
#include "io/line_writer.h"
#include "io/loop.h"
#include "common/exchange.h"
#include "ts-llm/models.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SERVICE_CALLS_MOST = 256,       /* requests in flight; more are refused */
    SERVICE_OUTPUT_HIGH = 1 << 20,  /* bytes queued above which transfers are held */
    SERVICE_OUTPUT_LOW = 256 << 10, /* ... and below which they go on */
};

struct call;

struct service {
    struct loop *loop;
    struct config *config;
    struct exchange_pool pool;
    struct line_reader input;
    struct line_writer output;
    struct model_facts *models;
    struct call *calls; /* linked; each removes itself */
    size_t call_count;
    unsigned long accepted; /* lines of work */
    unsigned long failed;
    bool input_ended;
    bool holding; /* at least one transfer waits for our reader */
};

int service_init(struct service *service, struct config *config, struct error *error);
void service_release(struct service *service);

/* Until the input has ended and everything is answered, or loop_stop. 0, or -1 with a sentence. */
int service_run(struct service *service, struct error *error);

/* Queue a line (newline added). Ends the process when memory is short. */
void service_put(struct service *service, const char *line, size_t length);

/* The queue is long: hold what produces more. */
bool service_full(struct service *service);

#endif
