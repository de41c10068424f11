#include "agent/edit.h"

#include "agent/edit_loose.h"
#include "agent/line_endings.h"
#include "agent/line_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    OFFSETS_LIMIT = 4096, /* occurrences told apart; near_line needs them all */
    SCAN_WORK_LIMIT =
        1 << 28, /* bytes: a long needle that overlaps itself is looked for less often */
};

size_t edit_occurrences(const char *text, size_t length, const char *needle, size_t needle_length,
    size_t *offsets, size_t most)
{
    const char *at = text;
    const char *end = text + length;
    size_t count = 0;
    size_t work_limit = SCAN_WORK_LIMIT / (needle_length + 1) + 2;
    while (count < work_limit &&
           (at = memmem(at, (size_t)(end - at), needle, needle_length)) != NULL) {
        if (count < most)
            offsets[count] = (size_t)(at - text);
        count++;
        at++;
    }
    return count;
}

static size_t count_lines(const char *text, size_t length)
{
    size_t lines = 0;
    const char *end = text + length;
    for (const char *at = text; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        lines++;
    return lines;
}

/* The hits of one needle. */
struct hits {
    size_t *offsets; /* owned; OFFSETS_LIMIT of them */
    size_t *lines;   /* owned; where each begins, from 1 */
    size_t count;    /* may be more than were kept */
};

static size_t kept(const struct hits *hits)
{
    return hits->count < OFFSETS_LIMIT ? hits->count : OFFSETS_LIMIT;
}

static int find_hits(struct hits *hits, const struct buffer *text, const struct buffer *needle)
{
    hits->count = edit_occurrences(
        text->data, text->length, needle->data, needle->length, hits->offsets, OFFSETS_LIMIT);
    size_t line = 1, at = 0;
    for (size_t hit = 0; hit < kept(hits); hit++) {
        line += count_lines(text->data + at, hits->offsets[hit] - at);
        at = hits->offsets[hit];
        hits->lines[hit] = line;
    }
    return hits->count > 0;
}

static uint64_t distance(size_t line, int64_t near)
{
    if (near < 0)
        return (uint64_t)line + (uint64_t) - (near + 1) + 1;
    return (uint64_t)near > line ? (uint64_t)near - line : line - (uint64_t)near;
}

static size_t nearest(const struct hits *hits, int64_t near)
{
    size_t best = 0;
    for (size_t hit = 1; hit < kept(hits); hit++)
        if (distance(hits->lines[hit], near) < distance(hits->lines[best], near))
            best = hit;
    return best;
}

static int refuse_ambiguous(const struct hits *hits, struct error *error)
{
    struct line_list list = {0};
    struct buffer lines;
    buffer_init(&lines, ERROR_TEXT_SIZE);
    for (size_t hit = 0; hit < kept(hits); hit++)
        line_list_add(&list, hits->lines[hit]);
    line_list_print(&list, &lines);
    error_set(error,
        "old_string occurs %zu times, on lines %s: give more lines around it, near_line, or "
        "replace_all",
        hits->count, lines.data);
    buffer_release(&lines);
    return -1;
}

static int no_memory(struct error *error)
{
    return error_system(error, "build the new text");
}

/* Put replacement in place of length bytes at start. */
static int splice(struct buffer *text, size_t start, size_t length, const char *replacement,
    size_t replacement_length)
{
    struct buffer built;
    buffer_init(&built, text->maximum);
    if (buffer_append(&built, text->data, start) < 0 ||
        buffer_append(&built, replacement, replacement_length) < 0 ||
        buffer_append(&built, text->data + start + length, text->length - start - length) < 0) {
        buffer_release(&built);
        return -1;
    }
    buffer_release(text);
    *text = built;
    return 0;
}

static int splice_all(struct buffer *text, const struct buffer *needle,
    const struct buffer *replacement, size_t *replaced)
{
    struct buffer built;
    const char *at = text->data;
    const char *end = text->data + text->length;
    buffer_init(&built, text->maximum);
    for (;;) {
        const char *hit = memmem(at, (size_t)(end - at), needle->data, needle->length);
        const char *stop = hit != NULL ? hit : end;
        if (buffer_append(&built, at, (size_t)(stop - at)) < 0 ||
            (hit != NULL && buffer_append(&built, replacement->data, replacement->length) < 0)) {
            buffer_release(&built);
            return -1;
        }
        if (hit == NULL)
            break;
        ++*replaced;
        at = hit + needle->length;
    }
    buffer_release(text);
    *text = built;
    return 0;
}

static int replace_hits(struct buffer *text, const struct edit *edit, const struct hits *hits,
    const struct buffer *needle, const struct buffer *replacement, struct edit_result *result,
    struct error *error)
{
    size_t chosen = 0;
    if (edit->all && hits->count > 1) {
        result->line = hits->lines[0];
        return splice_all(text, needle, replacement, &result->replaced) < 0 ? no_memory(error) : 0;
    }
    if (hits->count > 1) {
        if (!edit->near || hits->count > OFFSETS_LIMIT)
            return refuse_ambiguous(hits, error);
        chosen = nearest(hits, edit->near_line);
    }
    result->line = hits->lines[chosen];
    result->replaced = 1;
    return splice(text, hits->offsets[chosen], needle->length, replacement->data,
               replacement->length) < 0
               ? no_memory(error)
               : 0;
}

static int apply_loose(struct buffer *text, const struct edit *edit, struct edit_result *result,
    struct buffer *remarks, struct buffer *details, struct error *error)
{
    struct edit_place place = {0};
    int found = edit_find_loose(text, edit, &place, remarks, error);
    if (found < 0)
        return no_memory(error);
    if (found > 1)
        return -1;
    if (found == 0) {
        if (edit_show_closest(text, edit->old_text, details) < 0)
            return no_memory(error);
        return error_set(error, "old_string is not in the file");
    }
    result->line = place.line;
    result->replaced = 1;
    int spliced = splice(text, place.cut_start, place.cut_end - place.cut_start,
        place.replacement.data, place.replacement.length);
    buffer_release(&place.replacement);
    return spliced < 0 ? no_memory(error) : 0;
}

/*
 * old and new are turned to the text's own line endings when those are the
 * same throughout: a model that was shown lines cannot know them.
 */
static int apply_prepared(struct buffer *text, const struct edit *edit, struct hits *hits,
    struct buffer *needle, struct buffer *replacement, struct edit_result *result,
    struct buffer *remarks, struct buffer *details, struct error *error)
{
    struct line_endings endings = line_endings_count(text->data, text->length);
    bool uniform = endings.crlf == 0 || endings.lf == 0;
    bool crlf = endings.crlf > 0;
    const size_t old_length = strlen(edit->old_text), new_length = strlen(edit->new_text);
    struct line_endings given = line_endings_count(edit->new_text, new_length);
    bool adapt_new = uniform && crlf && given.crlf == 0;
    if (buffer_append_text(needle, edit->old_text) < 0 ||
        (adapt_new ? line_endings_append(replacement, edit->new_text, new_length, true)
                   : buffer_append_text(replacement, edit->new_text)) < 0)
        return no_memory(error);
    if (find_hits(hits, text, needle))
        return replace_hits(text, edit, hits, needle, replacement, result, error);
    if (uniform) {
        buffer_clear(needle);
        buffer_clear(replacement);
        if (line_endings_append(needle, edit->old_text, old_length, crlf) < 0 ||
            line_endings_append(replacement, edit->new_text, new_length, crlf) < 0)
            return no_memory(error);
        if (find_hits(hits, text, needle))
            return replace_hits(text, edit, hits, needle, replacement, result, error);
    }
    return apply_loose(text, edit, result, remarks, details, error);
}

int edit_apply(struct buffer *text, const struct edit *edit, struct edit_result *result,
    struct buffer *remarks, struct buffer *details, struct error *error)
{
    *result = (struct edit_result){0};
    if (*edit->old_text == '\0')
        return error_set(error, "old_string is empty");
    if (strcmp(edit->old_text, edit->new_text) == 0)
        return error_set(error, "old_string and new_string are the same");
    struct hits hits = {
        .offsets = calloc(OFFSETS_LIMIT, sizeof *hits.offsets),
        .lines = calloc(OFFSETS_LIMIT, sizeof *hits.lines),
    };
    struct buffer needle, replacement;
    buffer_init(&needle, text->maximum);
    buffer_init(&replacement, text->maximum);
    int done = -1;
    if (hits.offsets == NULL || hits.lines == NULL)
        no_memory(error);
    else
        done = apply_prepared(
            text, edit, &hits, &needle, &replacement, result, remarks, details, error);
    buffer_release(&needle);
    buffer_release(&replacement);
    free(hits.offsets);
    free(hits.lines);
    return done;
}
