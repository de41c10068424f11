#include "agent/manual.h"

#include "agent/line_search.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    HEADINGS_MOST = 2000,
    HEADING_LONGEST = 100, /* bytes; a longer line is text */
    HEADING_INDENT = 3,    /* blanks before a second-level one; text has five or more */
    NAMES_LIMIT = 2000,    /* bytes of a list of headings */
};

/* Plain text. */

static void take_back_character(struct buffer *text, size_t start)
{
    size_t length = text->length;
    while (length > start && ((unsigned char)text->data[length - 1] & 0xC0) == 0x80)
        length--;
    if (length > start && text->data[length - 1] != '\n')
        buffer_truncate(text, length - 1);
}

/* Where an escape sequence ends that begins at bytes[at]. */
static size_t skip_escape(const char *bytes, size_t length, size_t at)
{
    at++;
    if (at == length || bytes[at] != '[')
        return at < length ? at + 1 : at;
    for (at++; at < length; at++)
        if (bytes[at] >= '@' && bytes[at] <= '~')
            return at + 1;
    return at;
}

static int end_line(struct buffer *text, size_t start)
{
    size_t length = text->length;
    while (length > start && text->data[length - 1] == ' ')
        length--;
    buffer_truncate(text, length);
    bool empty = length == start || text->data[length - 1] == '\n';
    bool after_empty = length == start || (length - start >= 2 && text->data[length - 2] == '\n');
    return empty && after_empty ? 0 : buffer_append_byte(text, '\n');
}

int manual_append_plain(struct buffer *text, const char *bytes, size_t length)
{
    size_t start = text->length;
    for (size_t at = 0; at < length;) {
        char byte = bytes[at];
        int result = 0;
        if (byte == '\x1b') {
            at = skip_escape(bytes, length, at);
            continue;
        }
        if (byte == '\b')
            take_back_character(text, start);
        else if (byte == '\n')
            result = end_line(text, start);
        else if (byte == '\t' || (unsigned char)byte >= ' ')
            result = byte == '\x7f' ? 0 : buffer_append_byte(text, byte);
        if (result < 0)
            return -1;
        at++;
    }
    return 0;
}

/* Headings. */

/* Of info's headings, from the highest. */
static const char underlines[] = "*=-.";

static bool is_underline(const char *line, size_t length)
{
    return length >= 3 && strchr(underlines, line[0]) != NULL && line[0] != '\0' &&
           strspn(line, (char[]){line[0], '\0'}) == length;
}

/* 0: it is text. In an info page what counts is the line below, which underlines a heading. */
static int level_of(
    const char *line, size_t length, const char *below, size_t below_length, bool info)
{
    size_t indent = strspn(line, " ");
    if (length == 0 || length > HEADING_LONGEST || indent >= length)
        return 0;
    if (info)
        return is_underline(below, below_length)
                   ? (int)strcspn(underlines, (char[]){below[0], 0}) + 1
                   : 0;
    if (indent == 0)
        return 1;
    return indent <= HEADING_INDENT ? 2 : 0;
}

static size_t line_length(const struct manual *manual, size_t at)
{
    const char *newline = memchr(manual->text + at, '\n', manual->length - at);
    return newline != NULL ? (size_t)(newline - manual->text) - at : manual->length - at;
}

static int add_heading(struct manual *manual, size_t start, size_t length, int level)
{
    if (manual->count == HEADINGS_MOST)
        return 0;
    if (manual->headings == NULL &&
        (manual->headings = calloc(HEADINGS_MOST, sizeof *manual->headings)) == NULL)
        return -1;
    size_t indent = strspn(manual->text + start, " ");
    manual->headings[manual->count++] = (struct manual_heading){
        .start = start,
        .level = level,
        .name = manual->text + start + indent,
        .length = length - indent,
    };
    return 0;
}

static void find_ends(struct manual *manual)
{
    for (size_t i = 0; i < manual->count; i++) {
        size_t next = i + 1;
        while (next < manual->count && manual->headings[next].level > manual->headings[i].level)
            next++;
        manual->headings[i].end =
            next < manual->count ? manual->headings[next].start : manual->length;
    }
}

int manual_read(struct manual *manual, const char *text, size_t length)
{
    const bool info = length > 6 && memcmp(text, "File: ", 6) == 0;
    *manual = (struct manual){.text = text, .length = length};
    for (size_t at = 0; at < length;) {
        size_t size = line_length(manual, at);
        size_t next = at + size < length ? at + size + 1 : length;
        int level = level_of(text + at, size, text + next, line_length(manual, next), info);
        /* The first and the last line name the page. */
        if (level > 0 && at > 0 && next < length && add_heading(manual, at, size, level) < 0)
            return -1;
        manual->lines++;
        at = next;
    }
    find_ends(manual);
    return 0;
}

