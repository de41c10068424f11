#include "agent/edit_loose.h"

#include "agent/loose_text.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

enum {
    COMPARED_LINES = 60, /* lines of old_string that take part */
    SHOWN_LINES = 30,
    LINE_SHOWN_LIMIT = 300, /* bytes */
    WORDS_LEAST = 3,        /* bytes of key: "}" alone proves nothing */
    PAIR_SLOTS = 4096,      /* for pairs of neighbouring bytes, hashed */
    ALIKE_LEAST = 50,       /* percent of pairs in common */
};

/* A window of the file and how many of its lines are those given. */
struct region {
    size_t first, count;
    size_t score;
};

static struct region by_equal_lines(const struct loose_text *file, const struct loose_text *old)
{
    struct region best = {0};
    size_t count = old->count < COMPARED_LINES ? old->count : COMPARED_LINES;
    for (size_t at = 0; at < file->count; at++) {
        size_t score = 0;
        for (size_t line = 0; line < count && at + line < file->count; line++)
            score += old->lines[line].key_length >= WORDS_LEAST &&
                     loose_equal(file, &file->lines[at + line], old, &old->lines[line]);
        if (score > best.score)
            best = (struct region){at, count, score};
    }
    return best;
}

static unsigned pair_slot(const char *key, size_t at)
{
    return ((unsigned)(unsigned char)key[at] * 61 + (unsigned char)key[at + 1]) % PAIR_SLOTS;
}

/* Percent of the pairs of two keys that are the same, roughly (Dice's coefficient). */
static size_t alike(const bool *pairs, size_t pair_count, const char *key, size_t length)
{
    size_t common = 0;
    for (size_t at = 0; at + 1 < length; at++)
        common += pairs[pair_slot(key, at)];
    size_t all = pair_count + (length > 0 ? length - 1 : 0);
    return all > 0 ? 200 * common / all : 0;
}

/* No line is the same: the one that resembles the longest given line. */
static struct region by_similar_line(const struct loose_text *file, const struct loose_text *old)
{
    struct region best = {.score = ALIKE_LEAST - 1};
    bool pairs[PAIR_SLOTS] = {false};
    size_t longest = 0;
    for (size_t line = 1; line < old->count; line++)
        if (old->lines[line].key_length > old->lines[longest].key_length)
            longest = line;
    const struct loose_line *given = &old->lines[longest];
    const char *given_key = loose_key(old, given);
    for (size_t at = 0; at + 1 < given->key_length; at++)
        pairs[pair_slot(given_key, at)] = true;
    for (size_t at = 0; at < file->count; at++) {
        const struct loose_line *line = &file->lines[at];
        size_t score =
            line->key_length > given->key_length * 4
                ? 0
                : alike(pairs, given->key_length - 1, loose_key(file, line), line->key_length);
        if (score > best.score)
            best = (struct region){at > longest ? at - longest : 0, old->count, score};
    }
    return best;
}

static int show(const struct loose_text *file, const struct loose_text *old, struct region region,
    struct buffer *details)
{
    size_t end = region.first + region.count;
    end = end < file->count ? end : file->count;
    size_t shown_end = end - region.first > SHOWN_LINES ? region.first + SHOWN_LINES : end;
    size_t differs = region.first;
    while (differs < end && differs - region.first < old->count &&
           loose_equal(file, &file->lines[differs], old, &old->lines[differs - region.first]))
        differs++;
    if (buffer_printf(details, "closest are lines %zu-%zu", region.first + 1, end) < 0 ||
        (differs < end && buffer_printf(details, " (line %zu differs)", differs + 1) < 0) ||
        buffer_append_text(details, ":\n") < 0)
        return -1;
    for (size_t at = region.first; at < shown_end; at++) {
        const struct loose_line *line = &file->lines[at];
        bool cut = line->length > LINE_SHOWN_LIMIT;
        size_t length = cut ? LINE_SHOWN_LIMIT : line->length;
        if (buffer_printf(details, "%4zu\t", at + 1) < 0 ||
            utf8_append_repaired(details, line->text, length) < 0 ||
            buffer_append_text(details, cut ? "\xE2\x80\xA6\n" : "\n") < 0)
            return -1;
    }
    return 0;
}

int edit_show_closest(const struct buffer *text, const char *old_text, struct buffer *details)
{
    struct loose_text file = {0}, old = {0};
    int result = -1;
    if (loose_text_init(&file, text->data, text->length) == 0 &&
        loose_text_init(&old, old_text, strlen(old_text)) == 0) {
        struct region region = by_equal_lines(&file, &old);
        if (region.score == 0 && old.keys.length >= WORDS_LEAST)
            region = by_similar_line(&file, &old);
        result = region.count > 0 ? show(&file, &old, region, details) : 0;
    }
    loose_text_release(&file);
    loose_text_release(&old);
    return result;
}
