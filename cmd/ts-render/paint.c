#include "paint.h"

#include "common/program.h"
#include "term/style.h"
#include "term/width.h"
#include "term/wrap.h"

#include <errno.h>
#include <string.h>

enum { MARK_LIMIT = 256 };

void painted(int status)
{
    if (status != 0)
        die(EXIT_SYSTEM, "lay out text: %s", strerror(errno));
}

static void paint_behind(struct rows *rows, const struct markdown *look, const char *mark,
    unsigned mark_style, const struct text *text)
{
    struct buffer first;
    size_t columns = width_text(mark, strlen(mark));
    char spaces[32];
    size_t length = columns < sizeof spaces ? columns : sizeof spaces - 1;
    struct wrap wrap = {.width = look->width, .styled = look->styled};
    memset(spaces, ' ', sizeof spaces);
    buffer_init(&first, MARK_LIMIT);
    if (look->styled)
        painted(style_switch(&first, STYLE_PLAIN, mark_style));
    painted(buffer_append_text(&first, mark));
    if (look->styled)
        painted(style_switch(&first, mark_style, STYLE_PLAIN));
    wrap.margin = (struct margin){first.data, first.length, spaces, length, length};
    painted(text_wrap(text, &wrap, rows));
    buffer_release(&first);
}

void paint(struct rows *rows, const struct markdown *look, const char *mark, unsigned mark_style,
    unsigned style, const char *line)
{
    struct text text;
    text_init(&text);
    painted(text_add(&text, style, line, strlen(line)));
    paint_behind(rows, look, mark, mark_style, &text);
    text_release(&text);
}

void paint_cut(struct rows *rows, const struct markdown *look, const char *mark,
    unsigned mark_style, unsigned style, const char *line)
{
    const char *ellipsis = look->unicode ? "…" : ">";
    size_t room = look->width - width_text(mark, strlen(mark));
    size_t length = strlen(line), at = 0, fits = 0, used = 0;
    struct text text;
    while (at < length && line[at] != '\n') {
        int columns;
        size_t size = width_cluster(line + at, length - at, &columns);
        if (used + (size_t)columns + 1 <= room)
            fits = at + size;
        used += (size_t)columns;
        at += size;
        if (used > room)
            break;
    }
    text_init(&text);
    painted(text_add(&text, style, line, used > room ? fits : at));
    if (used > room)
        painted(text_add(&text, style, ellipsis, strlen(ellipsis)));
    if (text.bytes.length == 0)
        painted(text_add(&text, style, " ", 1));
    paint_behind(rows, look, mark, mark_style, &text);
    text_release(&text);
}
