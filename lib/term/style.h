/*
 * Whether and how text is styled: a style is a set of bits, drawn with SGR
 * sequences (ECMA-48), the only escapes that ever stand inside a row.
 */
#ifndef TERM_STYLE_H
#define TERM_STYLE_H

#include <stdbool.h>

struct buffer;

enum style {
    STYLE_PLAIN = 0,
    STYLE_BOLD = 1 << 0,
    STYLE_DIM = 1 << 1,
    STYLE_ITALIC = 1 << 2,
    STYLE_UNDERLINE = 1 << 3,
    STYLE_STRIKE = 1 << 4,
    STYLE_RED = 1 << 5, /* of several colours the last one here wins */
    STYLE_GREEN = 1 << 6,
    STYLE_YELLOW = 1 << 7,
    STYLE_BLUE = 1 << 8,
    STYLE_MAGENTA = 1 << 9,
    STYLE_CYAN = 1 << 10,
    STYLE_TOGETHER =
        1 << 11, /* not drawn: text that is not broken at its spaces if it can be helped */
    STYLE_DRAWN = STYLE_TOGETHER - 1,
};

enum style_mode { STYLE_AUTO, STYLE_ALWAYS, STYLE_NEVER };

/*
 * Whether to style what goes to fd. STYLE_AUTO: fd is a terminal, TERM is set
 * and not "dumb", and NO_COLOR is not set or empty (no-color.org).
 */
bool style_wanted(enum style_mode mode, int fd);

/* fd is a terminal that understands escapes: it is one, TERM is set and not "dumb". */
bool style_terminal(int fd);

/* The locale's encoding, from LC_ALL, LC_CTYPE or LANG, is UTF-8. */
bool style_unicode(void);

/* Append what switches from one style to another; nothing when they look the same. 0 or -1. */
int style_switch(struct buffer *buffer, unsigned from, unsigned to);

#endif
