#include "term/rows.h"

#include "term/width.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void rows_init(struct rows *rows)
{
    *rows = (struct rows){0};
    buffer_init(&rows->bytes, ROWS_BYTES_LIMIT);
}

void rows_release(struct rows *rows)
{
    buffer_release(&rows->bytes);
    free(rows->items);
    rows->items = NULL;
    rows->count = rows->capacity = 0;
}

void rows_clear(struct rows *rows)
{
    buffer_clear(&rows->bytes);
    rows->count = 0;
}

int rows_finish(struct rows *rows, size_t start, size_t columns)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity > 0 ? rows->capacity * 2 : 32;
        struct row *items = realloc(rows->items, capacity * sizeof *items);
        if (items == NULL)
            return -1;
        rows->items = items;
        rows->capacity = capacity;
    }
    rows->items[rows->count++] = (struct row){start, rows->bytes.length - start, columns};
    return 0;
}

int rows_add(struct rows *rows, const char *text, size_t length, size_t columns)
{
    size_t start = rows->bytes.length;
    if (buffer_append(&rows->bytes, text, length) < 0)
        return -1;
    return rows_finish(rows, start, columns);
}

int rows_add_blank(struct rows *rows)
{
    return rows_finish(rows, rows->bytes.length, 0);
}

int rows_add_all(struct rows *rows, const struct rows *other)
{
    for (size_t i = 0; i < other->count; i++) {
        if (rows_add(rows, rows_text(other, i), other->items[i].length, other->items[i].columns) <
            0)
            return -1;
    }
    return 0;
}

const char *rows_text(const struct rows *rows, size_t index)
{
    return rows->bytes.data + rows->items[index].start;
}

bool rows_same(const struct rows *rows, size_t index, const struct rows *others, size_t other)
{
    size_t length = rows->items[index].length;
    return length == others->items[other].length &&
           memcmp(rows_text(rows, index), rows_text(others, other), length) == 0;
}

bool rows_is_blank(const struct rows *rows, size_t index)
{
    return rows->items[index].length == 0;
}

/* A wide character that does not fit at the end of a line leaves a hole: dividing is not enough. */
static size_t folded(const char *text, size_t length, size_t width)
{
    size_t lines = 1, used = 0;
    for (size_t at = 0; at < length;) {
        if (text[at] == '\033') {
            const char *end = memchr(text + at, 'm', length - at);
            at = end != NULL ? (size_t)(end - text) + 1 : length;
            continue;
        }
        int columns;
        at += width_cluster(text + at, length - at, &columns);
        if (used + (size_t)columns > width) {
            lines++;
            used = 0;
        }
        used += (size_t)columns;
    }
    return lines;
}

size_t rows_height(const struct rows *rows, size_t index, size_t width)
{
    if (rows->items[index].columns <= width)
        return 1;
    return folded(rows_text(rows, index), rows->items[index].length, width);
}

size_t rows_height_from(const struct rows *rows, size_t index, size_t width)
{
    size_t height = 0;
    for (; index < rows->count; index++)
        height += rows_height(rows, index, width);
    return height;
}
