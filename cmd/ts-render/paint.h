/* Short texts laid out into rows. All of these end the program when memory is short. */
#ifndef TS_RENDER_PAINT_H
#define TS_RENDER_PAINT_H

#include "term/markdown.h"
#include "term/rows.h"

/* Wrapped text in one style behind a mark of its own style, which the other rows are indented by.
 */
void paint(struct rows *rows, const struct markdown *look, const char *mark, unsigned mark_style,
    unsigned style, const char *line);

/* The same in one row: what does not fit is cut off, and an ellipsis says so. */
void paint_cut(struct rows *rows, const struct markdown *look, const char *mark,
    unsigned mark_style, unsigned style, const char *line);

/* End the program unless status is 0. */
void painted(int status);

#endif
