/*
 * What a client asked: the parts of a chat completion request that rules match
 * on and that answers quote.
 *
 * A request owns its tree and texts (request_release). headers and raw belong
 * to the HTTP request and are valid while it is being dispatched.
 */
#ifndef TS_MOCK_LLM_REQUEST_H
#define TS_MOCK_LLM_REQUEST_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evkeyvalq;

struct request {
    const char *path; /* below the base URL: "/chat/completions" */
    const struct evkeyvalq *headers;
    const char *raw; /* the body; NUL behind it */
    size_t raw_length;
    int64_t number; /* of chat completions, from 1; 0 for anything else */
    cJSON *body;
    const char *model; /* never NULL after request_read */
    const char *role;  /* of the last message that is a user's or a tool's; "" when there is none */
    const char *text;  /* its text; points to one of the three below */
    char *last_user;   /* never NULL after request_read, like the next two */
    char *last_tool_result;
    char *system;
    bool stream;
    bool include_usage;
};

/* Parse raw as a chat completion request. 0, or -1 with a sentence for the client. */
int request_read(struct request *request, const char *default_model, struct error *error);
void request_release(struct request *request);

/* Whether a tool of that name is offered; NULL: any tool. */
bool request_offers_tool(const struct request *request, const char *name);

#endif
