/* Line numbers for a sentence: "3, 7-9, 12", bounded however many there are. */
#ifndef AGENT_LINE_LIST_H
#define AGENT_LINE_LIST_H

#include "base/buffer.h"

#include <stddef.h>

enum { LINE_LIST_RANGES = 12 }; /* shown; what comes behind is only counted */

/* All zero: empty. */
struct line_list {
    size_t first[LINE_LIST_RANGES];
    size_t last[LINE_LIST_RANGES];
    size_t ranges;
    size_t more; /* numbers that found no room */
};

/* Numbers come in rising order; one given twice counts once. */
void line_list_add(struct line_list *list, size_t line);

/* "3, 7-9 and 40 more". 0, or -1 (errno). */
int line_list_print(const struct line_list *list, struct buffer *buffer);

#endif
