#include "term/block.h"

#include <string.h>

enum {
    TAB_STOP = 4,
    INDENT_MOST = 3, /* more is indented code, or belongs to what contains it */
    NUMBER_DIGITS_MOST = 9,
};

struct line {
    const char *text; /* behind the indentation, without the newline */
    size_t length;
    size_t indent; /* columns */
};

static struct line measure(const char *line, size_t length)
{
    struct line measured = {line, length, 0};
    if (length > 0 && line[length - 1] == '\n')
        measured.length--;
    while (measured.length > 0 && (*measured.text == ' ' || *measured.text == '\t')) {
        measured.indent += *measured.text == ' ' ? 1 : TAB_STOP - measured.indent % TAB_STOP;
        measured.text++;
        measured.length--;
    }
    while (measured.length > 0 && memchr(" \t", measured.text[measured.length - 1], 2) != NULL)
        measured.length--;
    return measured;
}

static size_t run_of(const struct line *line, char mark)
{
    size_t run = 0;
    while (run < line->length && line->text[run] == mark)
        run++;
    return run;
}

/* Opening fence: at least three marks; no backquote behind backquotes. */
static size_t opens_fence(const struct line *line, char *mark)
{
    if (line->length < 3 || (line->text[0] != '`' && line->text[0] != '~'))
        return 0;
    *mark = line->text[0];
    size_t run = run_of(line, *mark);
    if (run < 3 || (*mark == '`' && memchr(line->text + run, '`', line->length - run) != NULL))
        return 0;
    return run;
}

static bool closes_fence(const struct block *block, const struct line *line)
{
    size_t run = run_of(line, block->fence_mark);
    return run >= block->fence_length && run == line->length;
}

static bool is_heading(const struct line *line)
{
    size_t run = run_of(line, '#');
    return line->indent <= INDENT_MOST && run >= 1 && run <= 6 &&
           (run == line->length || line->text[run] == ' ' || line->text[run] == '\t');
}

/* Three or more of one mark, with spaces between. */
static bool is_rule(const struct line *line)
{
    if (line->indent > INDENT_MOST || line->length < 3 || memchr("*-_", line->text[0], 3) == NULL)
        return false;
    size_t marks = 0;
    for (size_t i = 0; i < line->length; i++) {
        if (line->text[i] == line->text[0])
            marks++;
        else if (line->text[i] != ' ' && line->text[i] != '\t')
            return false;
    }
    return marks >= 3;
}

static bool underlines(const struct line *line)
{
    return line->indent <= INDENT_MOST && line->length > 0 &&
           (line->text[0] == '=' || line->text[0] == '-') &&
           run_of(line, line->text[0]) == line->length;
}

struct marker {
    char mark;
    unsigned number;
    size_t content; /* column */
    size_t length;  /* bytes of the marker itself */
};

/* Whether the line begins a list item. */
static bool is_item(const struct line *line, struct marker *marker)
{
    size_t at = 0;
    *marker = (struct marker){0};
    if (line->length == 0)
        return false;
    while (at < line->length && at < NUMBER_DIGITS_MOST && line->text[at] >= '0' &&
           line->text[at] <= '9')
        marker->number = marker->number * 10 + (unsigned)(line->text[at++] - '0');
    if (at == line->length || memchr(at > 0 ? ".)" : "-+*", line->text[at], at > 0 ? 2 : 3) == NULL)
        return false;
    marker->mark = line->text[at++];
    marker->length = at;
    size_t spaces = 0;
    while (at + spaces < line->length && line->text[at + spaces] == ' ')
        spaces++;
    if (at < line->length && spaces == 0 && line->text[at] != '\t')
        return false;
    marker->content = line->indent + at + (spaces >= 1 && spaces <= TAB_STOP ? spaces : 1);
    return true;
}

static void begin(struct block *block, enum block_kind kind)
{
    *block = (struct block){.kind = kind};
}

