#include "agent/line_endings.h"

#include <string.h>

struct line_endings line_endings_count(const char *text, size_t length)
{
    struct line_endings endings = {0};
    const char *end = text + length;
    for (const char *at = text; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
        if (at > text && at[-1] == '\r')
            endings.crlf++;
        else
            endings.lf++;
    }
    return endings;
}

int line_endings_append(struct buffer *buffer, const char *text, size_t length, bool crlf)
{
    const char *end = text + length;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        if (newline == NULL)
            return buffer_append(buffer, text, (size_t)(end - text));
        size_t line = (size_t)(newline - text);
        line -= line > 0 && text[line - 1] == '\r';
        if (buffer_append(buffer, text, line) < 0 ||
            buffer_append_text(buffer, crlf ? "\r\n" : "\n") < 0)
            return -1;
        text = newline + 1;
    }
    return 0;
}
