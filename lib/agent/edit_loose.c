#include "agent/edit_loose.h"

#include "agent/diff.h"
#include "agent/line_list.h"
#include "agent/loose_text.h"
#include "agent/reindent.h"

#include <string.h>

enum {
    COMPARE_LIMIT = 1 << 25, /* pairs of lines looked at in search of a match */
    PLACES_LIMIT = 64,       /* candidates told apart */
    REMARK_LINES = 40,       /* lines of difference between what was given and what is there */
};

/* What is being looked for, where, and what was found. */
struct hunt {
    struct loose_text file, old, new;
    const struct buffer *text;
    struct line_list lines;
    size_t count;             /* places that fit */
    size_t first;             /* line index of the first */
    size_t key_offset;        /* within a line, for a match of words */
    struct reindent reindent; /* of the first */
};

static bool same_bytes(const struct loose_line *one, const struct loose_line *other)
{
    return one->length == other->length && (one->ending > 0) == (other->ending > 0) &&
           memcmp(one->text, other->text, one->length) == 0;
}

static bool has_words(const struct loose_text *loose)
{
    return loose->keys.length > 0;
}

static bool lines_fit(const struct hunt *hunt, size_t at)
{
    for (size_t line = 0; line < hunt->old.count; line++)
        if (!loose_equal(
                &hunt->file, &hunt->file.lines[at + line], &hunt->old, &hunt->old.lines[line]))
            return false;
    return true;
}

/* Whole lines. Each candidate's indentation must differ from the given one in one uniform way. */
static void find_lines(struct hunt *hunt)
{
    size_t work = 0;
    const size_t count = hunt->old.count;
    for (size_t at = 0; at + count <= hunt->file.count && hunt->count < PLACES_LIMIT; at++) {
        struct reindent reindent;
        work += hunt->file.lines[at].hash == hunt->old.lines[0].hash ? count : 1;
        if (work > COMPARE_LIMIT)
            return;
        if (!lines_fit(hunt, at) ||
            !reindent_find(&reindent, &hunt->file.lines[at], hunt->old.lines, count))
            continue;
        line_list_add(&hunt->lines, at + 1);
        if (hunt->count++ == 0) {
            hunt->first = at;
            hunt->reindent = reindent;
        }
    }
}

/* Words within one line. */
static void find_words(struct hunt *hunt)
{
    const struct loose_line *old = &hunt->old.lines[0];
    const char *wanted = loose_key(&hunt->old, old);
    for (size_t at = 0; at < hunt->file.count && hunt->count < PLACES_LIMIT; at++) {
        const struct loose_line *line = &hunt->file.lines[at];
        const char *key = loose_key(&hunt->file, line);
        const char *end = key + line->key_length;
        for (const char *hit = key;
             (hit = memmem(hit, (size_t)(end - hit), wanted, old->key_length)) != NULL; hit++) {
            line_list_add(&hunt->lines, at + 1);
            if (hunt->count++ == 0) {
                hunt->first = at;
                hunt->key_offset = (size_t)(hit - key);
            }
            if (hunt->count == PLACES_LIMIT)
                break;
        }
    }
}

static size_t offset_of(const struct hunt *hunt, size_t line)
{
    if (line >= hunt->file.count)
        return hunt->text->length;
    return (size_t)(hunt->file.lines[line].text - hunt->text->data);
}

/* Behind a line, with its ending when old_string has one there. */
static size_t end_of(const struct hunt *hunt, size_t line, bool with_ending)
{
    const struct loose_line *last = &hunt->file.lines[line];
    return offset_of(hunt, line) + last->length + (with_ending ? last->ending : 0);
}

/* Lines that old_string and new_string share at their ends stay as they are in the file. */
static void find_kept(const struct hunt *hunt, size_t *front, size_t *back)
{
    const struct loose_text *old = &hunt->old, *new = &hunt->new;
    size_t most = old->count < new->count ? old->count : new->count;
    const struct loose_line *file_last = &hunt->file.lines[hunt->first + old->count - 1];
    *front = *back = 0;
    if (file_last->ending == 0 && old->lines[old->count - 1].ending > 0)
        return;
    while (*front < most && same_bytes(&old->lines[*front], &new->lines[*front]))
        ++*front;
    while (*front + *back < most &&
           same_bytes(&old->lines[old->count - 1 - *back], &new->lines[new->count - 1 - *back]))
        ++*back;
}

