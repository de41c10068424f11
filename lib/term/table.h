/*
 * A table on a terminal: columns as wide as their contents when they fit, else
 * shrunk, the widest first, with their cells wrapped. When even that is too
 * narrow to read, each row becomes a list of "heading: value" lines.
 */
#ifndef TERM_TABLE_H
#define TERM_TABLE_H

#include "term/wrap.h"

enum table_align { TABLE_LEFT, TABLE_CENTER, TABLE_RIGHT };

enum { TABLE_COLUMNS_MOST = 128 /* md4c's own bound */ };

struct table {
    struct text *cells; /* owned; row by row, the first row is the heading */
    size_t count;
    size_t capacity;
    size_t columns;
    enum table_align align[TABLE_COLUMNS_MOST];
};

void table_init(struct table *table, size_t columns);
void table_release(struct table *table);

/* The next cell, to be filled with text_add; valid until the next call. NULL: no memory. */
struct text *table_cell(struct table *table);

/*
 * Lay it out. heading false: the rows go on a table whose heading was shown.
 * unicode false: lines are drawn in ASCII. 0, or -1 (errno).
 */
int table_draw(const struct table *table, const struct wrap *wrap, bool heading, bool unicode,
    struct rows *rows);

#endif
