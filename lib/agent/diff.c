#include "agent/diff.h"

#include "base/utf8.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    COST_LIMIT = 256,         /* edit distance searched before a split is taken as good enough */
    COMPARED_LIMIT = 1 << 20, /* lines of both texts that are compared; beyond: all replaced */
    LINE_SHOWN_LIMIT = 400,   /* bytes of a line in the output */
};

struct line {
    const char *text;
    size_t length; /* with its newline */
    uint64_t hash;
    bool changed;
};

struct side {
    struct line *lines;
    size_t count;
    size_t crlf;  /* lines that end so */
    size_t ended; /* lines that end with a newline */
};

/* Furthest points reached from both corners, by diagonal (old - new), shifted to be >= 0. */
struct search {
    struct line *old;
    struct line *new;
    long *forward;
    long *backward;
};

static const long unreached_forward = LONG_MIN / 2;
static const long unreached_backward = LONG_MAX / 2;

static uint64_t hash_bytes(const char *bytes, size_t length)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t at = 0; at < length; at++)
        hash = (hash ^ (unsigned char)bytes[at]) * UINT64_C(1099511628211);
    return hash;
}

static int split_lines(struct side *side, struct diff_text text)
{
    size_t count = 0;
    const char *end = text.bytes + text.length;
    *side = (struct side){0};
    for (const char *at = text.bytes; at < end; count++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline != NULL ? newline + 1 : end;
    }
    side->lines = calloc(count > 0 ? count : 1, sizeof *side->lines);
    if (side->lines == NULL)
        return -1;
    for (const char *at = text.bytes; at < end; side->count++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline != NULL ? newline + 1 : end;
        struct line *line = &side->lines[side->count];
        line->text = at;
        line->length = (size_t)(next - at);
        line->hash = hash_bytes(at, line->length);
        side->ended += newline != NULL;
        side->crlf += newline != NULL && newline > at && newline[-1] == '\r';
        at = next;
    }
    return 0;
}

static bool same(const struct line *one, const struct line *other)
{
    return one->hash == other->hash && one->length == other->length &&
           memcmp(one->text, other->text, one->length) == 0;
}

/* A rectangle of the grid: old lines [old_first, old_end) against new lines. */
struct box {
    long old_first, old_end, new_first, new_end;
};

struct point {
    long old, new;
};

struct range {
    long least, most; /* diagonals in reach */
};

/* One more step in a direction: the diagonals grow by one each way, within the grid. */
static void widen(struct range *range, struct range grid, long *reached, long unreached)
{
    if (range->least > grid.least)
        reached[--range->least - 1] = unreached;
    else
        range->least++;
    if (range->most < grid.most)
        reached[++range->most + 1] = unreached;
    else
        range->most--;
}

static bool within(struct range range, long diagonal)
{
    return diagonal >= range.least && diagonal <= range.most;
}

static long extend_forward(const struct search *search, struct box box, long diagonal)
{
    long below = search->forward[diagonal - 1];
    long above = search->forward[diagonal + 1];
    long old = below >= above ? below + 1 : above;
    long new = old - diagonal;
    if (old < box.old_first || old > box.old_end || new < box.new_first || new > box.new_end)
        return unreached_forward;
    while (old < box.old_end && new < box.new_end && same(&search->old[old], &search->new[new])) {
        old++;
        new ++;
    }
    return old;
}

static long extend_backward(const struct search *search, struct box box, long diagonal)
{
    long below = search->backward[diagonal - 1];
    long above = search->backward[diagonal + 1];
    long old = below < above ? below : above - 1;
    long new = old - diagonal;
    if (old < box.old_first || old > box.old_end || new < box.new_first || new > box.new_end)
        return unreached_backward;
    while (old > box.old_first && new > box.new_first &&
           same(&search->old[old - 1], &search->new[new - 1])) {
        old--;
        new --;
    }
    return old;
}

/* The point with the most lines behind it, when looking on for the best one costs too much. */
static struct point furthest(const struct search *search, struct box box, struct range reach)
{
    struct point best = {box.old_first, box.new_first};
    for (long diagonal = reach.most; diagonal >= reach.least; diagonal -= 2) {
        long old = search->forward[diagonal];
        if (old == unreached_forward)
            continue;
        if (old + old - diagonal > best.old + best.new)
            best = (struct point){old, old - diagonal};
    }
    return best;
}

