/*
 * One line of ts-events(5) as ts-render needs it.
 *
 * Texts belong to the event; they are as the line has them, control bytes and
 * all: whoever shows them uses text_append.
 */
#ifndef TS_RENDER_EVENT_H
#define TS_RENDER_EVENT_H

#include "base/error.h"
#include "data/json.h"

#include <stdbool.h>
#include <stddef.h>

struct buffer;

enum event_type {
    EVENT_OTHER, /* unknown here, or of no interest to a reader */
    EVENT_ACK,
    EVENT_APPROVAL_REQUEST,
    EVENT_APPROVAL_RESOLVED,
    EVENT_CANCELLED,
    EVENT_CONTENT,
    EVENT_DISCARD,
    EVENT_ERROR,
    EVENT_INFO,
    EVENT_PLAN_REVIEW,
    EVENT_QUEUED,
    EVENT_REASONING,
    EVENT_RESULT,
    EVENT_SESSION,
    EVENT_STATE_CHANGE,
    EVENT_STATUS,
    EVENT_STREAM_END,
    EVENT_TOOL_INFO,
    EVENT_TOOL_OUTPUT_CHUNK,
    EVENT_TOOL_RESULT,
    EVENT_TURN_COMPLETE,
};

struct event {
    enum event_type type;
    cJSON *tree;
    const char *id;   /* of the model call; "" when the line has none */
    const char *text; /* "text", "message" or "chunk"; "" when the line has none */
};

/* 0, or -1 with a sentence; then there is nothing to release. */
int event_parse(struct event *event, const char *line, size_t length, struct error *error);
void event_release(struct event *event);

/*
 * Append what a model or a tool wrote so that it can do nothing to a terminal:
 * control bytes and bidirectional overrides made visible, CR LF taken as LF.
 * Ends the program when memory is short.
 */
void text_append(struct buffer *buffer, const char *text, size_t length);

/* The same on one line: newlines and tabs too are shown as symbols. */
void text_append_line(struct buffer *buffer, const char *text);

#endif
