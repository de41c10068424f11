/*
 * What a tool of sandbox "self" does inside its call: the nested calls it asks
 * leave for, and what it reports of them (ts-events(5), tool calls of a tool).
 *
 * A request goes out with parent_call_id, round the pipeline, and its answer
 * comes back as a line for the tool's fd 4. Every request is answered, or
 * cancelled when the tool has ended. When stdin has ended nothing comes round
 * any more: the answer is no at once.
 */
#ifndef TS_TOOL_EXEC_NESTED_H
#define TS_TOOL_EXEC_NESTED_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct call;

enum {
    NESTED_OPEN_MOST = 16, /* requests of one call that wait for an answer */
    NESTED_ID_SIZE = 128,  /* bytes of a request's id, with its NUL */
};

struct nested {
    struct {
        char id[NESTED_ID_SIZE]; /* "": free */
        bool review;
        cJSON *request; /* owned */
    } open[NESTED_OPEN_MOST];
    size_t put;   /* bytes put out */
    size_t lines; /* and in how many lines */
};

/* Take a line of the tool. true: it was such a line, and tree is taken too. */
bool nested_take(struct call *call, cJSON *tree);

/* A decided or reviewed line for this call: to the tool, when it has asked for it. */
void nested_answer(struct call *call, const cJSON *tree, const char *line, size_t length);

/* A prepared or review line that came round without an answer: nobody decides. */
void nested_unanswered(struct call *call, const cJSON *tree);

/* stdin has ended: no answer can come to what it has asked, nor to what it will ask. */
void nested_abandon(struct call *call);

/* The tool has ended: take back what it had asked. */
void nested_end(struct call *call);

/* Without a word to anybody. */
void nested_release(struct nested *nested);

#endif
