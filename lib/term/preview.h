/* Previews of edits: lines that begin with + or -, shown green and red. */
#ifndef TERM_PREVIEW_H
#define TERM_PREVIEW_H

#include "term/wrap.h"

/* Some lines are added or removed, and all others are context, hunk headings or file names. */
bool preview_is_diff(const char *text, size_t length);

/* Lay out at most most lines of it, and a line that counts the others. 0, or -1 (errno). */
int preview_draw(
    const char *text, size_t length, size_t most, const struct wrap *wrap, struct rows *rows);

#endif
