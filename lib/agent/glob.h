/*
 * Patterns as people write them in a policy: * any bytes, ? one character,
 * \ the next byte itself; everything else stands for itself. The time taken
 * grows with pattern times text, never faster.
 */
#ifndef AGENT_GLOB_H
#define AGENT_GLOB_H

#include <stdbool.h>

enum glob_kind {
    GLOB_TEXT, /* * matches everything; a " *" at the end matches nothing behind it too */
    GLOB_PATH, /* * and ? stop at '/', ** does not; a "/" + "**" at the end matches the directory */
};

bool glob_match(enum glob_kind kind, const char *pattern, const char *text);

#endif
