#include "common/columns.h"

#include "base/buffer.h"
#include "base/utf8.h"
#include "common/program.h"
#include "term/width.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    CELL_LIMIT = 64 << 10, /* bytes: one line of one row */
    GAP = 2,
};

static char *visible(const char *text)
{
    struct buffer clean;
    buffer_init(&clean, CELL_LIMIT);
    if (text == NULL || text[0] == '\0')
        text = "-";
    size_t length = strnlen(text, CELL_LIMIT / 16);
    if (utf8_append_visible(&clean, text, length, false) < 0)
        die(EXIT_SYSTEM, "out of memory");
    char *taken = buffer_take(&clean);
    if (taken == NULL)
        die(EXIT_SYSTEM, "out of memory");
    return taken;
}

void columns_init(struct columns *columns, size_t count, const char *const *heading)
{
    *columns = (struct columns){.count = count};
    columns_add(columns, heading);
}

void columns_release(struct columns *columns)
{
    for (size_t i = 0; i < columns->filled; i++)
        free(columns->cells[i]);
    free(columns->cells);
    *columns = (struct columns){0};
}

void columns_add(struct columns *columns, const char *const *cells)
{
    if (columns->filled + columns->count > columns->room) {
        size_t room = columns->room * 2 + columns->count * 16;
        char **more = realloc(columns->cells, room * sizeof *more);
        if (more == NULL)
            die(EXIT_SYSTEM, "out of memory");
        columns->cells = more;
        columns->room = room;
    }
    for (size_t i = 0; i < columns->count; i++)
        columns->cells[columns->filled++] = visible(cells[i]);
}

/* How many bytes of a text fit into so many columns. */
static size_t fitting(const char *text, size_t most)
{
    size_t length = strlen(text), at = 0, used = 0;
    while (at < length) {
        int width = 0;
        size_t size = width_cluster(text + at, length - at, &width);
        if (used + (size_t)width > most)
            break;
        used += (size_t)width;
        at += size;
    }
    return at;
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return SIZE_MAX;
}

void columns_print(const struct columns *columns)
{
    size_t widths[COLUMNS_MOST] = {0};
    size_t edge = terminal_width();
    for (size_t i = 0; i < columns->filled; i++) {
        size_t width = width_text(columns->cells[i], strlen(columns->cells[i]));
        if (width > widths[i % columns->count])
            widths[i % columns->count] = width;
    }
    for (size_t i = 0, used = 0; i < columns->filled; i++) {
        const char *cell = columns->cells[i];
        size_t column = i % columns->count;
        used = column == 0 ? 0 : used;
        size_t fit = fitting(cell, edge > used ? edge - used : 0);
        printf("%.*s", (int)fit, cell);
        if (column + 1 == columns->count) {
            putchar('\n');
            continue;
        }
        size_t blank = widths[column] - width_text(cell, fit) + GAP;
        used += widths[column] + GAP;
        if (used < edge)
            printf("%*s", (int)blank, "");
    }
}

void columns_print_or_say(const struct columns *columns, const char *nothing)
{
    if (columns->filled > columns->count)
        columns_print(columns);
    else
        warn("%s", nothing);
}

void columns_print_text(const char *text, size_t length, const char *indent)
{
    while (length > 0) {
        struct buffer line;
        const char *newline = memchr(text, '\n', length);
        size_t size = newline != NULL ? (size_t)(newline - text) : length;
        buffer_init(&line, size * 16 + 1);
        if (utf8_append_visible(&line, text, size, false) < 0)
            die(EXIT_SYSTEM, "out of memory");
        printf("%s%s\n", size > 0 ? indent : "", line.data);
        buffer_release(&line);
        size += newline != NULL;
        text += size;
        length -= size;
    }
}
