/*
 * What a person does from another shell: see what waits, answer it, see and
 * revoke what was approved for always.
 */
#ifndef TS_APPROVE_MANAGE_H
#define TS_APPROVE_MANAGE_H

#include "data/config.h"

#include <stdbool.h>

struct manage_choices {
    const struct config *config;
    bool json; /* of list, show and rules: a line of JSON each */
    bool all;  /* of list: what was decided too */
};

/* words are the operands, of which there is at least one; --json and --all may stand among them.
 * Returns the exit code. */
int manage(struct manage_choices *choices, char **words);

#endif
