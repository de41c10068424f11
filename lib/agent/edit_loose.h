/*
 * Find what was meant when old_string is not there exactly: the same lines but
 * for white space, indentation and typographic characters, or the same words
 * within one line. Only one place may fit.
 */
#ifndef AGENT_EDIT_LOOSE_H
#define AGENT_EDIT_LOOSE_H

#include "agent/edit.h"

struct edit_place {
    size_t start, length;      /* the bytes of the text that old_string stands for */
    size_t line;               /* where that begins, from 1 */
    size_t cut_start, cut_end; /* the bytes to take out: without lines that stay as they are */
    struct buffer replacement; /* owned; what comes there, indented as the text is */
};

/*
 * How many places fit. When it is exactly one, place is filled and a remark
 * appended; when more, the error names their lines. 0: none, no error. -1:
 * memory is short.
 */
int edit_find_loose(const struct buffer *text, const struct edit *edit, struct edit_place *place,
    struct buffer *remarks, struct error *error);

/* Append the lines of text that resemble old_text most, numbered. 0, or -1 (errno). */
int edit_show_closest(const struct buffer *text, const char *old_text, struct buffer *details);

#endif
