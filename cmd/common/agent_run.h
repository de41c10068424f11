/*
 * Running an agent: a ts-chat of its own that works on one prompt, started by
 * the tools `task` and `plan` (tooldef(5), ts-chat(1)).
 *
 * What the agent does is passed on to whoever runs the tool, as it happens:
 * results and output of its calls with their ids, what the model costs, and
 * what it says as output of the tool's own call. Its approver asks through us.
 * All of it goes over the tool's descriptors 3 and 4; by hand there are none,
 * and the agent asks for itself.
 */
#ifndef CMD_COMMON_AGENT_RUN_H
#define CMD_COMMON_AGENT_RUN_H

#include "agent/tool.h"
#include "io/line_channel.h"
#include "io/process.h"

enum {
    AGENT_REASON_SIZE = 512,
    AGENT_ID_SIZE = 64,
};

struct agent_run {
    const char *kind; /* "task" or "plan" */
    char parent_session[AGENT_ID_SIZE];

    /* How it ended. */
    bool complete;        /* it has answered */
    struct buffer answer; /* its last words; owned */
    struct buffer found;  /* all it said and what its calls returned, in short; owned */
    char session[AGENT_ID_SIZE];
    char reason[AGENT_REASON_SIZE]; /* why it is not complete */

    /* Kept by the functions below. */
    struct loop *loop;
    struct line_channel parent;   /* whoever runs the tool: descriptors 3 and 4 */
    struct line_channel approver; /* the agent's */
    struct line_channel events;   /* the agent's stdout */
    struct process process;
    struct loop_timer timer;
    struct buffer text; /* of the model call under way */
    size_t shown;       /* bytes of it that have been passed on */
    bool resulted;      /* its result line has come */
    int stopped;        /* the signal that ends us; 0: none */
    cJSON *review;      /* the answer to agent_review; NULL: none yet */
};

/* Fill kind first, and zero the rest. 0, or -1 with a sentence: it could not be started. */
int agent_run(struct agent_run *run, const char *prompt, struct error *error);
void agent_run_release(struct agent_run *run);

/* Append the answer to the call's output; or what was found, and -1 with a sentence. */
int agent_run_report(struct agent_run *run, struct tool_call *call, struct error *error);

/*
 * Have a person review a text. The verdict is "accepted", "rejected",
 * "annotated" (then *feedback is what was said) or "unreviewed": there is
 * nobody. Both belong to run.
 */
const char *agent_review(
    struct agent_run *run, const char *content, const char *path, const char **feedback);

#endif
