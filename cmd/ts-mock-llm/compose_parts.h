/* What the streamed and the whole form of an answer share. */
#ifndef TS_MOCK_LLM_COMPOSE_PARTS_H
#define TS_MOCK_LLM_COMPOSE_PARTS_H

#include "plan.h"
#include "script.h"
#include "template.h"

#include <stdbool.h>
#include <stddef.h>

struct composer {
    struct plan *plan;
    const struct answer *answer;
    const struct template_values *values;
    struct buffer head; /* a chunk up to the value of "delta" */
    struct buffer held; /* the delta that is not sent yet: a finish_reason may join it */
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

/* The finish_reason as JSON; NULL: leave the key out. */
int append_finish_reason(const struct composer *composer, struct buffer *buffer, bool *absent);

/* {"prompt_tokens":...}: the rule's, or an estimate. */
int append_usage(const struct composer *composer, struct buffer *buffer);

/* A JSON string, or null. */
int append_json_text(struct buffer *buffer, const char *text);

/* ---- tool calls ---- */

/* How many fragments call (the numberth) is sent in. Negative: memory is short. */
long call_fragments(const struct composer *composer, const cJSON *call);

/* One element of a delta's "tool_calls": fragment 0 to call_fragments - 1. */
int append_call_fragment(const struct composer *composer, struct buffer *buffer, const cJSON *call,
    int number, long fragment);

/* The call as the "tool_calls" of a whole message has it. */
int append_whole_call(
    const struct composer *composer, struct buffer *buffer, const cJSON *call, int number);

/* ---- the two forms ---- */

int compose_stream(struct composer *composer);
int compose_whole(struct composer *composer);

#endif
