#include "term/wrap.h"

#include "base/utf8.h"
#include "term/style.h"
#include "term/width.h"

#include <stdlib.h>
#include <string.h>

enum {
    TEXT_BYTES_LIMIT = 512 << 20, /* more than any block that is let in */
    TAB_COLUMNS = 8,
};

void text_init(struct text *text)
{
    *text = (struct text){0};
    buffer_init(&text->bytes, TEXT_BYTES_LIMIT);
}

void text_release(struct text *text)
{
    buffer_release(&text->bytes);
    free(text->runs);
    text->runs = NULL;
    text->count = text->capacity = 0;
}

void text_clear(struct text *text)
{
    buffer_clear(&text->bytes);
    text->count = 0;
}

int text_add(struct text *text, unsigned style, const char *bytes, size_t length)
{
    if (length == 0)
        return 0;
    if (text->count == 0 || text->runs[text->count - 1].style != style) {
        if (text->count == text->capacity) {
            size_t capacity = text->capacity > 0 ? text->capacity * 2 : 16;
            struct run *runs = realloc(text->runs, capacity * sizeof *runs);
            if (runs == NULL)
                return -1;
            text->runs = runs;
            text->capacity = capacity;
        }
        text->runs[text->count++] = (struct run){text->bytes.length, style};
    }
    if (buffer_append(&text->bytes, bytes, length) < 0)
        return -1;
    text->runs[text->count - 1].end = text->bytes.length;
    return 0;
}

/* A walk through the text that knows the style of where it is. */
struct cursor {
    const struct text *text;
    size_t run;
};

static unsigned style_at(struct cursor *cursor, size_t at)
{
    while (cursor->run < cursor->text->count && cursor->text->runs[cursor->run].end <= at)
        cursor->run++;
    return cursor->run < cursor->text->count ? cursor->text->runs[cursor->run].style
                                             : (unsigned)STYLE_PLAIN;
}

struct line {
    size_t start;
    size_t end;  /* of what is shown */
    size_t next; /* where the next line begins */
};

/* Punctuation that no line of Chinese or Japanese begins with. */
static bool stays_behind(const char *bytes, size_t length)
{
    static const uint32_t marks[] = {0x3001, 0x3002, 0x300D, 0x300F, 0x3011, 0x30FC, 0xFF01, 0xFF09,
        0xFF0C, 0xFF0E, 0xFF1A, 0xFF1B, 0xFF1F};
    uint32_t character;
    if (utf8_decode(bytes, length, &character) <= 0)
        return false;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (character == marks[i])
            return true;
    }
    return false;
}

/* Where a line could be broken: the best place seen so far, and one that is better than none. */
struct breaks {
    bool good, poor;
    size_t good_end, good_next, poor_end, poor_next;
};

static struct line break_at(const struct breaks *breaks, size_t start, size_t at)
{
    if (breaks->good)
        return (struct line){start, breaks->good_end, breaks->good_next};
    if (breaks->poor)
        return (struct line){start, breaks->poor_end, breaks->poor_next};
    return (struct line){start, at, at};
}

static void note_space(struct breaks *breaks, bool together, size_t from, size_t next)
{
    if (together) {
        breaks->poor = true;
        breaks->poor_end = from;
        breaks->poor_next = next;
    } else {
        breaks->good = true;
        breaks->good_end = from;
        breaks->good_next = next;
    }
}

static struct line next_line(struct cursor *cursor, size_t start, size_t room)
{
    const char *bytes = cursor->text->bytes.data;
    size_t length = cursor->text->bytes.length;
    struct breaks breaks = {0};
    size_t used = 0;
    bool wide_before = false;
    for (size_t at = start; at < length;) {
        if (bytes[at] == '\n')
            return (struct line){start, at, at + 1};
        if (bytes[at] == ' ' || bytes[at] == '\t') {
            size_t from = at;
            bool together = (style_at(cursor, at) & STYLE_TOGETHER) != 0;
            for (; at < length && (bytes[at] == ' ' || bytes[at] == '\t'); at++)
                used++;
            if (from > start)
                note_space(&breaks, together, from, at);
            wide_before = false;
            continue;
        }
        int columns;
        size_t size = width_cluster(bytes + at, length - at, &columns);
        bool wide = columns == 2;
        if ((wide || wide_before) && at > start && bytes[at - 1] != ' ' &&
            !stays_behind(bytes + at, size))
            note_space(&breaks, false, at, at);
        if (used + (size_t)columns > room && at > start)
            return break_at(&breaks, start, at);
        used += (size_t)columns;
        wide_before = wide;
        at += size;
    }
    return (struct line){start, length, length};
}

