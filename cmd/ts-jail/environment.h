/* The command's environment: a short list of names, never the one we were started with. */
#ifndef TS_JAIL_ENVIRONMENT_H
#define TS_JAIL_ENVIRONMENT_H

#include <stdbool.h>

enum {
    ENVIRONMENT_ADDED = 32, /* --env at most so often */
    ENVIRONMENT_PASSED = 32 /* --pass */
};

/*
 * Ends with NULL; NULL: no memory. passed holds words as tool_environment_matches
 * has them, of variables of ours that the command gets too; added holds
 * NAME=VALUE texts, which win. In a sandbox temporary files go to its own /tmp.
 */
char **environment_build(char *const *added, const char *const *passed, bool sandboxed);

#endif
