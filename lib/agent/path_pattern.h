/*
 * Patterns for paths as gitignore(5) has them: * and ? stop at '/', [a-z] and
 * [!a-z] are one byte, \ takes the next byte as it is, and a component "**"
 * stands for any number of components. The time taken grows with pattern times
 * path, whatever the pattern.
 */
#ifndef AGENT_PATH_PATTERN_H
#define AGENT_PATH_PATTERN_H

#include <stdbool.h>

/* Both without a slash at the beginning and the end. */
bool path_pattern_match(const char *pattern, const char *path);

#endif
