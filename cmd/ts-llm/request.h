/* The body of a chat completion request, from a `request` line and a model's settings. */
#ifndef TS_LLM_REQUEST_H
#define TS_LLM_REQUEST_H

#include "base/buffer.h"
#include "base/error.h"
#include "data/config.h"

#include <cjson/cJSON.h>

/*
 * stream_options is always the last member, so that a server that objects to
 * it can be asked again without: everything before it stays as it is.
 */
struct request_body {
    struct buffer text;
    size_t bare_length; /* where the text would end without stream_options and the closing brace */
};

void request_body_init(struct request_body *body);
void request_body_release(struct request_body *body);

/*
 * Only what the user set is sent, beside model, messages, tools, stream and
 * stream_options. Takes messages and tools out of line. 0, or -1 with a
 * sentence: the line is no request, extra_body no object, memory is short.
 */
int request_build(struct request_body *body, cJSON *line, const struct config_model *model,
    const char *model_name, bool usage, struct error *error);

/* Take stream_options out. */
void request_without_usage(struct request_body *body);

#endif