void manual_release(struct manual *manual)
{
    free(manual->headings);
    *manual = (struct manual){0};
}

static bool contains(const struct manual_heading *heading, const char *name, size_t length)
{
    for (size_t at = 0; at + length <= heading->length; at++) {
        if (strncasecmp(heading->name + at, name, length) == 0)
            return true;
    }
    return false;
}

const struct manual_heading *manual_find(const struct manual *manual, const char *name)
{
    name += strspn(name, " ");
    size_t length = strlen(name);
    while (length > 0 && strchr(" :", name[length - 1]) != NULL)
        length--;
    for (size_t i = 0; length > 0 && i < manual->count; i++) {
        if (manual->headings[i].length == length &&
            strncasecmp(manual->headings[i].name, name, length) == 0)
            return &manual->headings[i];
    }
    for (size_t i = 0; length > 0 && i < manual->count; i++) {
        if (contains(&manual->headings[i], name, length))
            return &manual->headings[i];
    }
    return NULL;
}

int manual_append_names(const struct manual *manual, struct buffer *list)
{
    size_t start = list->length;
    for (size_t i = 0; i < manual->count; i++) {
        const struct manual_heading *heading = &manual->headings[i];
        if (heading->level > 2)
            continue;
        if (list->length - start > NAMES_LIMIT)
            return buffer_append_text(list, ", ...");
        if ((list->length > start && buffer_append_text(list, ", ") < 0) ||
            utf8_append_repaired(list, heading->name, heading->length) < 0)
            return -1;
    }
    return 0;
}

/* Matches. */

static const struct manual_heading *heading_above(const struct manual *manual, size_t at)
{
    const struct manual_heading *found = NULL;
    for (size_t i = 0; i < manual->count && manual->headings[i].start <= at; i++)
        found = &manual->headings[i];
    return found;
}

/* The paragraph around a line: what stands between empty lines and headings. */
static void find_paragraph(const struct manual *manual, const struct line_match *match,
    size_t least, size_t most, size_t *start, size_t *end)
{
    const char *text = manual->text;
    const struct manual_heading *heading = heading_above(manual, match->line_start);
    if (heading != NULL && heading->start > least)
        least = heading->start;
    *start = match->line_start;
    while (*start > least && !(*start >= 2 && text[*start - 1] == '\n' && text[*start - 2] == '\n'))
        (*start)--;
    const char *gap = memmem(text + match->line_end, most - match->line_end, "\n\n", 2);
    *end = gap != NULL ? (size_t)(gap - text) + 1 : most;
    for (size_t i = 0; i < manual->count; i++) {
        size_t next = manual->headings[i].start;
        if (next > match->line_start && next < *end)
            *end = next;
    }
}

static int append_paragraph(const struct manual *manual, size_t start, size_t end,
    const struct manual_heading **last, struct buffer *output)
{
    const struct manual_heading *heading = heading_above(manual, start);
    if (output->length > 0 && buffer_append_byte(output, '\n') < 0)
        return -1;
    if (heading != NULL && heading != *last && start != heading->start &&
        (utf8_append_repaired(output, heading->name, heading->length) < 0 ||
            buffer_append_byte(output, '\n') < 0))
        return -1;
    *last = heading;
    if (utf8_append_repaired(output, manual->text + start, end - start) < 0)
        return -1;
    return end > start && manual->text[end - 1] != '\n' ? buffer_append_byte(output, '\n') : 0;
}

int manual_append_matches(const struct manual *manual, size_t start, size_t end,
    const char *expression, int64_t deadline, struct buffer *output, size_t *found,
    struct error *error)
{
    const struct manual_heading *last = NULL;
    struct line_match match;
    struct error reason;
    *found = 0;
    struct line_search *search = line_search_new(expression, false, true, deadline, &reason);
    if (search == NULL)
        search = line_search_new(expression, true, true, deadline, &reason);
    if (search == NULL)
        return error_set(error, "pattern: %s", reason.text);
    int result = 0;
    size_t from = start;
    while (result == 0 && from < end && line_search_next(search, manual->text, end, from, &match)) {
        size_t first, behind;
        find_paragraph(manual, &match, start, end, &first, &behind);
        result = append_paragraph(manual, first, behind, &last, output);
        (*found)++;
        from = behind > match.line_end ? behind : match.line_end + 1;
        start = from;
    }
    line_search_free(search);
    return result < 0 ? error_system(error, "keep the matches") : 0;
}
