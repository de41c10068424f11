#include "data/page_writer.h"

#include "base/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

void page_writer_init(struct page_writer *writer, struct buffer *text)
{
    *writer = (struct page_writer){.text = text};
}

static void put(struct page_writer *writer, const char *bytes, size_t length)
{
    if (!writer->failed && buffer_append(writer->text, bytes, length) < 0)
        writer->failed = true;
}

static void put_text(struct page_writer *writer, const char *text)
{
    put(writer, text, strlen(text));
}

static void put_prefix(struct page_writer *writer)
{
    for (size_t i = 0; i < writer->depth && i < PAGE_DEPTH; i++) {
        struct page_level *level = &writer->levels[i];
        put_text(writer, level->marked ? level->indent : level->marker);
        level->marked = true;
    }
}

/* Everything that was put off until something comes. */
static void begin(struct page_writer *writer)
{
    bool fresh = !writer->line_open;
    if (writer->break_wanted > 0 && writer->line_open) {
        put(writer, "\n\n", writer->break_wanted);
        fresh = true;
    }
    if (fresh) {
        put_prefix(writer);
        writer->lines++;
    }
    for (; writer->cells_wanted > 0; writer->cells_wanted--) {
        put_text(writer, fresh ? "| " : " | ");
        writer->space_wanted = false;
    }
    if (writer->space_wanted && !fresh)
        put(writer, " ", 1);
    writer->break_wanted = 0;
    writer->space_wanted = false;
    writer->line_open = true;
    writer->breaks_muted = false;
}

/* What has no width, or only changes how its neighbours are shown. Joiners stay: words need them.
 */
static bool is_unseen(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x08}, {0x0B, 0x1F}, {0x7F, 0x9F}, {0xAD, 0xAD}, /* soft hyphen */
        {0x200B, 0x200B},                                       /* zero width space */
        {0x200E, 0x200F},                                       /* directions */
        {0x202A, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB},
        {0xE0000, 0xE0FFF}, /* tags */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    }
    return false;
}

/* Bytes of the character at the front; *seen tells whether it is to be written. */
static size_t next_character(const char *text, size_t length, bool *seen)
{
    uint32_t character = 0;
    int size = utf8_decode(text, length, &character);
    *seen = size > 0 && !is_unseen(character);
    return size > 0 ? (size_t)size : 1;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f';
}

void page_writer_text(struct page_writer *writer, const char *text, size_t length, bool paragraphs)
{
    unsigned newlines = 0;
    for (size_t at = 0, size; at < length; at += size) {
        bool seen;
        if (is_space(text[at])) {
            size = 1;
            writer->space_wanted = true;
            newlines += text[at] == '\n';
            if (paragraphs && newlines == 2)
                page_writer_break(writer, 2);
            continue;
        }
        newlines = 0;
        size = next_character(text + at, length - at, &seen);
        if (!seen)
            continue;
        begin(writer);
        put(writer, text + at, size);
    }
}

void page_writer_verbatim(struct page_writer *writer, const char *text, size_t length)
{
    for (size_t at = 0, size; at < length; at += size) {
        bool seen;
        size = next_character(text + at, length - at, &seen);
        if (!seen)
            continue;
        if (text[at] != '\n') {
            begin(writer);
            put(writer, text + at, size);
        } else if (writer->line_open) {
            put(writer, "\n", 1);
            writer->line_open = false;
            writer->space_wanted = false;
        } else if (writer->lines > 0) {
            put(writer, "\n", 1);
        }
    }
}

void page_writer_break(struct page_writer *writer, unsigned lines)
{
    if (writer->breaks_muted)
        return;
    if (writer->break_wanted < lines)
        writer->break_wanted = lines;
    writer->space_wanted = false;
}

void page_writer_line_break(struct page_writer *writer)
{
    if (writer->breaks_muted)
        return;
    if (writer->break_wanted < 2)
        writer->break_wanted++;
    writer->space_wanted = false;
}

void page_writer_enter(struct page_writer *writer, const char *marker, const char *indent)
{
    if (writer->depth < PAGE_DEPTH) {
        struct page_level *level = &writer->levels[writer->depth];
        snprintf(level->marker, sizeof level->marker, "%s", marker);
        snprintf(level->indent, sizeof level->indent, "%s", indent);
        level->marked = false;
    }
    writer->depth++;
}

void page_writer_leave(struct page_writer *writer)
{
    if (writer->depth > 0)
        writer->depth--;
}

void page_writer_cell(struct page_writer *writer, size_t row_lines, bool first)
{
    writer->breaks_muted = true;
    if (first || writer->lines > row_lines + 1)
        return;
    /* All of the row so far stands on one line: paragraphs in cells do not end it. */
    if (writer->lines == row_lines + 1)
        writer->break_wanted = 0;
    writer->cells_wanted++;
}

void page_writer_finish(struct page_writer *writer)
{
    struct buffer *text = writer->text;
    while (text->length > 0 && is_space(text->data[text->length - 1]))
        buffer_truncate(text, text->length - 1);
    if (text->length > 0)
        put(writer, "\n", 1);
}