/* A point on a shortest way through the box, whose first and last lines differ. */
static struct point find_split(const struct search *search, struct box box)
{
    struct range grid = {box.old_first - box.new_end, box.old_end - box.new_first};
    long start = box.old_first - box.new_first;
    long end = box.old_end - box.new_end;
    struct range forward = {start, start}, backward = {end, end};
    bool odd = ((start - end) & 1) != 0;
    search->forward[start] = box.old_first;
    search->backward[end] = box.old_end;
    for (int cost = 1;; cost++) {
        widen(&forward, grid, search->forward, unreached_forward);
        for (long diagonal = forward.most; diagonal >= forward.least; diagonal -= 2) {
            long old = extend_forward(search, box, diagonal);
            search->forward[diagonal] = old;
            if (odd && within(backward, diagonal) && search->backward[diagonal] <= old)
                return (struct point){old, old - diagonal};
        }
        widen(&backward, grid, search->backward, unreached_backward);
        for (long diagonal = backward.most; diagonal >= backward.least; diagonal -= 2) {
            long old = extend_backward(search, box, diagonal);
            search->backward[diagonal] = old;
            if (!odd && within(forward, diagonal) && old <= search->forward[diagonal])
                return (struct point){old, old - diagonal};
        }
        if (cost >= COST_LIMIT)
            return furthest(search, box, forward);
    }
}

static void compare(const struct search *search, struct box box)
{
    for (;;) {
        while (box.old_first < box.old_end && box.new_first < box.new_end &&
               same(&search->old[box.old_first], &search->new[box.new_first])) {
            box.old_first++;
            box.new_first++;
        }
        while (box.old_first < box.old_end && box.new_first < box.new_end &&
               same(&search->old[box.old_end - 1], &search->new[box.new_end - 1])) {
            box.old_end--;
            box.new_end--;
        }
        if (box.old_first == box.old_end || box.new_first == box.new_end)
            break;
        struct point split = find_split(search, box);
        /* The first half by recursion (it is log(distance) deep), the second by the loop. */
        compare(search, (struct box){box.old_first, split.old, box.new_first, split.new});
        box.old_first = split.old;
        box.new_first = split.new;
    }
    for (long at = box.old_first; at < box.old_end; at++)
        search->old[at].changed = true;
    for (long at = box.new_first; at < box.new_end; at++)
        search->new[at].changed = true;
}

static int mark_changes(struct side *old, struct side *new)
{
    struct box box = {0, (long)old->count, 0, (long)new->count};
    if (old->count + new->count > COMPARED_LIMIT) {
        for (size_t at = 0; at < old->count; at++)
            old->lines[at].changed = true;
        for (size_t at = 0; at < new->count; at++)
            new->lines[at].changed = true;
        return 0;
    }
    size_t diagonals = old->count + new->count + 3;
    long *memory = calloc(diagonals * 2, sizeof *memory);
    if (memory == NULL)
        return -1;
    struct search search = {
        .old = old->lines,
        .new = new->lines,
        .forward = memory + new->count + 1,
        .backward = memory + diagonals + new->count + 1,
    };
    compare(&search, box);
    free(memory);
    return 0;
}

struct printer {
    struct buffer *output;
    size_t lines, line_limit;
    size_t left_out;
    bool cut;
    bool hide_return;
};

static int print_line(struct printer *printer, char mark, const struct line *line)
{
    if (printer->lines >= printer->line_limit) {
        printer->left_out++;
        return 0;
    }
    printer->lines++;
    bool ended = line->text[line->length - 1] == '\n';
    size_t length = line->length - ended;
    bool crlf = ended && length > 0 && line->text[length - 1] == '\r';
    length -= crlf;
    bool cut = length > LINE_SHOWN_LIMIT;
    printer->cut |= cut;
    size_t shown = cut ? LINE_SHOWN_LIMIT : length;
    while (cut && shown > 0 && ((unsigned char)line->text[shown] & 0xC0) == 0x80)
        shown--;
    if (buffer_append_byte(printer->output, mark) < 0 ||
        utf8_append_repaired(printer->output, line->text, shown) < 0 ||
        (cut && buffer_printf(printer->output, "\xE2\x80\xA6 (%zu bytes)", length) < 0) ||
        (crlf && !printer->hide_return && buffer_append_text(printer->output, "\xE2\x90\x8D") < 0))
        return -1;
    return buffer_append_text(printer->output, ended ? "\n" : "\n\\ No newline at end of file\n");
}

