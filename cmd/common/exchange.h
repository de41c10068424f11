/*
 * One HTTP exchange at a time per struct exchange, many at once over one
 * libcurl multi handle, whose connections stay warm between them.
 *
 * Three timeouts and no total: to connect, to the first byte of the body, and
 * between bytes. Redirects are never followed: the key would go along.
 * Failures are told in plain words of our own.
 */
#ifndef CMD_COMMON_EXCHANGE_H
#define CMD_COMMON_EXCHANGE_H

#include "agent/classify.h"
#include "base/error.h"
#include "io/loop.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange_pool {
    struct loop *loop; /* not owned */
    CURLM *multi;
    struct loop_timer timer; /* libcurl's own */
};

int exchange_pool_init(struct exchange_pool *pool, struct loop *loop, struct error *error);
void exchange_pool_release(struct exchange_pool *pool);

/* What to ask, of whom. Nothing here is kept but body, which must stay as long as the exchange. */
struct exchange_request {
    const char *url;
    const char *body; /* JSON to POST; NULL: GET */
    size_t body_length;
    const char *method;         /* NULL: as body says */
    const char *accept;         /* types of content; NULL: an event stream or JSON */
    const char *const *headers; /* "Name: value" lines, ends with NULL; NULL: none */
    const char *key;            /* NULL: none */
    const char *unix_socket;    /* NULL: none */
    const char *ca_file;        /* NULL: the system's */
    const char *proxy;          /* NULL: as the environment says */
    bool verify_tls;
    bool loopback; /* the host is this machine: no proxy from the environment */
    int64_t connect_ms;
    int64_t first_byte_ms; /* 0: no limit */
    int64_t idle_ms;       /* 0: no limit */
};

enum exchange_taken { EXCHANGE_GO_ON, EXCHANGE_STOP, EXCHANGE_WAIT };

/*
 * Bytes of the body; status and content_type are known by then. EXCHANGE_STOP
 * ends the exchange (ended is called, without a failure); EXCHANGE_WAIT: no
 * room, the same bytes come again after exchange_resume.
 */
typedef enum exchange_taken exchange_bytes(void *context, const char *bytes, size_t length);

/* It is over and may be released or started again; failure is NULL when the body came whole. */
typedef void exchange_ended(void *context, const struct failure *failure);

/* The head has come: status, content_type and exchange_header say what it holds. */
typedef void exchange_head(void *context);

struct exchange {
    struct exchange_pool *pool;
    exchange_head *head; /* NULL, or set after exchange_init */
    exchange_bytes *bytes;
    exchange_ended *ended;
    void *context;
    int status; /* HTTP; 0 until the head has come */
    char content_type[96];
    int64_t retry_after_ms; /* what the server asked for; -1: nothing. Known at the end */
    bool waiting;           /* the owner said EXCHANGE_WAIT */
    CURL *easy;             /* NULL: not running */
    struct curl_slist *headers;
    struct loop_timer timer;
    int64_t connect_ms, first_byte_ms, idle_ms;
    bool connected;
    bool stopped; /* the owner said EXCHANGE_STOP */
    size_t header_bytes;
};

void exchange_init(struct exchange *exchange, struct exchange_pool *pool, exchange_bytes *bytes,
    exchange_ended *ended, void *context);

/* Begin. 0, or -1 with a failure (the configuration cannot be used, or memory is short). */
int exchange_start(
    struct exchange *exchange, const struct exchange_request *request, struct failure *failure);

/* A header of the answer, from inside head or bytes; NULL: there is none. */
const char *exchange_header(const struct exchange *exchange, const char *name);

/* Bytes may come again. */
void exchange_resume(struct exchange *exchange);

/* From now on wait at most so long for further bytes (0: for ever). */
void exchange_set_idle(struct exchange *exchange, int64_t idle_ms);

/* Break off; ended is not called. Not from inside bytes. */
void exchange_cancel(struct exchange *exchange);

#endif
