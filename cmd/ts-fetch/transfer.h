/*
 * One request and its answer, without following anything.
 *
 * The address is checked when the socket is made, with the very bytes that are
 * then connected to: there is no second look-up that could give another answer.
 * Each transfer has a connection of its own, no proxy, no cookies, no .netrc.
 */
#ifndef TS_FETCH_TRANSFER_H
#define TS_FETCH_TRANSFER_H

#include "base/buffer.h"
#include "base/exit_code.h"
#include "rules.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

enum { CONTENT_TYPE_SIZE = 256 };

struct transfer {
    /* Set by the caller. */
    const struct rules *rules;
    const struct url *url;
    int64_t deadline;                 /* clock_monotonic_ms */
    size_t most;                      /* bytes of the body that are kept */
    const struct buffer *post;        /* the body to send; NULL: GET */
    const struct curl_slist *headers; /* further ones; NULL: none */

    /* Set by transfer_run. */
    long status;
    char content_type[CONTENT_TYPE_SIZE]; /* empty: none was sent */
    char *location;                       /* where a redirect leads, absolute; owned; NULL: none */
    struct buffer body;                   /* unpacked; owned */
    bool truncated;                       /* there was more of it */
    enum exit_code code;                  /* when it failed */

    /* Its own. */
    CURL *easy;
    size_t header_bytes;
    bool typed;           /* the content type was looked at */
    bool stopped;         /* by us, with all we wanted */
    struct error refusal; /* why a callback stopped it; empty: none did */
    char error_text[CURL_ERROR_SIZE];
};

void transfer_init(struct transfer *transfer, const struct rules *rules);
void transfer_release(struct transfer *transfer);

/* 0, or -1 with a sentence and the code to exit with. Any status of the server is success. */
int transfer_run(struct transfer *transfer, struct error *error);

/* A 3xx that names another place. */
bool transfer_redirects(const struct transfer *transfer);

#endif
