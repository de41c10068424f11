/*
 * A stage of a pipeline of lines: what ts-tool-prep, ts-approve and their like do alike.
 *
 * It reads lines from stdin and writes lines to stdout, in one loop, and never
 * stops reading because its reader is slow (a ring of full pipes must not
 * deadlock). Empty lines are dropped; a line that is too long or no JSON object
 * becomes an "error" event that names it, and the stream goes on. What the
 * stage does not know it puts out again with the bytes it came with.
 *
 * Functions here end the program when memory is short or the reader has left.
 */
#ifndef CMD_COMMON_STAGE_H
#define CMD_COMMON_STAGE_H

#include "base/line_reader.h"
#include "io/line_writer.h"
#include "io/loop.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

struct stage {
    const char *program; /* its name, for error events */
    /* A line and what it holds; the stage may detach parts of tree, which is freed afterwards. */
    void (*line)(void *context, cJSON *tree, const char *line, size_t length);
    /* stdin has ended: finish what is in progress, then call stage_finish. */
    void (*ended)(void *context);
    /* SIGTERM, SIGINT, SIGHUP, or SIGPIPE when the reader of stdout has left: end children, put
     * the terminal right. Returns whether the program is to end, as it does in the last case.
     * NULL: it ends. */
    bool (*signal)(void *context, int signal);
    /* We were stopped, as by Ctrl-Z, and go on. May be NULL. */
    void (*resumed)(void *context);
    void *context;

    /* Kept by the functions below. */
    struct loop *loop;
    struct line_reader reader;
    struct line_writer writer;
    bool input_ended;
    bool finished;
    int exit_code;
};

/* Fill the upper half first, and zero the rest. */
void stage_start(struct stage *stage);

/* Until the end; returns the exit code. */
int stage_run(struct stage *stage);

/* End stage_run once what is queued has been written. The first call decides the code. */
void stage_finish(struct stage *stage, int exit_code);

void stage_put(struct stage *stage, const char *line, size_t length);

/* The same for a tree, which is freed. NULL counts as memory being short. */
void stage_put_tree(struct stage *stage, cJSON *tree);

/* {"type":"error","message":"PROGRAM: line N: ..."} for the line read last. */
void stage_put_error(struct stage *stage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* For allocations that cannot be answered otherwise: returns pointer, or ends the program. */
void *stage_need(void *pointer);

#endif
