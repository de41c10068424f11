/*
 * How many columns text takes on a terminal, cluster by cluster.
 *
 * A cluster is what is never torn apart: a character with its combining marks,
 * a flag of two regional indicators, emoji joined by U+200D. Widths come from
 * wcwidth (the character type must be UTF-8: program_start sees to that) and,
 * for sequences, from UTS #51: an emoji sequence takes two columns.
 * Text must be free of control bytes.
 */
#ifndef TERM_WIDTH_H
#define TERM_WIDTH_H

#include <stddef.h>

/* The cluster at the front: its bytes (at least 1 when length is not 0), *columns 0, 1 or 2. */
size_t width_cluster(const char *text, size_t length, int *columns);

/* Columns of a text without escape sequences. */
size_t width_text(const char *text, size_t length);

#endif
