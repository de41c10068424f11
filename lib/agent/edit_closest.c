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
    LENGTH_RATIO = 4,       /* a line so many times longer resembles nothing */
    TIES_LIMIT = 50,        /* windows that are told apart by how their lines resemble */
    ALIKE_LEAST = 50,       /* percent of pairs in common */
};

/* A window of the file, and how much of it is what was given. */
struct region {
    size_t first, count;
    size_t equal; /* lines */
    size_t alike; /* percent, summed over the others */
};

static unsigned pair_slot(const char *key, size_t at)
{
    return ((unsigned)(unsigned char)key[at] * 61 + (unsigned char)key[at + 1]) % PAIR_SLOTS;
}

/* The pairs of neighbouring bytes in one given line. */
struct pairs {
    bool there[PAIR_SLOTS];
    size_t count;
};

static void collect_pairs(
    struct pairs *pairs, const struct loose_text *old, const struct loose_line *line)
{
    const char *key = loose_key(old, line);
    memset(pairs, 0, sizeof *pairs);
    pairs->count = line->key_length > 0 ? line->key_length - 1 : 0;
    for (size_t at = 0; at < pairs->count; at++)
        pairs->there[pair_slot(key, at)] = true;
}

/* Percent of the pairs that two lines share, roughly (Dice's coefficient). */
static size_t alike(
    const struct pairs *pairs, const struct loose_text *file, const struct loose_line *line)
{
    const char *key = loose_key(file, line);
    size_t common = 0;
    size_t count = line->key_length > 0 ? line->key_length - 1 : 0;
    if (count > pairs->count * LENGTH_RATIO + 1)
        return 0;
    for (size_t at = 0; at < count; at++)
        common += pairs->there[pair_slot(key, at)];
    return count + pairs->count > 0 ? 200 * common / (count + pairs->count) : 0;
}

static size_t count_equal(
    const struct loose_text *file, const struct loose_text *old, size_t at, size_t count)
{
    size_t equal = 0;
    for (size_t line = 0; line < count && at + line < file->count; line++)
        equal += old->lines[line].key_length >= WORDS_LEAST &&
                 loose_equal(file, &file->lines[at + line], old, &old->lines[line]);
    return equal;
}

static size_t sum_alike(const struct loose_text *file, const struct loose_text *old, size_t at,
    size_t count, struct pairs *pairs)
{
    size_t sum = 0;
    for (size_t line = 0; line < count && at + line < file->count; line++) {
        collect_pairs(pairs, old, &old->lines[line]);
        sum += alike(pairs, file, &file->lines[at + line]);
    }
    return sum;
}

/* Most lines equal; of several such windows, the one whose other lines resemble most. */
static struct region by_equal_lines(const struct loose_text *file, const struct loose_text *old)
{
    static struct pairs pairs;
    struct region best = {0};
    size_t count = old->count < COMPARED_LINES ? old->count : COMPARED_LINES;
    size_t ties = 0;
    for (size_t at = 0; at < file->count; at++) {
        struct region region = {.first = at, .count = count};
        region.equal = count_equal(file, old, at, count);
        if (region.equal == 0 || region.equal < best.equal)
            continue;
        ties = region.equal > best.equal ? 0 : ties + 1;
        if (ties > TIES_LIMIT)
            continue;
        region.alike = sum_alike(file, old, at, count, &pairs);
        if (region.equal > best.equal || region.alike > best.alike)
            best = region;
    }
    return best;
}

/* No line is equal: the one that resembles the longest given line. */
static struct region by_similar_line(const struct loose_text *file, const struct loose_text *old)
{
    static struct pairs pairs;
    struct region best = {.alike = ALIKE_LEAST - 1};
    size_t longest = 0;
    for (size_t line = 1; line < old->count; line++)
        if (old->lines[line].key_length > old->lines[longest].key_length)
            longest = line;
    collect_pairs(&pairs, old, &old->lines[longest]);
    for (size_t at = 0; at < file->count; at++) {
        size_t score = alike(&pairs, file, &file->lines[at]);
        if (score > best.alike)
            best = (struct region){at > longest ? at - longest : 0, old->count, 0, score};
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
        if (region.equal == 0 && old.keys.length >= WORDS_LEAST)
            region = by_similar_line(&file, &old);
        result = region.count > 0 ? show(&file, &old, region, details) : 0;
    }
    loose_text_release(&file);
    loose_text_release(&old);
    return result;
}
