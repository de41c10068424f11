#include "term/style.h"

#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0';
}

bool style_terminal(int fd)
{
    return isatty(fd) && is_set("TERM") && strcmp(getenv("TERM"), "dumb") != 0;
}

bool style_wanted(enum style_mode mode, int fd)
{
    if (mode != STYLE_AUTO)
        return mode == STYLE_ALWAYS;
    return style_terminal(fd) && !is_set("NO_COLOR");
}

bool style_unicode(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_set(names[i])) {
            const char *value = getenv(names[i]);
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
        }
    }
    return false;
}

int style_switch(struct buffer *buffer, unsigned from, unsigned to)
{
    static const struct {
        enum style bit;
        const char *code;
    } codes[] = {
        {STYLE_BOLD, ";1"},
        {STYLE_DIM, ";2"},
        {STYLE_ITALIC, ";3"},
        {STYLE_UNDERLINE, ";4"},
        {STYLE_STRIKE, ";9"},
        {STYLE_RED, ";31"},
        {STYLE_GREEN, ";32"},
        {STYLE_YELLOW, ";33"},
        {STYLE_BLUE, ";34"},
        {STYLE_MAGENTA, ";35"},
        {STYLE_CYAN, ";36"},
    };
    from &= STYLE_DRAWN;
    to &= STYLE_DRAWN;
    if (from == to)
        return 0;
    if (buffer_append_text(buffer, "\033[0") < 0)
        return -1;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if ((to & codes[i].bit) != 0 && buffer_append_text(buffer, codes[i].code) < 0)
            return -1;
    }
    return buffer_append_byte(buffer, 'm');
}
