/*
 * serve: our own tools, offered to any MCP client over standard input and
 * output. A call goes through ts-tool-prep, ts-approve and ts-tool-exec, as
 * the calls of a model do; nobody is asked, so that what the policy and the
 * flags do not allow is denied.
 *
 *   serve.c        messages of the protocol
 *   serve_call.c   calls under way, and the three programs
 */
#ifndef TS_MCP_SERVE_H
#define TS_MCP_SERVE_H

#include "agent/mcp_message.h"
#include "agent/tooldef.h"
#include "base/line_reader.h"
#include "base/random.h"
#include "data/config.h"
#include "io/line_channel.h"
#include "io/process.h"
#include "io/state_directory.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SERVE_STAGES = 3,
    SERVE_CALLS_MOST = 64,       /* under way at once; more are refused */
    SERVE_OUTPUT_HIGH = 1 << 20, /* bytes queued above which nothing is read any more */
};

struct serve_call {
    struct serve_call *next;
    char batch[RANDOM_REQUEST_ID_SIZE]; /* the call's id too */
    cJSON *id;                          /* of the request */
    cJSON *token;                       /* of its progress; NULL: nobody listens */
    int64_t progress;                   /* how much has been told */
    int64_t next_progress;              /* clock_monotonic_ms; none is told before */
    bool cancelled;                     /* nobody waits for the answer */
};

struct serve {
    struct config *config;
    struct tool_set tools;
    char *names; /* of the tools, as TS_TOOLS has them */
    struct loop *loop;
    struct line_reader input;
    struct line_writer output;
    bool input_ended;
    bool held;  /* the reader of our output lags */
    int signal; /* that ends us; 0: none */
    int lost;   /* errno of the output that nobody takes any more; 0: it is taken */

    struct serve_call *calls;
    size_t call_count;
    struct line_channel pipeline;
    struct process stages[SERVE_STAGES];
    struct state_directory state;
};

/* serve.c */
void serve_result(struct serve *serve, const cJSON *id, cJSON *result); /* takes result */
void serve_error(struct serve *serve, const cJSON *id, int code, const char *text);
/* Takes params. */
void serve_notify(struct serve *serve, const char *method, cJSON *params);

/* serve_call.c */

/* Takes nothing; answers the request now or later. */
void serve_call(struct serve *serve, const cJSON *id, const cJSON *params);
void serve_cancel(struct serve *serve, const cJSON *id);
/* End what runs; nobody is answered any more. */
void serve_call_end(struct serve *serve);

#endif
