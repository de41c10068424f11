/*
 * Any bytes as a manual page: what comes out has no control characters, headings
 * lie in it one behind the other, and what matches is found under them. The
 * first line is the expression, and the name of a heading.
 */
#include "agent/manual.h"
#include "base/clock.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_LIMIT = 1 << 20, PATIENCE_MS = 1000, NAME_LONGEST = 60 };

static void check_text(const struct buffer *text)
{
    for (size_t i = 0; i < text->length; i++) {
        unsigned char byte = (unsigned char)text->data[i];
        if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f)
            abort();
    }
}

static void check_headings(const struct manual *manual)
{
    size_t at = 0;
    for (size_t i = 0; i < manual->count; i++) {
        const struct manual_heading *heading = &manual->headings[i];
        const char *end = manual->text + manual->length;
        if (heading->start < at || heading->end <= heading->start ||
            heading->end > manual->length || heading->level < 1 || heading->length == 0 ||
            heading->name < manual->text || heading->name + heading->length > end)
            abort();
        at = heading->start + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = memchr(data, '\n', size);
    char name[NAME_LONGEST + 1] = "";
    struct buffer text, output;
    struct manual manual;
    size_t found;
    if (newline == NULL || newline - data > NAME_LONGEST)
        return 0;
    size_t first = (size_t)(newline - data);
    memcpy(name, data, first);
    buffer_init(&text, TEXT_LIMIT);
    buffer_init(&output, (size_t)8 * TEXT_LIMIT);
    if (manual_append_plain(&text, (const char *)newline + 1, size - first - 1) < 0)
        abort();
    check_text(&text);
    if (manual_read(&manual, text.data, text.length) < 0)
        abort();
    check_headings(&manual);
    const struct manual_heading *heading = manual_find(&manual, name);
    (void)manual_append_names(&manual, &output);
    (void)manual_append_matches(&manual, heading != NULL ? heading->start : 0,
        heading != NULL ? heading->end : text.length, name, clock_monotonic_ms() + PATIENCE_MS,
        &output, &found, NULL);
    manual_release(&manual);
    buffer_release(&text);
    buffer_release(&output);
    return 0;
}
