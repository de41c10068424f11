#include "term/table.h"

#include "term/style.h"

#include <stdlib.h>

enum {
    COLUMN_LEAST = 4,     /* narrower than this is no fun to read */
    SEPARATOR_COLUMNS = 3 /* space, line, space */
};

struct layout {
    const struct table *table;
    const struct wrap *wrap;
    bool unicode;
    struct rows *rows;
    size_t first_row; /* of rows that is the table's */
    size_t widths[TABLE_COLUMNS_MOST];
};

void table_init(struct table *table, size_t columns)
{
    *table = (struct table){.columns = columns < TABLE_COLUMNS_MOST ? columns : TABLE_COLUMNS_MOST};
}

void table_release(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        text_release(&table->cells[i]);
    free(table->cells);
    *table = (struct table){0};
}

struct text *table_cell(struct table *table)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity > 0 ? table->capacity * 2 : 32;
        struct text *cells = realloc(table->cells, capacity * sizeof *cells);
        if (cells == NULL)
            return NULL;
        table->cells = cells;
        table->capacity = capacity;
    }
    text_init(&table->cells[table->count]);
    return &table->cells[table->count++];
}

/* Give every column its natural width, or take from the widest until all fit. false: they cannot.
 */
static bool find_widths(struct layout *layout, size_t room)
{
    size_t columns = layout->table->columns;
    size_t total = 0;
    for (size_t i = 0; i < columns; i++)
        layout->widths[i] = 1;
    for (size_t i = 0; i < layout->table->count; i++) {
        size_t line, word;
        text_measure(&layout->table->cells[i], &line, &word);
        if (line > layout->widths[i % columns])
            layout->widths[i % columns] = line;
    }
    for (size_t i = 0; i < columns; i++)
        total += layout->widths[i];
    while (total > room) {
        size_t widest = 0, second = 0;
        for (size_t i = 1; i < columns; i++) {
            if (layout->widths[i] > layout->widths[widest])
                widest = i;
        }
        for (size_t i = 0; i < columns; i++) {
            if (i != widest && layout->widths[i] > second)
                second = layout->widths[i];
        }
        /* Down to the second widest at once; when they are equal, by a share each. */
        size_t least = second < COLUMN_LEAST ? COLUMN_LEAST : second;
        size_t width = layout->widths[widest];
        if (width <= COLUMN_LEAST)
            return false;
        size_t share = (total - room) / columns;
        size_t cut = width > least ? width - least : share > 1 ? share : 1;
        if (cut > width - COLUMN_LEAST)
            cut = width - COLUMN_LEAST;
        if (cut > total - room)
            cut = total - room;
        layout->widths[widest] -= cut;
        total -= cut;
    }
    return true;
}

static int pad(struct rows *rows, size_t columns)
{
    return columns > 0 ? buffer_printf(&rows->bytes, "%*s", (int)columns, "") : 0;
}

static int separator(struct layout *layout, const char *unicode, const char *ascii)
{
    struct buffer *bytes = &layout->rows->bytes;
    bool styled = layout->wrap->styled;
    if (styled && style_switch(bytes, STYLE_PLAIN, STYLE_DIM) < 0)
        return -1;
    if (buffer_append_text(bytes, layout->unicode ? unicode : ascii) < 0)
        return -1;
    return styled ? style_switch(bytes, STYLE_DIM, STYLE_PLAIN) : 0;
}

static int margin(const struct layout *layout)
{
    const struct margin *text = &layout->wrap->margin;
    bool first = layout->rows->count == layout->first_row;
    return buffer_append(&layout->rows->bytes, first ? text->first : text->rest,
        first ? text->first_length : text->rest_length);
}

static int draw_cell(
    struct layout *layout, const struct rows *cell, size_t line, size_t column, bool last)
{
    struct rows *rows = layout->rows;
    size_t used = line < cell->count ? cell->items[line].columns : 0;
    size_t space = layout->widths[column] > used ? layout->widths[column] - used : 0;
    enum table_align align = layout->table->align[column];
    size_t left = align == TABLE_RIGHT ? space : align == TABLE_CENTER ? space / 2 : 0;
    if (pad(rows, left) < 0 ||
        (line < cell->count &&
            buffer_append(&rows->bytes, rows_text(cell, line), cell->items[line].length) < 0))
        return -1;
    if (last)
        return 0;
    return pad(rows, space - left) < 0 ? -1 : separator(layout, " │ ", " | ");
}

