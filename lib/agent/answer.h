/*
 * One answer of a model: the payloads of its event stream, or a whole JSON
 * answer, turned into pieces of text for whoever watches and into the message
 * that is kept.
 *
 * Tolerated, because servers do it: chunks that are null, choices absent, null
 * or empty, content given as a list of parts, invalid UTF-8 and "\u0000" inside
 * strings (replaced), several JSON values in the data lines of one event.
 */
#ifndef AGENT_ANSWER_H
#define AGENT_ANSWER_H

#include "agent/assembly.h"
#include "agent/think.h"
#include "base/buffer.h"
#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum answer_status {
    ANSWER_MORE,    /* go on */
    ANSWER_END,     /* the server said [DONE] */
    ANSWER_REFUSED, /* the server sent an error: answer.refusal */
    ANSWER_BAD,     /* this is no answer, or too large a one: a sentence says why */
};

/* A piece of text as it arrives; -1 stops (memory). think_text's contract. */
struct answer {
    struct assembly assembly;
    struct think_splitter think;
    think_text *text;
    void *context;
    struct buffer scratch;
    cJSON *refusal; /* owned; the payload that holds an error */
    bool began;     /* text or a tool call has arrived */
};

void answer_init(struct answer *answer, enum think_mode mode, think_text *text, void *context);
void answer_release(struct answer *answer);

/* Forget everything, for another attempt. */
void answer_reset(struct answer *answer, enum think_mode mode);

/* One payload of the stream. error_event: its event was named "error". */
enum answer_status answer_payload(struct answer *answer, const char *payload, size_t length,
    bool error_event, struct error *error);

/* A whole JSON answer, as servers give it that do not stream. */
enum answer_status answer_whole(
    struct answer *answer, const char *body, size_t length, struct error *error);

/* No more comes: hand out what was held back, put the message right. 0, or -1 with a sentence. */
int answer_finish(struct answer *answer, struct error *error);

/* The content looks like a tool call that the server did not parse. */
bool answer_is_tool_call_text(const char *content, size_t length);

#endif
