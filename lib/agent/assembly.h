/*
 * The message that grows out of the deltas of one answer.
 *
 * Servers disagree about tool calls, so a fragment's call is found like this:
 * a known id means that call; a new id means a new call, even at an index that
 * is taken; without an id the index decides; with neither, the fragment
 * continues the call last spoken of. A fragment without id that brings a name
 * to a call whose arguments are already whole JSON begins a new call. Empty
 * ids and names count as absent. Arguments may be a text in pieces or one
 * object.
 *
 * Everything is bounded: an answer that grows beyond ASSEMBLY_LIMIT bytes is
 * refused (-1, errno EMSGSIZE).
 */
#ifndef AGENT_ASSEMBLY_H
#define AGENT_ASSEMBLY_H

#include "base/buffer.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ASSEMBLY_LIMIT = 64 << 20, /* bytes of text, and of tool calls, of one answer */
    ASSEMBLY_CALLS_MOST = 256, /* tool calls in one answer */
    ASSEMBLY_ID_LIMIT = 256,   /* a longer id counts as absent */
    ASSEMBLY_REASON_SIZE = 48, /* finish reason and its NUL */
};

struct assembly_call {
    char *id;   /* NULL: none came yet */
    char *name; /* NULL: none came yet */
    struct buffer arguments;
    int64_t index; /* -1: none */
    /* Progress through the arguments' JSON, kept so that 'is it whole' costs nothing. */
    int depth;
    bool in_string;
    bool escaped;
    bool whole;
};

struct assembly_usage {
    bool known;
    int64_t prompt_tokens;
    int64_t completion_tokens;
    int64_t total_tokens;
};

struct assembly {
    struct buffer content;
    struct buffer reasoning;
    const char *reasoning_field; /* static: the member reasoning came in; NULL: in tags, or none */
    struct assembly_call *calls; /* owned */
    size_t call_count;
    size_t open_call; /* the one last spoken of; meaningless without calls */
    size_t call_bytes;
    char finish_reason[ASSEMBLY_REASON_SIZE]; /* empty: none came */
    struct assembly_usage usage;
    struct buffer notes; /* what had to be put right: JSON strings separated by commas */
};

void assembly_init(struct assembly *assembly);
void assembly_release(struct assembly *assembly);

/* Forget everything, for another attempt. */
void assembly_clear(struct assembly *assembly);

/* Each returns 0, or -1 with errno ENOMEM or EMSGSIZE. */
int assembly_add_content(struct assembly *assembly, const char *text, size_t length);
int assembly_add_reasoning(
    struct assembly *assembly, const char *field, const char *text, size_t length);

/* The value of a delta's (or a whole message's) "tool_calls"; what is no array is ignored. */
int assembly_add_calls(struct assembly *assembly, const cJSON *calls);

/* NULL and "" are ignored; the last one counts. */
void assembly_set_finish_reason(struct assembly *assembly, const char *reason);

/* The value of a chunk's "usage"; ignored unless both counts are there. */
void assembly_set_usage(struct assembly *assembly, const cJSON *usage);

/* Add a sentence about what had to be put right. 0 or -1. */
int assembly_note(struct assembly *assembly, const char *sentence);

/*
 * The stream is over: drop calls that were never named, and with finish reason
 * "length" those that were cut off; trim names, make missing and repeated ids
 * unique, empty arguments "{}"; "stop" with calls becomes "tool_calls". 0 or -1.
 */
int assembly_finish(struct assembly *assembly);

/* Append the message object, as ts-llm's "done" has it. 0 or -1. */
int assembly_write_message(const struct assembly *assembly, struct buffer *out);

#endif
