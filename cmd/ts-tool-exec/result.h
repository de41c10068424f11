/* How a call ended, as the status of its tool_result and as words for the model. */
#ifndef TS_TOOL_EXEC_RESULT_H
#define TS_TOOL_EXEC_RESULT_H

#include "call.h"

struct outcome {
    const char *status; /* of the line */
    int exit_code;      /* -1: there is none */
    char note[1024];    /* what the model must know besides the output; "": nothing */
    bool show_output;
};

/* From what the process and ts-jail left behind; the call has run. */
void result_judge(const struct call *call, int status, struct outcome *outcome);

/* The same for a call that did not run; false: it is to run. */
bool result_refuse(const struct call *call, struct outcome *outcome);

/* Put the tool_result line out. */
void result_put(struct call *call, const struct outcome *outcome);

#endif
