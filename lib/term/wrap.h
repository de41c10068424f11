/*
 * Styled text before it is laid out, and its layout into rows of a width.
 *
 * Text is bytes and runs of one style each. A newline in it is a line break
 * that must be; other breaks are made at spaces, around wide characters
 * (CJK), and anywhere only when a word alone is too long.
 */
#ifndef TERM_WRAP_H
#define TERM_WRAP_H

#include "term/rows.h"

struct run {
    size_t end; /* where it ends in bytes */
    unsigned style;
};

struct text {
    struct buffer bytes; /* owned */
    struct run *runs;    /* owned */
    size_t count;
    size_t capacity;
};

/* What stands before the text: drawn bytes (escapes allowed) and the columns they take. */
struct margin {
    const char *first; /* before the first row */
    size_t first_length;
    const char *rest; /* before the others */
    size_t rest_length;
    size_t columns; /* of either */
};

struct wrap {
    size_t width; /* of the whole row, margin included; at least one column is used for text */
    bool styled;  /* false: no escapes */
    struct margin margin;
};

void text_init(struct text *text);
void text_release(struct text *text);
void text_clear(struct text *text);

/* 0, or -1 (errno). */
int text_add(struct text *text, unsigned style, const char *bytes, size_t length);

/* Lay out into rows. An empty text makes no row. 0, or -1 (errno). */
int text_wrap(const struct text *text, const struct wrap *wrap, struct rows *rows);

/* The same, breaking only at newlines; tabs become spaces. */
int text_verbatim(const struct text *text, const struct wrap *wrap, struct rows *rows);

/* Columns the text would like (its longest line) and cannot do without (its longest word). */
void text_measure(const struct text *text, size_t *longest_line, size_t *longest_word);

#endif
