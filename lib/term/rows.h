/*
 * Rows of finished text: styled, laid out, each complete in itself (it begins
 * and ends in the plain style), so that any of them can be written alone.
 */
#ifndef TERM_ROWS_H
#define TERM_ROWS_H

#include "base/buffer.h"

#include <stdbool.h>

struct row {
    size_t start;   /* in bytes.data */
    size_t length;  /* without a newline */
    size_t columns; /* more than the width only for verbatim text, which the terminal folds */
};

struct rows {
    struct buffer bytes; /* owned */
    struct row *items;   /* owned */
    size_t count;
    size_t capacity;
};

enum { ROWS_BYTES_LIMIT = 1 << 30 };

void rows_init(struct rows *rows);
void rows_release(struct rows *rows);
void rows_clear(struct rows *rows);

/* All return 0, or -1 (errno). A row is text without newlines. */
int rows_add(struct rows *rows, const char *text, size_t length, size_t columns);
int rows_add_blank(struct rows *rows);
int rows_add_all(struct rows *rows, const struct rows *other);

/* Finish a row that was appended to bytes from start on. */
int rows_finish(struct rows *rows, size_t start, size_t columns);

const char *rows_text(const struct rows *rows, size_t index);
bool rows_same(const struct rows *rows, size_t index, const struct rows *others, size_t other);
bool rows_is_blank(const struct rows *rows, size_t index);

/* Lines of a terminal of width columns that a row, or all rows from one on, take. */
size_t rows_height(const struct rows *rows, size_t index, size_t width);
size_t rows_height_from(const struct rows *rows, size_t index, size_t width);

#endif
