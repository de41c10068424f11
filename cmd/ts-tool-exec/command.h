/* The command line and the environment of ts-jail for one call. */
#ifndef TS_TOOL_EXEC_COMMAND_H
#define TS_TOOL_EXEC_COMMAND_H

#include "call.h"

enum { COMMAND_WORDS = 128 };

struct command {
    char path[PATH_MAX]; /* of ts-jail */
    char *words[COMMAND_WORDS + 1];
    size_t count;
    char **environment; /* owned, the entries too; ends with NULL */
    bool failed;        /* memory was short, or there were too many words */
};

/* Whether the call runs in a sandbox: the mode, whether a person saw it, what policy chose. */
bool command_jailed(const struct call *call);

/* 0, or -1 with a sentence. Release it in both cases. */
int command_build(struct command *command, const struct call *call, struct error *error);
void command_release(struct command *command);

#endif
