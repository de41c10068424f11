/*
 * Markdown (CommonMark with GitHub's tables, task lists, strikethrough and bare
 * links, parsed by md4c) laid out for a terminal.
 *
 * Made for text that arrives piece by piece: the caller hands over a few blocks
 * at a time (term/stream), and says what went before. Nothing that was written
 * is swallowed: HTML stays visible as text, and so do link definitions.
 * The source must be free of control bytes but newline and tab; what character
 * references stand for is made visible here.
 */
#ifndef TERM_MARKDOWN_H
#define TERM_MARKDOWN_H

#include "term/rows.h"

struct markdown {
    size_t width;         /* columns to wrap at */
    bool styled;          /* else the marks of emphasis, headings and code stay */
    bool unicode;         /* else bullets and lines are ASCII */
    unsigned list_number; /* the number of the first item of an outermost list; 0: as written */
    bool in_item;         /* the source begins with a list item whose bullet was shown already */
    bool in_fence;        /* it begins with a fence that was shown already */
    bool in_table;        /* it begins with a table heading that was shown already */
    bool fence_open;      /* a fence in it is not closed yet */
};

/* Append the rows. 0, or -1 (errno). */
int markdown_render(
    const struct markdown *markdown, const char *source, size_t length, struct rows *rows);

#endif
