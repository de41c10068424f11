/*
 * As much of a terminal as term/screen uses: it draws what is written into
 * lines, those that have scrolled off included, and knows where the cursor is.
 * Cells hold the bytes of one cluster.
 */
#ifndef T_UNIT_EMULATOR_H
#define T_UNIT_EMULATOR_H

#include "base/buffer.h"
#include "term/width.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EMULATOR_LINES = 4096, EMULATOR_COLUMNS = 200, EMULATOR_CELL = 32 };

struct emulator {
    size_t width, height;
    size_t top;          /* the first line on the screen */
    size_t line, column; /* column == width: the wrap is pending */
    bool confused;       /* an escape that is not understood, or a move off the screen */
    char cells[EMULATOR_LINES][EMULATOR_COLUMNS][EMULATOR_CELL];
};

static struct emulator *emulator_new(size_t width, size_t height)
{
    struct emulator *emulator = calloc(1, sizeof *emulator);
    if (emulator == NULL)
        abort();
    emulator->width = width;
    emulator->height = height;
    return emulator;
}

static void emulator_down(struct emulator *emulator)
{
    emulator->line++;
    if (emulator->line >= EMULATOR_LINES)
        abort();
    if (emulator->line >= emulator->top + emulator->height)
        emulator->top++;
}

static void emulator_erase(struct emulator *emulator, bool below)
{
    size_t column = emulator->column == emulator->width ? emulator->width - 1 : emulator->column;
    for (; column < emulator->width; column++)
        emulator->cells[emulator->line][column][0] = '\0';
    size_t end = emulator->top + emulator->height; /* nothing was ever written below the screen */
    for (size_t line = emulator->line + 1; below && line < end && line < EMULATOR_LINES; line++)
        memset(emulator->cells[line], 0, sizeof emulator->cells[line]);
}

static size_t emulator_escape(struct emulator *emulator, const char *bytes)
{
    char *end;
    unsigned long number = strtoul(bytes + 2, &end, 10);
    if (bytes[1] != '[') {
        emulator->confused = true;
        return 1;
    }
    size_t count = end == bytes + 2 ? 1 : number;
    while (*end == ';' || (*end >= '0' && *end <= '9'))
        end++;
    switch (*end) {
    case 'm':
        break;
    case 'A':
        if (emulator->line < emulator->top + count)
            emulator->confused = true;
        else
            emulator->line -= count;
        break;
    case 'C':
        emulator->column = emulator->column + count < emulator->width ? emulator->column + count
                                                                      : emulator->width - 1;
        break;
    case 'J':
    case 'K':
        emulator_erase(emulator, *end == 'J');
        break;
    default:
        emulator->confused = true;
    }
    return (size_t)(end - bytes) + 1;
}

static void emulator_write(struct emulator *emulator, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        if (bytes[at] == '\r') {
            emulator->column = 0;
            at++;
        } else if (bytes[at] == '\n') {
            emulator_down(emulator);
            at++;
        } else if (bytes[at] == '\033') {
            at += emulator_escape(emulator, bytes + at);
        } else {
            int columns;
            size_t size = width_cluster(bytes + at, length - at, &columns);
            if (emulator->column + (size_t)columns > emulator->width) {
                emulator_down(emulator);
                emulator->column = 0;
            }
            if (columns > 0)
                snprintf(emulator->cells[emulator->line][emulator->column], EMULATOR_CELL, "%.*s",
                    (int)size, bytes + at);
            if (columns == 2 && emulator->column + 1 < emulator->width)
                emulator->cells[emulator->line][emulator->column + 1][0] = '\0';
            emulator->column += (size_t)columns;
            at += size;
        }
    }
}

/* Everything that was and is on the screen, without white space: what must never change. */
static void emulator_text(const struct emulator *emulator, struct buffer *text)
{
    size_t end = emulator->top + emulator->height;
    for (size_t line = 0; line < end && line < EMULATOR_LINES; line++) {
        for (size_t column = 0; column < emulator->width; column++) {
            const char *cell = emulator->cells[line][column];
            if (cell[0] != '\0' && cell[0] != ' ')
                buffer_append_text(text, cell);
        }
    }
}

#endif
