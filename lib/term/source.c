#include "term/source.h"

#include "base/buffer.h"

#include <string.h>

/* The run of fence marks a line begins with, behind spaces; 0: it is no fence. */
static size_t fence_of(const char *line, size_t length, char *mark)
{
    size_t at = 0;
    while (at < length && line[at] == ' ')
        at++;
    *mark = at < length ? line[at] : '\0';
    size_t run = 0;
    while (at + run < length && line[at + run] == *mark)
        run++;
    return (*mark == '`' || *mark == '~') && run >= 3 ? run : 0;
}

/* Where the bracket of "[name]: address" stands in a line; length: nowhere. */
static size_t definition_at(const char *line, size_t length)
{
    size_t at = 0;
    while (at < length && memchr(" \t>-*+.)0123456789", line[at], 18) != NULL)
        at++;
    if (at == length || line[at] != '[')
        return length;
    const char *end = memchr(line + at, ']', length - at);
    return end != NULL && end + 1 < line + length && end[1] == ':' ? at : length;
}

int source_keep_definitions(const char *source, size_t length, struct buffer *kept)
{
    size_t open = 0;
    char open_mark = '\0';
    for (size_t at = 0; at < length;) {
        const char *line = source + at;
        const char *newline = memchr(line, '\n', length - at);
        size_t size = newline != NULL ? (size_t)(newline - line) + 1 : length - at;
        char mark;
        size_t fence = fence_of(line, size, &mark);
        size_t bracket = open > 0 || fence > 0 ? size : definition_at(line, size);
        if (open == 0)
            open_mark = mark;
        if (fence > 0 && mark == open_mark)
            open = open == 0 ? fence : fence >= open ? 0 : open;
        if (buffer_append(kept, line, bracket) < 0)
            return -1;
        if (bracket < size && (buffer_append_byte(kept, '\\') < 0 ||
                                  buffer_append(kept, line + bracket, size - bracket) < 0))
            return -1;
        at += size;
    }
    return 0;
}

bool source_blank(const char *source, size_t length)
{
    size_t at = 0;
    while (at < length && (source[at] == ' ' || source[at] == '\n' || source[at] == '\t'))
        at++;
    return at == length;
}