/* Spaces at the end of a line are of no use, and would be drawn struck or underlined. */
static size_t trimmed(const char *bytes, size_t start, size_t end)
{
    while (end > start && (bytes[end - 1] == ' ' || bytes[end - 1] == '\t'))
        end--;
    return end;
}

static int draw_piece(
    struct rows *rows, const char *bytes, size_t length, bool tabs, size_t origin, size_t *columns)
{
    for (size_t at = 0; at < length;) {
        size_t start = at;
        while (at < length && bytes[at] != '\t') {
            int cluster;
            at += width_cluster(bytes + at, length - at, &cluster);
            *columns += (size_t)cluster;
        }
        if (buffer_append(&rows->bytes, bytes + start, at - start) < 0)
            return -1;
        if (at < length) {
            size_t spaces = tabs ? TAB_COLUMNS - (*columns - origin) % TAB_COLUMNS : 1;
            *columns += spaces;
            at++;
            if (buffer_printf(&rows->bytes, "%*s", (int)spaces, "") < 0)
                return -1;
        }
    }
    return 0;
}

static int draw_line(
    struct cursor *cursor, const struct wrap *wrap, struct line line, bool tabs, struct rows *rows)
{
    const char *bytes = cursor->text->bytes.data;
    size_t start = rows->bytes.length;
    bool first = line.start == 0;
    unsigned drawn = STYLE_PLAIN;
    size_t columns = wrap->margin.columns;
    size_t end = trimmed(bytes, line.start, line.end);
    if (wrap->margin.columns > 0 &&
        buffer_append(&rows->bytes, first ? wrap->margin.first : wrap->margin.rest,
            first ? wrap->margin.first_length : wrap->margin.rest_length) < 0)
        return -1;
    if (end == line.start) {
        for (; columns > 0 && rows->bytes.data[rows->bytes.length - 1] == ' '; columns--)
            buffer_truncate(&rows->bytes, rows->bytes.length - 1);
    }
    for (size_t at = line.start; at < end;) {
        unsigned style = style_at(cursor, at);
        size_t stop = cursor->text->runs[cursor->run].end;
        if (stop > end)
            stop = end;
        if (wrap->styled && style_switch(&rows->bytes, drawn, style) < 0)
            return -1;
        drawn = style;
        if (draw_piece(rows, bytes + at, stop - at, tabs, wrap->margin.columns, &columns) < 0)
            return -1;
        at = stop;
    }
    if (wrap->styled && style_switch(&rows->bytes, drawn, STYLE_PLAIN) < 0)
        return -1;
    return rows_finish(rows, start, columns);
}

int text_wrap(const struct text *text, const struct wrap *wrap, struct rows *rows)
{
    struct cursor seeking = {text, 0}, drawing = {text, 0};
    size_t room = wrap->width > wrap->margin.columns ? wrap->width - wrap->margin.columns : 1;
    for (size_t at = 0; at < text->bytes.length;) {
        struct line line = next_line(&seeking, at, room);
        /* The walk ahead may have gone beyond the break. */
        seeking.run = drawing.run;
        if (draw_line(&drawing, wrap, line, false, rows) < 0)
            return -1;
        at = line.next;
    }
    return 0;
}

int text_verbatim(const struct text *text, const struct wrap *wrap, struct rows *rows)
{
    struct cursor drawing = {text, 0};
    for (size_t at = 0; at < text->bytes.length;) {
        const char *bytes = text->bytes.data;
        const char *newline = memchr(bytes + at, '\n', text->bytes.length - at);
        size_t end = newline != NULL ? (size_t)(newline - bytes) : text->bytes.length;
        struct line line = {at, end, newline != NULL ? end + 1 : end};
        if (draw_line(&drawing, wrap, line, true, rows) < 0)
            return -1;
        at = line.next;
    }
    return 0;
}

void text_measure(const struct text *text, size_t *longest_line, size_t *longest_word)
{
    const char *bytes = text->bytes.data;
    size_t line = 0, word = 0;
    *longest_line = *longest_word = 0;
    for (size_t at = 0; at < text->bytes.length;) {
        int columns;
        at += width_cluster(bytes + at, text->bytes.length - at, &columns);
        char last = bytes[at - 1];
        line = last == '\n' ? 0 : line + (size_t)columns;
        word = last == '\n' || last == ' ' || last == '\t' ? 0
               : columns == 2                              ? 2
                                                           : word + (size_t)columns;
        if (line > *longest_line)
            *longest_line = line;
        if (word > *longest_word)
            *longest_word = word;
    }
}