/* The cells of one row side by side, as many lines as the tallest has. */
static int draw_row(struct layout *layout, struct rows *cells, size_t columns)
{
    size_t height = 1, total = layout->wrap->margin.columns;
    for (size_t i = 0; i < columns; i++) {
        if (cells[i].count > height)
            height = cells[i].count;
        total += layout->widths[i] + (i > 0 ? SEPARATOR_COLUMNS : 0);
    }
    for (size_t line = 0; line < height; line++) {
        size_t start = layout->rows->bytes.length;
        if (margin(layout) < 0)
            return -1;
        for (size_t i = 0; i < columns; i++) {
            if (draw_cell(layout, &cells[i], line, i, i + 1 == columns) < 0)
                return -1;
        }
        if (rows_finish(layout->rows, start, total) < 0)
            return -1;
    }
    return 0;
}

static int draw_rule(struct layout *layout)
{
    struct rows *rows = layout->rows;
    size_t start = rows->bytes.length, total = layout->wrap->margin.columns;
    bool styled = layout->wrap->styled;
    if (margin(layout) < 0 || (styled && style_switch(&rows->bytes, STYLE_PLAIN, STYLE_DIM) < 0))
        return -1;
    for (size_t i = 0; i < layout->table->columns; i++) {
        const char *line = layout->unicode ? "─" : "-";
        const char *cross = layout->unicode ? "─┼─" : "-+-";
        if (i > 0 && buffer_append_text(&rows->bytes, cross) < 0)
            return -1;
        for (size_t column = 0; column < layout->widths[i]; column++) {
            if (buffer_append_text(&rows->bytes, line) < 0)
                return -1;
        }
        total += layout->widths[i] + (i > 0 ? SEPARATOR_COLUMNS : 0);
    }
    if (styled && style_switch(&rows->bytes, STYLE_DIM, STYLE_PLAIN) < 0)
        return -1;
    return rows_finish(rows, start, total);
}

static int wrap_row(struct layout *layout, size_t row)
{
    struct rows cells[TABLE_COLUMNS_MOST];
    size_t columns = layout->table->columns;
    int status = 0;
    for (size_t i = 0; i < columns; i++) {
        struct wrap wrap = {.width = layout->widths[i], .styled = layout->wrap->styled};
        size_t cell = row * columns + i;
        rows_init(&cells[i]);
        if (status == 0 && cell < layout->table->count)
            status = text_wrap(&layout->table->cells[cell], &wrap, &cells[i]);
    }
    if (status == 0)
        status = draw_row(layout, cells, columns);
    for (size_t i = 0; i < columns; i++)
        rows_release(&cells[i]);
    return status;
}

static int copy_text(struct text *to, const struct text *from)
{
    size_t start = 0;
    for (size_t i = 0; i < from->count; i++) {
        if (text_add(to, from->runs[i].style, from->bytes.data + start, from->runs[i].end - start) <
            0)
            return -1;
        start = from->runs[i].end;
    }
    return 0;
}

/* Too many columns for the width: "heading: value" lines, a blank one between rows. */
static int draw_as_lists(struct layout *layout, bool heading)
{
    const struct table *table = layout->table;
    size_t rows = table->count / table->columns;
    for (size_t row = 1; row < rows; row++) {
        if ((row > 1 || !heading) && rows_add_blank(layout->rows) < 0)
            return -1;
        for (size_t i = 0; i < table->columns; i++) {
            struct text line;
            text_init(&line);
            int status = copy_text(&line, &table->cells[i]);
            if (status == 0)
                status = text_add(&line, STYLE_DIM, ": ", 2);
            if (status == 0)
                status = copy_text(&line, &table->cells[row * table->columns + i]);
            struct wrap wrap = *layout->wrap;
            if (layout->rows->count > layout->first_row) {
                wrap.margin.first = wrap.margin.rest;
                wrap.margin.first_length = wrap.margin.rest_length;
            }
            if (status == 0)
                status = text_wrap(&line, &wrap, layout->rows);
            text_release(&line);
            if (status < 0)
                return -1;
        }
    }
    return 0;
}

int table_draw(const struct table *table, const struct wrap *wrap, bool heading, bool unicode,
    struct rows *rows)
{
    struct layout layout = {
        .table = table, .wrap = wrap, .unicode = unicode, .rows = rows, .first_row = rows->count};
    size_t lines = table->columns > 0 ? table->count / table->columns : 0;
    size_t taken = wrap->margin.columns;
    if (lines == 0)
        return 0;
    taken += (table->columns - 1) * SEPARATOR_COLUMNS;
    if (wrap->width < taken || !find_widths(&layout, wrap->width - taken)) {
        if (lines > 1)
            return draw_as_lists(&layout, heading);
        for (size_t i = 0; i < table->columns; i++)
            layout.widths[i] = COLUMN_LEAST;
    }
    for (size_t row = heading ? 0 : 1; row < lines; row++) {
        if (wrap_row(&layout, row) < 0 || (row == 0 && draw_rule(&layout) < 0))
            return -1;
    }
    return 0;
}