static int fill_lines(const struct hunt *hunt, struct edit_place *place)
{
    const struct loose_text *old = &hunt->old, *new = &hunt->new;
    const size_t last = hunt->first + old->count - 1;
    bool old_ended = old->lines[old->count - 1].ending > 0;
    const struct loose_line *model = &hunt->file.lines[hunt->first];
    if (model->ending == 0 && hunt->first > 0)
        model--;
    const char *ending = model->ending == 2 ? "\r\n" : "\n";
    size_t front = 0, back = 0;
    find_kept(hunt, &front, &back);
    place->start = offset_of(hunt, hunt->first) + hunt->reindent.first_offset;
    place->length = end_of(hunt, last, old_ended) - place->start;
    place->line = hunt->first + 1;
    place->cut_start = front > 0 ? offset_of(hunt, hunt->first + front) : place->start;
    place->cut_end =
        back > 0 ? offset_of(hunt, hunt->first + old->count - back) : place->start + place->length;
    for (size_t line = front; line < new->count - back; line++) {
        const struct loose_line *given = &new->lines[line];
        bool indented =
            given->indent < given->length && (line > 0 || hunt->reindent.first_offset == 0);
        size_t skipped = indented ? given->indent : 0;
        if ((indented && reindent_append(&hunt->reindent, given, &place->replacement) < 0) ||
            buffer_append(&place->replacement, given->text + skipped, given->length - skipped) <
                0 ||
            (given->ending > 0 && buffer_append_text(&place->replacement, ending) < 0))
            return -1;
    }
    /* The file's last line had no newline, and gets none by being quoted with one. */
    if (old_ended && hunt->file.lines[last].ending == 0 && place->replacement.length > 0 &&
        new->lines[new->count - 1].ending > 0)
        buffer_truncate(&place->replacement, place->replacement.length - strlen(ending));
    return 0;
}

static int fill_words(
    const struct hunt *hunt, const char *replacement, size_t length, struct edit_place *place)
{
    const struct loose_line *line = &hunt->file.lines[hunt->first];
    size_t from = loose_origin(line, hunt->key_offset);
    size_t to = loose_origin(line, hunt->key_offset + hunt->old.lines[0].key_length);
    place->start = offset_of(hunt, hunt->first) + from;
    place->length = to - from;
    place->line = hunt->first + 1;
    place->cut_start = place->start;
    place->cut_end = place->start + place->length;
    return buffer_append(&place->replacement, replacement, length);
}

static int remark(const struct hunt *hunt, const struct edit *edit, const struct edit_place *place,
    struct buffer *remarks)
{
    struct diff_text given = {edit->old_text, strlen(edit->old_text)};
    struct diff_text there = {hunt->text->data + place->start, place->length};
    if (buffer_printf(remarks,
            "line %zu matched though white space, indentation or typographic characters differ; "
            "given (-) and found (+):\n",
            place->line) < 0)
        return -1;
    return diff_unified(remarks, given, there, REMARK_LINES, NULL);
}

static int refuse_ambiguous(const struct hunt *hunt, struct error *error)
{
    struct buffer lines;
    buffer_init(&lines, ERROR_TEXT_SIZE);
    line_list_print(&hunt->lines, &lines);
    error_set(error,
        "old_string is not in the file exactly, and resembles %zu places, on lines %s: quote one "
        "of them exactly",
        hunt->count, lines.data);
    buffer_release(&lines);
    return (int)hunt->count;
}

/* White space around the words of a fragment would get lost, unless it stays the same. */
static bool shared_margins(
    const struct loose_line *old, const char *new_text, size_t *front, size_t *back)
{
    size_t length = strlen(new_text);
    *front = old->indent;
    *back = 0;
    while (*back < old->length - old->indent && (old->text[old->length - 1 - *back] == ' ' ||
                                                    old->text[old->length - 1 - *back] == '\t'))
        ++*back;
    return length >= *front + *back && memcmp(new_text, old->text, *front) == 0 &&
           memcmp(new_text + length - *back, old->text + old->length - *back, *back) == 0;
}

static int hunt_for(
    struct hunt *hunt, const struct edit *edit, struct edit_place *place, struct error *error)
{
    size_t front = 0, back = 0;
    const struct loose_line *old = &hunt->old.lines[0];
    if (!has_words(&hunt->old))
        return 0;
    find_lines(hunt);
    if (hunt->count == 1)
        return fill_lines(hunt, place) < 0 ? -1 : 1;
    if (hunt->count == 0 && hunt->old.count == 1 && old->ending == 0 &&
        shared_margins(old, edit->new_text, &front, &back)) {
        find_words(hunt);
        if (hunt->count == 1)
            return fill_words(hunt, edit->new_text + front, strlen(edit->new_text) - front - back,
                       place) < 0
                       ? -1
                       : 1;
    }
    return hunt->count > 1 ? refuse_ambiguous(hunt, error) : 0;
}

int edit_find_loose(const struct buffer *text, const struct edit *edit, struct edit_place *place,
    struct buffer *remarks, struct error *error)
{
    struct hunt hunt = {.text = text};
    int found = -1;
    *place = (struct edit_place){0};
    buffer_init(&place->replacement, text->maximum);
    if (loose_text_init(&hunt.file, text->data, text->length) == 0 &&
        loose_text_init(&hunt.old, edit->old_text, strlen(edit->old_text)) == 0 &&
        loose_text_init(&hunt.new, edit->new_text, strlen(edit->new_text)) == 0)
        found = hunt_for(&hunt, edit, place, error);
    if (found == 1 && remark(&hunt, edit, place, remarks) < 0)
        found = -1;
    if (found != 1)
        buffer_release(&place->replacement);
    loose_text_release(&hunt.file);
    loose_text_release(&hunt.old);
    loose_text_release(&hunt.new);
    return found;
}
