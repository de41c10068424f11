/*
 * What kind of failure an endpoint's answer is, and what can be learnt from it.
 *
 * An overflow of the context window is recognised by llama.cpp's and OpenAI's
 * codes, else by its usual phrases, but never in what is a rate limit: those
 * speak of tokens too.
 */
#ifndef AGENT_CLASSIFY_H
#define AGENT_CLASSIFY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum failure_class {
    FAILURE_CONNECT,
    FAILURE_TIMEOUT,
    FAILURE_RATE_LIMIT,
    FAILURE_SERVER,
    FAILURE_AUTH,
    FAILURE_BAD_REQUEST,
    FAILURE_OVERFLOW,
    FAILURE_INTERRUPTED,
    FAILURE_PROTOCOL,
    FAILURE_CONFIG,
    FAILURE_CANCELLED,
    FAILURE_CONTENT_FILTER,
};

enum { FAILURE_TEXT_SIZE = 512 };

struct failure {
    enum failure_class class;
    bool again;                   /* the same request may succeed here a moment later */
    int status;                   /* HTTP; 0: none */
    int64_t context_window;       /* 0: not told */
    int64_t prompt_tokens;        /* 0: not told */
    char text[FAILURE_TEXT_SIZE]; /* one line, visible characters */
    bool stream_options_refused;  /* the server objects to stream_options */
};

/* The word for it in ts-events(5). */
const char *failure_class_name(enum failure_class class);

/* Another model or a later attempt may succeed with the same request. */
bool failure_retryable(enum failure_class class);

/* Fill in: class, again by the class, and a text, which is made visible and cut. */
void failure_set(struct failure *failure, enum failure_class class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An HTTP status that is not 200, and (the beginning of) its body, JSON or not, terminated. */
void classify_response(struct failure *failure, int status, const char *body, size_t length);

/* An error inside an answer with status 200: the payload that holds it. */
void classify_payload(struct failure *failure, const cJSON *payload);

#endif