/* Where a hunk begins and ends on both sides. */
struct hunk {
    size_t old_first, old_end, new_first, new_end;
};

static bool next_change(const struct side *old, const struct side *new, size_t *o, size_t *n)
{
    while (
        *o < old->count && *n < new->count && !old->lines[*o].changed && !new->lines[*n].changed) {
        ++*o;
        ++*n;
    }
    return *o < old->count || *n < new->count;
}

/* From the change at (o, n) to where more than twice the context is unchanged. */
static struct hunk find_hunk(const struct side *old, const struct side *new, size_t o, size_t n)
{
    size_t before = o < n ? o : n;
    before = before < DIFF_CONTEXT ? before : DIFF_CONTEXT;
    struct hunk hunk = {o - before, o, n - before, n};
    for (;;) {
        while (o < old->count && old->lines[o].changed)
            o++;
        while (n < new->count &&new->lines[n].changed)
            n++;
        hunk.old_end = o;
        hunk.new_end = n;
        if (!next_change(old, new, &o, &n) || o - hunk.old_end > (size_t)2 * DIFF_CONTEXT)
            break;
    }
    for (int extra = 0; extra < DIFF_CONTEXT && hunk.old_end < old->count; extra++) {
        hunk.old_end++;
        hunk.new_end++;
    }
    return hunk;
}

static int print_range(struct buffer *output, char mark, size_t first, size_t end)
{
    /* By custom an empty range names the line before it. */
    size_t count = end - first;
    return buffer_printf(output, "%c%zu,%zu ", mark, count > 0 ? first + 1 : first, count);
}

static int print_hunk(
    struct printer *printer, const struct side *old, const struct side *new, struct hunk hunk)
{
    if (printer->lines < printer->line_limit &&
        (buffer_append_text(printer->output, "@@ ") < 0 ||
            print_range(printer->output, '-', hunk.old_first, hunk.old_end) < 0 ||
            print_range(printer->output, '+', hunk.new_first, hunk.new_end) < 0 ||
            buffer_append_text(printer->output, "@@\n") < 0))
        return -1;
    size_t o = hunk.old_first, n = hunk.new_first;
    while (o < hunk.old_end || n < hunk.new_end) {
        int result = 0;
        if (o < hunk.old_end && old->lines[o].changed)
            result = print_line(printer, '-', &old->lines[o++]);
        else if (n < hunk.new_end && new->lines[n].changed)
            result = print_line(printer, '+', &new->lines[n++]);
        else {
            result = print_line(printer, ' ', &old->lines[o++]);
            n++;
        }
        if (result < 0)
            return -1;
    }
    return 0;
}

static int print_hunks(struct printer *printer, const struct side *old, const struct side *new)
{
    size_t o = 0, n = 0;
    while (next_change(old, new, &o, &n)) {
        struct hunk hunk = find_hunk(old, new, o, n);
        if (print_hunk(printer, old, new, hunk) < 0)
            return -1;
        o = hunk.old_end;
        n = hunk.new_end;
    }
    if (printer->left_out == 0)
        return 0;
    return buffer_printf(
        printer->output, "\xE2\x80\xA6 %zu more lines of difference\n", printer->left_out);
}

static size_t count_changed(const struct side *side)
{
    size_t count = 0;
    for (size_t at = 0; at < side->count; at++)
        count += side->lines[at].changed;
    return count;
}

int diff_unified(struct buffer *output, struct diff_text before, struct diff_text after,
    size_t line_limit, struct diff_counts *counts)
{
    struct side old = {0}, new = {0};
    int result = -1;
    if (split_lines(&old, before) == 0 && split_lines(&new, after) == 0 &&
        mark_changes(&old, &new) == 0) {
        struct printer printer = {
            .output = output,
            .line_limit = line_limit,
            .hide_return = old.crlf == old.ended && new.crlf == new.ended,
        };
        result = print_hunks(&printer, &old, &new);
        if (counts != NULL)
            *counts = (struct diff_counts){
                .removed = count_changed(&old),
                .added = count_changed(&new),
                .cut = printer.cut || printer.left_out > 0,
            };
    }
    free(old.lines);
    free(new.lines);
    return result;
}
