/*
 * One line of work, from its arrival to its `done`, `model` or `error`: find
 * the model, ask the server, pass on what comes, try again where that helps.
 */
#ifndef TS_LLM_CALL_H
#define TS_LLM_CALL_H

#include "agent/answer.h"
#include "base/buffer.h"
#include "data/sse.h"
#include "ts-llm/endpoint.h"
#include "ts-llm/request.h"
#include "ts-llm/service.h"

#include <cjson/cJSON.h>
#include <stdint.h>

enum call_phase {
    CALL_LISTING,   /* the server's models are asked for */
    CALL_ANSWERING, /* the model is asked */
    CALL_PAUSING,   /* before another attempt */
    CALL_DRAINING,  /* answered; the rest of the body keeps the connection usable */
};

enum call_body {
    BODY_UNKNOWN, /* nothing but white space so far */
    BODY_STREAM,
    BODY_WHOLE, /* JSON, or the text of an error */
};

struct call {
    struct service *service;
    struct call *next;
    char *id; /* as JSON */
    bool resolving;
    bool told;   /* a model line has been put out; a better one may follow */
    cJSON *line; /* until the body is built */
    struct config_model model;
    struct model_facts *facts; /* the service's */
    char *key;
    struct endpoint endpoint;
    struct request_body request;
    enum call_phase phase;
    enum call_phase resume_phase; /* what to do again behind CALL_PAUSING */
    struct loop_timer pause;
    struct exchange exchange;
    enum call_body body;
    struct sse_reader events;
    struct answer answer;
    struct buffer whole;    /* a body that is no stream */
    struct failure failure; /* found while reading; text empty: none */
    bool ended_by_mark;     /* [DONE] */
    bool shown;             /* text of this attempt has been passed on */
    bool usage_dropped;
    size_t drained;
    int64_t retries;
    int64_t broken_streams; /* retries of attempts that had begun to answer */
    int64_t started_ms;
    int64_t first_ms;                               /* since started; -1: nothing came yet */
    struct buffer content_prefix, reasoning_prefix; /* of event lines */
    struct buffer out;                              /* the line being made */
};

/* Both take the line. */
void call_request(struct service *service, cJSON *line);
void call_resolve(struct service *service, cJSON *line);

/* End the calls with this id: each answers with an error of class `cancelled`. */
void call_cancel(struct service *service, const cJSON *id);

/* The reader of our output has caught up. */
void call_resume_all(struct service *service);

/* Any call that has not been answered yet. */
bool call_any_running(const struct service *service);

/* Break everything off without a word. */
void call_drop_all(struct service *service);

/* Between the files of this program. */

/* A request to url with the model's key, its ways and its time to connect; nothing else is set. */
void call_address_request(
    const struct call *call, const char *url, struct exchange_request *request);

/* Ask the server (call_answer.c). */
void call_ask(struct call *call);

/* Decide about a failed attempt: pause and try again, or report it (call_retry.c). */
void call_failed(struct call *call, const struct failure *failure);

/* Event lines (call_output.c). */
int call_put_text(void *context, enum think_kind kind, const char *text, size_t length);
void call_put_info(struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void call_put_discard(struct call *call);
void call_put_model(struct call *call, int64_t context_window);
int call_put_done(struct call *call, struct error *error);
void call_put_error(struct call *call, const struct failure *failure, const char *text);

/* The real name of the model. */
const char *call_model_name(const struct call *call);

/* The address in question, as it may be shown: "POST http://...". */
const char *call_address(const struct call *call, char *text, size_t size);

/* Go on with the phase that the pause interrupted. */
void call_continue(struct call *call);

/* Answered: release it. */
void call_end(struct call *call);

#endif
