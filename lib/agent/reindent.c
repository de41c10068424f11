#include "agent/reindent.h"

#include <string.h>

static const long tab_widths[] = {4, 8, 2, 3};

static bool blank(const struct loose_line *line)
{
    return line->key_length == 0;
}

static long columns(const struct loose_line *line, long tab)
{
    long column = 0;
    for (size_t at = 0; at < line->indent; at++)
        column = line->text[at] == '\t' ? (column / tab + 1) * tab : column + 1;
    return column;
}

static bool ends_with(const struct loose_line *line, const struct loose_line *ending)
{
    return line->indent >= ending->indent &&
           memcmp(line->text + line->indent - ending->indent, ending->text, ending->indent) == 0;
}

/* Whether more's indentation is margin and then less's, for each pair. */
static bool margin_fits(const struct loose_line *more, const struct loose_line *less, size_t count,
    const char *margin, size_t length)
{
    for (size_t line = 0; line < count; line++)
        if (!blank(&more[line]) && (more[line].indent != less[line].indent + length ||
                                       memcmp(more[line].text, margin, length) != 0 ||
                                       !ends_with(&more[line], &less[line])))
            return false;
    return true;
}

static size_t first_with_words(const struct loose_line *lines, size_t count)
{
    size_t line = 0;
    while (line + 1 < count && blank(&lines[line]))
        line++;
    return line;
}

static bool find_margin(struct reindent *reindent, const struct loose_line *there,
    const struct loose_line *given, size_t count)
{
    size_t first = first_with_words(there, count);
    bool more = there[first].indent >= given[first].indent;
    const struct loose_line *long_one = more ? there : given;
    const struct loose_line *short_one = more ? given : there;
    size_t length = long_one[first].indent - short_one[first].indent;
    if (!margin_fits(long_one, short_one, count, long_one[first].text, length))
        return false;
    reindent->margin = long_one[first].text;
    reindent->margin_length = length;
    reindent->kind = length == 0 ? REINDENT_NONE : more ? REINDENT_ADD : REINDENT_STRIP;
    return true;
}

static bool find_columns(struct reindent *reindent, const struct loose_line *there,
    const struct loose_line *given, size_t count, long tab)
{
    size_t first = first_with_words(there, count);
    long shift = columns(&there[first], tab) - columns(&given[first], tab);
    for (size_t line = first; line < count; line++) {
        if (blank(&there[line]))
            continue;
        if (columns(&there[line], tab) - columns(&given[line], tab) != shift)
            return false;
        if (memchr(there[line].text, '\t', there[line].indent) != NULL)
            reindent->tabs = true;
    }
    reindent->kind = REINDENT_COLUMNS;
    reindent->tab = tab;
    reindent->shift = shift;
    return true;
}

static bool find_uniform(struct reindent *reindent, const struct loose_line *there,
    const struct loose_line *given, size_t count)
{
    *reindent = (struct reindent){0};
    if (find_margin(reindent, there, given, count))
        return true;
    for (size_t width = 0; width < sizeof tab_widths / sizeof tab_widths[0]; width++)
        if (find_columns(reindent, there, given, count, tab_widths[width]))
            return true;
    return false;
}

bool reindent_find(struct reindent *reindent, const struct loose_line *there,
    const struct loose_line *given, size_t count)
{
    if (find_uniform(reindent, there, given, count))
        return true;
    /* Quoted from the first word on, and else as it stands. */
    if (count < 2 || given[0].indent > 0 || there[0].indent == 0 ||
        !find_uniform(reindent, there + 1, given + 1, count - 1) || reindent->kind != REINDENT_NONE)
        return false;
    reindent->first_offset = there[0].indent;
    return true;
}

static int append_columns(const struct reindent *reindent, long column, struct buffer *buffer)
{
    for (; reindent->tabs && column >= reindent->tab; column -= reindent->tab)
        if (buffer_append_byte(buffer, '\t') < 0)
            return -1;
    for (; column > 0; column--)
        if (buffer_append_byte(buffer, ' ') < 0)
            return -1;
    return 0;
}

int reindent_append(
    const struct reindent *reindent, const struct loose_line *line, struct buffer *buffer)
{
    size_t skipped = 0;
    switch (reindent->kind) {
    case REINDENT_COLUMNS:
        return append_columns(reindent, columns(line, reindent->tab) + reindent->shift, buffer);
    case REINDENT_ADD:
        if (buffer_append(buffer, reindent->margin, reindent->margin_length) < 0)
            return -1;
        break;
    case REINDENT_STRIP:
        skipped = line->indent < reindent->margin_length ? line->indent : reindent->margin_length;
        break;
    case REINDENT_NONE:
        break;
    }
    return buffer_append(buffer, line->text + skipped, line->indent - skipped);
}
