/* What the streamed and the whole form of an answer share. */
#ifndef TS_MOCK_LLM_COMPOSE_PARTS_H
#define TS_MOCK_LLM_COMPOSE_PARTS_H

#include "plan.h"
#include "script.h"
#include "template.h"

#include <stdbool.h>
#include <stddef.h>

struct call {
    const cJSON *given; /* the rule's */
    int number;         /* from 0 */
    struct buffer arguments;
    size_t at;  /* what of them was sent */
    bool begun; /* the first fragment was */
    bool done;  /* and the last */
};

struct composer {
    struct plan *plan;
    const struct answer *answer;
    const struct template_values *values;
    struct buffer head; /* a chunk up to the value of "delta" */
    struct buffer held; /* the delta that is not sent yet: a finish_reason may join it */
    struct call *calls;
    int call_count;
    bool holding;
    bool said_role;
    int64_t pieces; /* of text so far: what is told as completion_tokens */
};

bool has_quirk(const struct composer *composer, enum quirk quirk);

/* Append text with its templates expanded, when the rule has them on. 0 or -1, as all below. */
int append_text(
    const struct composer *composer, struct buffer *buffer, const char *text, bool escape);

/* The whole text of content or reasoning: a string, or an array of pieces. */
int append_whole_text(const struct composer *composer, struct buffer *buffer, const cJSON *value);

/* Where the next piece of text ends: chunk_size characters on, or at its end. */
size_t next_cut(const struct composer *composer, const char *text, size_t length);

/* The finish_reason as JSON; *absent: the key is to be left out. */
int append_finish_reason(const struct composer *composer, struct buffer *buffer, bool *absent);

/* {"prompt_tokens":...}: the rule's, or an estimate. */
int append_usage(const struct composer *composer, struct buffer *buffer);

/* A JSON string, or null. */
int append_json_text(struct buffer *buffer, const char *text);

/* Make composer->calls, with their arguments expanded. calls_close also after a failure. */
int calls_open(struct composer *composer);
void calls_close(struct composer *composer);

/* One element of a delta's "tool_calls"; call->done tells whether it was the call's last. */
int append_next_fragment(const struct composer *composer, struct buffer *buffer, struct call *call);

/* The call as the "tool_calls" of a whole message has it. */
int append_whole_call(
    const struct composer *composer, struct buffer *buffer, const struct call *call);

/* Events. */

/* Make composer->head, which begins every chunk. */
int make_head(struct composer *composer);

/* A chunk as JSON, and the same as an event: it has that delta. finish NULL: not the
 * last one. */
int append_chunk(
    const struct composer *composer, struct buffer *json, const char *delta, const char *finish);
int send_chunk(struct composer *composer, const char *delta, const char *finish);

/* An event's lines. data is JSON or [DONE]. */
int append_event(const struct composer *composer, struct buffer *bytes, const char *data);

/* An event as a piece of its own. */
int send_event(struct composer *composer, const char *data);

/* A chunk whose ,"choices": is given, or left out, perhaps with usage. */
int send_oddity(struct composer *composer, const char *choices, bool usage);
int send_stream_error(struct composer *composer);

/* The block of frames that the plan's tokens are sent from. */
int make_tokens(struct composer *composer);

/* The two forms. */

int compose_stream(struct composer *composer);
int compose_whole(struct composer *composer);

#endif
