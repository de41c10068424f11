/*
 * A manual page as text: without what printers and terminals need, with its
 * headings found, so that a part of it can be asked for.
 */
#ifndef AGENT_MANUAL_H
#define AGENT_MANUAL_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Append bytes as man(1) or info(1) prints them, without overstrikes (a
 * character, a backspace, a character), colours, other control characters,
 * blanks at ends of lines and repeated empty lines. 0, or -1 (errno).
 */
int manual_append_plain(struct buffer *text, const char *bytes, size_t length);

struct manual_heading {
    size_t start;     /* of its line, in the text */
    size_t end;       /* of what stands under it, up to the next one that is not below it */
    int level;        /* 1, 2, ... */
    const char *name; /* in the text, not ended by NUL */
    size_t length;
};

/* The headings of a page; text must stay as it is. */
struct manual {
    const char *text;
    size_t length;
    size_t lines;
    struct manual_heading *headings; /* owned */
    size_t count;
};

/* 0, or -1 (errno). Release it in both cases. */
int manual_read(struct manual *manual, const char *text, size_t length);
void manual_release(struct manual *manual);

/*
 * The heading of this name, upper or lower case, or else the first that has it
 * in its name; NULL: there is none.
 */
const struct manual_heading *manual_find(const struct manual *manual, const char *name);

/* Append the names of the headings of the first levels, separated by commas. 0, or -1 (errno). */
int manual_append_names(const struct manual *manual, struct buffer *list);

/*
 * Append the paragraphs between start and end in which a line matches a
 * Perl-compatible expression, each behind its heading where that changes.
 * *found is their number. 0, or -1 with a sentence.
 */
int manual_append_matches(const struct manual *manual, size_t start, size_t end,
    const char *expression, int64_t deadline, struct buffer *output, size_t *found,
    struct error *error);

#endif
