/*
 * The request log: one JSON line per request, written before it is answered,
 * and one when its answer has ended. Tests read it to see what was sent. Keys
 * and cookies are left out.
 */
#ifndef TS_MOCK_LLM_LOG_H
#define TS_MOCK_LLM_LOG_H

#include "base/error.h"

#include <stdint.h>

struct request;

enum log_end {
    LOG_COMPLETE,      /* the whole answer was handed to the kernel */
    LOG_CLIENT_CLOSED, /* the client left before its end */
    LOG_DISCONNECTED,  /* we closed, as the rule says */
};

/* Append to the file; -1 with a sentence. Without it the functions below do nothing. */
int log_open(const char *path, struct error *error);

/* rule: the line of the rule that answers; 0: none. */
void log_request(const struct request *request, const char *method, uint64_t serial,
    unsigned long rule, int status);
void log_end(uint64_t serial, enum log_end how, int64_t body_bytes);

#endif
