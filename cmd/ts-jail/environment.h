/* The command's environment: a short list of names, never the one we were started with. */
#ifndef TS_JAIL_ENVIRONMENT_H
#define TS_JAIL_ENVIRONMENT_H

#include <stdbool.h>

enum { ENVIRONMENT_ADDED = 32 }; /* --env at most so often */

/*
 * Ends with NULL; static storage. added holds NAME=VALUE texts, which win. In a
 * sandbox temporary files go to its own /tmp.
 */
char **environment_build(char *const *added, bool sandboxed);

#endif
