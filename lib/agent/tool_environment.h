/*
 * The variables that every tool gets: a list of names, never the environment
 * we were started with. What else one gets is given to ts-jail by name.
 */
#ifndef AGENT_TOOL_ENVIRONMENT_H
#define AGENT_TOOL_ENVIRONMENT_H

#include <stdbool.h>

/* entry is NAME=VALUE. */
bool tool_environment_has(const char *entry);

/* Whether entry's name is the word, or begins with it when the word ends with '*'. */
bool tool_environment_matches(const char *entry, const char *word);

#endif
