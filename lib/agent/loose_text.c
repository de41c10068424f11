#include "agent/loose_text.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_UNIT = 4 }; /* most bytes one character becomes */

static bool is_space(uint32_t character)
{
    return character == ' ' || character == '\t' || character == '\r' || character == 0x00A0 ||
           character == 0x2007 || character == 0x202F;
}

/* What a character is remembered as; NULL: as itself. */
static const char *plain_form(uint32_t character)
{
    switch (character) {
    case 0x2018:
    case 0x2019:
    case 0x201A:
    case 0x2032:
        return "'";
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x2033:
        return "\"";
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2212:
        return "-";
    case 0x2026:
        return "...";
    default:
        return NULL;
    }
}

/* One step through a line: how many bytes of text became how many of key. */
struct key_step {
    size_t from; /* bytes of text */
    char key[KEY_UNIT];
    size_t length;
};

static size_t skip_spaces(const char *text, size_t length)
{
    size_t at = 0;
    uint32_t character = 0;
    while (at < length) {
        int bytes = utf8_decode(text + at, length - at, &character);
        if (bytes <= 0 || !is_space(character))
            break;
        at += (size_t)bytes;
    }
    return at;
}

static struct key_step next_step(const char *text, size_t length)
{
    struct key_step step = {.from = skip_spaces(text, length)};
    if (step.from > 0) {
        step.length = step.from < length ? 1 : 0; /* none at the end of a line */
        step.key[0] = ' ';
        return step;
    }
    uint32_t character = 0;
    int bytes = utf8_decode(text, length, &character);
    step.from = bytes > 0 ? (size_t)bytes : 1;
    const char *plain = bytes > 1 ? plain_form(character) : NULL;
    step.length = plain != NULL ? strlen(plain) : step.from;
    memcpy(step.key, plain != NULL ? plain : text, step.length);
    return step;
}

static int add_line(struct loose_text *loose, const char *text, size_t length, bool ended)
{
    struct loose_line *line = &loose->lines[loose->count];
    *line = (struct loose_line){.text = text, .length = length, .ending = ended ? 1 : 0};
    if (ended && length > 0 && text[length - 1] == '\r') {
        line->length--;
        line->ending++;
    }
    while (line->indent < line->length && (text[line->indent] == ' ' || text[line->indent] == '\t'))
        line->indent++;
    line->key_start = loose->keys.length;
    for (size_t at = skip_spaces(text, line->length); at < line->length;) {
        struct key_step step = next_step(text + at, line->length - at);
        if (buffer_append(&loose->keys, step.key, step.length) < 0)
            return -1;
        at += step.from;
    }
    line->key_length = loose->keys.length - line->key_start;
    line->hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t at = line->key_start; at < loose->keys.length; at++)
        line->hash = (line->hash ^ (unsigned char)loose->keys.data[at]) * UINT64_C(1099511628211);
    loose->count++;
    return 0;
}

int loose_text_init(struct loose_text *loose, const char *text, size_t length)
{
    const char *end = text + length;
    size_t count = 1;
    for (const char *at = text; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        count++;
    *loose = (struct loose_text){.lines = calloc(count, sizeof *loose->lines)};
    buffer_init(&loose->keys, length + 1);
    if (loose->lines == NULL)
        return -1;
    for (const char *at = text; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t part = (size_t)((newline != NULL ? newline : end) - at);
        if (add_line(loose, at, part, newline != NULL) < 0)
            return -1;
        at += part + (newline != NULL);
    }
    return 0;
}

void loose_text_release(struct loose_text *loose)
{
    free(loose->lines);
    loose->lines = NULL;
    buffer_release(&loose->keys);
}

const char *loose_key(const struct loose_text *loose, const struct loose_line *line)
{
    return loose->keys.data + line->key_start;
}

bool loose_equal(const struct loose_text *one, const struct loose_line *line,
    const struct loose_text *other, const struct loose_line *other_line)
{
    return line->hash == other_line->hash && line->key_length == other_line->key_length &&
           memcmp(loose_key(one, line), loose_key(other, other_line), line->key_length) == 0;
}

size_t loose_origin(const struct loose_line *line, size_t key_offset)
{
    size_t at = skip_spaces(line->text, line->length);
    for (size_t key = 0; at < line->length && key < key_offset;) {
        struct key_step step = next_step(line->text + at, line->length - at);
        key += step.length;
        if (key > key_offset) /* within what one character became */
            break;
        at += step.from;
    }
    return at;
}
