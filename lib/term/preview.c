#include "term/preview.h"

#include "term/style.h"

#include <stdio.h>
#include <string.h>

static size_t line_length(const char *text, size_t length)
{
    const char *newline = memchr(text, '\n', length);
    return newline != NULL ? (size_t)(newline - text) + 1 : length;
}

bool preview_is_diff(const char *text, size_t length)
{
    bool changes = false;
    for (size_t at = 0; at < length;) {
        char first = text[at];
        if (first == '+' || first == '-')
            changes = true;
        else if (memchr(" @\\\n", first, 4) == NULL)
            return false;
        at += line_length(text + at, length - at);
    }
    return changes;
}

static unsigned style_of(const char *line, size_t length)
{
    if (length >= 2 && line[0] == '@' && line[1] == '@')
        return STYLE_CYAN;
    return line[0] == '+' ? STYLE_GREEN : line[0] == '-' ? STYLE_RED : STYLE_DIM;
}

int preview_draw(
    const char *text, size_t length, size_t most, const struct wrap *wrap, struct rows *rows)
{
    struct text lines;
    size_t count = 0, hidden = 0;
    int status = 0;
    text_init(&lines);
    for (size_t at = 0; at < length && status == 0; count++) {
        size_t size = line_length(text + at, length - at);
        if (count < most)
            status = text_add(&lines, style_of(text + at, size), text + at, size);
        else
            hidden++;
        at += size;
    }
    if (status == 0 && hidden > 0) {
        char more[64];
        int size =
            snprintf(more, sizeof more, "(%zu more %s)", hidden, hidden == 1 ? "line" : "lines");
        status = text_add(&lines, STYLE_DIM, more, (size_t)size);
    }
    if (status == 0)
        status = text_verbatim(&lines, wrap, rows);
    text_release(&lines);
    return status;
}
