/*
 * How the indentation of quoted lines differs from that of the lines they
 * stand for, and the same change made to other lines.
 *
 * A difference counts only when it is the same for every line: some white
 * space more, some less, or tabs for columns. Anything else would be guessing
 * at structure.
 */
#ifndef AGENT_REINDENT_H
#define AGENT_REINDENT_H

#include "agent/loose_text.h"

enum reindent_kind { REINDENT_NONE, REINDENT_ADD, REINDENT_STRIP, REINDENT_COLUMNS };

struct reindent {
    enum reindent_kind kind;
    const char *margin; /* added or taken away; not owned */
    size_t margin_length;
    long tab;            /* columns of a tab */
    long shift;          /* columns more than given */
    bool tabs;           /* the lines are indented with tabs */
    size_t first_offset; /* the first line was quoted from here, behind its indentation */
};

/* there[n] is what given[n] stands for. False when there is no uniform difference. */
bool reindent_find(struct reindent *reindent, const struct loose_line *there,
    const struct loose_line *given, size_t count);

/* Append the indentation that a line given with its own should have. 0, or -1 (errno). */
int reindent_append(
    const struct reindent *reindent, const struct loose_line *line, struct buffer *buffer);

#endif
