/*
 * The difference of two texts, as a unified diff for people and models.
 *
 * Lines are compared with Myers' bidirectional search (An O(ND) Difference
 * Algorithm and Its Variations, 1986), with a bound on the effort: texts that
 * have little in common get a longer diff, never a slow one. Long lines are cut
 * in the output, and lines beyond the limit are counted, not shown.
 */
#ifndef AGENT_DIFF_H
#define AGENT_DIFF_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum { DIFF_CONTEXT = 3 }; /* unchanged lines around a change */

struct diff_text {
    const char *bytes;
    size_t length;
};

struct diff_counts {
    size_t removed; /* lines */
    size_t added;
    bool cut; /* lines, or parts of long ones, were left out of the output */
};

/*
 * Append the hunks ("@@ -1,4 +1,5 @@ ..."), at most line_limit lines; nothing
 * when the texts are equal. A carriage return before the newline is shown as
 * U+240D unless every line of both texts has one. counts may be NULL. 0, or -1
 * (errno) when memory is short.
 */
int diff_unified(struct buffer *output, struct diff_text before, struct diff_text after,
    size_t line_limit, struct diff_counts *counts);

#endif