static void begin_item(struct block *block, const struct line *line, const struct marker *marker)
{
    struct line content = {line->text + marker->length, line->length - marker->length, 0};
    while (content.length > 0 && *content.text == ' ') {
        content.text++;
        content.length--;
    }
    begin(block, BLOCK_ITEM);
    block->list_mark = marker->mark;
    block->list_content = marker->content;
    block->list_start = marker->number;
    block->fence_length = opens_fence(&content, &block->fence_mark);
}

/* The first line of a block; whether it is a whole one. */
static bool open_block(struct block *block, const struct line *line)
{
    struct marker marker;
    char mark;
    begin(block, BLOCK_TEXT);
    if (line->indent > INDENT_MOST)
        return false;
    size_t fence = opens_fence(line, &mark);
    if (fence > 0) {
        block->kind = BLOCK_FENCE;
        block->fence_mark = mark;
        block->fence_length = fence;
        return false;
    }
    if (is_heading(line) || is_rule(line))
        return true;
    if (is_item(line, &marker))
        begin_item(block, line, &marker);
    else
        block->quote = line->text[0] == '>';
    return false;
}

/* What cannot be the next line of a paragraph. */
static bool interrupts(const struct block *block, const struct line *line)
{
    struct marker marker;
    char mark;
    if (line->indent > INDENT_MOST)
        return false;
    if (is_heading(line) || is_rule(line) || opens_fence(line, &mark) > 0)
        return true;
    if (line->text[0] == '>')
        return !block->quote;
    return is_item(line, &marker) && marker.length < line->length &&
           (marker.mark == '-' || marker.mark == '+' || marker.mark == '*' || marker.number == 1);
}

static enum block_cut new_block(struct block *block, const struct line *line)
{
    if (!open_block(block, line))
        return BLOCK_CUT_BEFORE;
    begin(block, BLOCK_NONE);
    return BLOCK_CUT_AROUND;
}

static enum block_cut item_line(struct block *block, const struct line *line, bool *sibling)
{
    struct marker marker;
    char mark;
    bool blank_before = block->blank_before;
    block->blank_before = false;
    if (line->indent >= block->list_content) {
        if (block->fence_length > 0) {
            if (closes_fence(block, line))
                block->fence_length = 0;
        } else {
            block->fence_length = opens_fence(line, &mark);
            block->fence_mark = mark;
        }
        return BLOCK_CUT_NONE;
    }
    block->fence_length = 0;
    if (is_item(line, &marker) && !is_rule(line)) {
        *sibling = marker.mark == block->list_mark;
        begin_item(block, line, &marker);
        return BLOCK_CUT_BEFORE;
    }
    if (blank_before || interrupts(block, line))
        return new_block(block, line);
    return BLOCK_CUT_NONE;
}

enum block_cut block_line(struct block *block, const char *bytes, size_t length, bool *sibling)
{
    struct line line = measure(bytes, length);
    *sibling = false;
    if (block->kind == BLOCK_FENCE) {
        if (line.indent > INDENT_MOST || !closes_fence(block, &line))
            return BLOCK_CUT_NONE;
        begin(block, BLOCK_NONE);
        return BLOCK_CUT_AFTER;
    }
    if (line.length == 0) {
        if (block->kind == BLOCK_TEXT) {
            begin(block, BLOCK_NONE);
            return BLOCK_CUT_AFTER;
        }
        block->blank_before = true;
        return BLOCK_CUT_NONE;
    }
    if (block->kind == BLOCK_NONE)
        return new_block(block, &line);
    if (block->kind == BLOCK_ITEM)
        return item_line(block, &line, sibling);
    if (underlines(&line) && !block->quote) {
        begin(block, BLOCK_NONE);
        return BLOCK_CUT_AFTER;
    }
    return interrupts(block, &line) ? new_block(block, &line) : BLOCK_CUT_NONE;
}

bool block_undecided(const char *bytes, size_t length)
{
    struct line line = measure(bytes, length);
    for (size_t i = 0; i < line.length; i++) {
        if (memchr("-=*_+#>|`~: ", line.text[i], 12) == NULL)
            return false;
    }
    return true;
}
