/*
 * Replace one text by another in a third, as a model asks for it.
 *
 * First exactly. On a miss, line endings are set aside, then (edit_loose.h)
 * white space, indentation and typographic characters; such a match must be
 * the only one, and is remarked on. Bytes outside the replaced part never
 * change. When nothing fits, the answer shows the place that comes closest.
 */
#ifndef AGENT_EDIT_H
#define AGENT_EDIT_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct edit {
    const char *old_text;
    const char *new_text;
    bool near; /* of several, take the one that begins nearest to near_line, the earlier on a tie */
    int64_t near_line;
    bool all; /* replace every one */
};

struct edit_result {
    size_t replaced; /* occurrences */
    size_t line;     /* where the first begins, from 1 */
};

/*
 * Change text in place. remarks gets lines on what was matched though it was
 * not given exactly; details, on failure, what there is instead. 0, or -1 with
 * a sentence and the text as it was.
 */
int edit_apply(struct buffer *text, const struct edit *edit, struct edit_result *result,
    struct buffer *remarks, struct buffer *details, struct error *error);

/* Where needle is found, overlapping hits included: the count; up to most offsets. */
size_t edit_occurrences(const char *text, size_t length, const char *needle, size_t needle_length,
    size_t *offsets, size_t most);

#endif
