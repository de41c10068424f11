#include "term/stream.h"

#include <string.h>

enum { CONTEXT_LIMIT = 16 << 20 /* two lines of a table, at most a line each */ };

void stream_init(struct stream *stream, const struct markdown *look, size_t maximum)
{
    *stream = (struct stream){.look = *look};
    buffer_init(&stream->source, maximum);
    buffer_init(&stream->context, CONTEXT_LIMIT);
    buffer_init(&stream->fence, CONTEXT_LIMIT);
}

void stream_release(struct stream *stream)
{
    buffer_release(&stream->source);
    buffer_release(&stream->context);
    buffer_release(&stream->fence);
}

void stream_reset(struct stream *stream)
{
    buffer_clear(&stream->source);
    buffer_clear(&stream->context);
    buffer_clear(&stream->fence);
    stream->scanned = stream->shown = 0;
    stream->block = (struct block){0};
    stream->number = 0;
    stream->sibling = stream->started = stream->ended_blank = stream->continued = false;
}

int stream_add(struct stream *stream, const char *text, size_t length)
{
    return buffer_append(&stream->source, text, length);
}

bool stream_empty(const struct stream *stream)
{
    return stream->source.length == 0;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n';
}

static bool only_space(const char *text, size_t length)
{
    while (length > 0 && is_space(text[length - 1]))
        length--;
    return length == 0;
}

static bool ends_blank(const char *text, size_t length)
{
    size_t newlines = 0;
    while (length > 0 && is_space(text[length - 1]))
        newlines += text[--length] == '\n';
    return newlines > 1;
}

/* Lay out a piece that begins where source begins or, if first is false, with a later block. */
static int draw(const struct stream *stream, const char *text, size_t length, bool fence_open,
    struct rows *rows)
{
    struct markdown look = stream->look;
    bool in_code = stream->context.length > 0 && stream->fence.length > 0;
    if (only_space(text, length) && !in_code)
        return 0;
    if (stream->started && !stream->continued && (!stream->sibling || stream->ended_blank) &&
        rows_add_blank(rows) < 0)
        return -1;
    look.list_number = stream->number;
    look.fence_open = fence_open;
    if (stream->context.length == 0)
        return markdown_render(&look, text, length, rows);
    struct buffer whole;
    buffer_init(&whole, stream->context.maximum + stream->source.maximum);
    int status = buffer_append(&whole, stream->context.data, stream->context.length);
    if (status == 0)
        status = buffer_append(&whole, text, length);
    if (status == 0)
        status = markdown_render(&look, whole.data, whole.length, rows);
    buffer_release(&whole);
    return status;
}

/* A block, or the rest of one, is complete: lay it out for good. */
static int settle(struct stream *stream, const char *text, size_t length, struct rows *rows)
{
    if (draw(stream, text, length, false, rows) < 0)
        return -1;
    if (!only_space(text, length)) {
        stream->started = true;
        stream->ended_blank = false;
    }
    if (ends_blank(text, length) || (only_space(text, length) && length > 0))
        stream->ended_blank = true;
    stream->continued = stream->sibling = false;
    stream->look.in_item = stream->look.in_fence = stream->look.in_table = false;
    buffer_clear(&stream->context);
    return 0;
}

static void note_block(struct stream *stream, bool sibling)
{
    unsigned number = stream->number;
    stream->sibling = sibling;
    stream->number = 0;
    if (stream->block.kind == BLOCK_ITEM && strchr(".)", stream->block.list_mark) != NULL)
        stream->number = sibling ? number + 1 : stream->block.list_start;
}

static int note_fence(struct stream *stream, const char *line, size_t length)
{
    buffer_clear(&stream->fence);
    if (stream->block.fence_length == 0)
        return 0;
    return buffer_append(&stream->fence, line, length);
}

static int take_line(
    struct stream *stream, size_t *begin, size_t start, size_t end, struct rows *rows)
{
    const char *source = stream->source.data;
    size_t fence_before = stream->block.fence_length;
    bool sibling;
    enum block_cut cut = block_line(&stream->block, source + start, end - start, &sibling);
    if (cut == BLOCK_CUT_BEFORE || cut == BLOCK_CUT_AROUND) {
        if (settle(stream, source + *begin, start - *begin, rows) < 0)
            return -1;
        *begin = start;
        note_block(stream, sibling);
    }
    if (cut == BLOCK_CUT_AFTER || cut == BLOCK_CUT_AROUND) {
        if (settle(stream, source + *begin, end - *begin, rows) < 0)
            return -1;
        *begin = end;
    }
    if (fence_before != stream->block.fence_length || cut == BLOCK_CUT_BEFORE)
        return note_fence(stream, source + start, end - start);
    return 0;
}

int stream_take(struct stream *stream, struct rows *rows)
{
    size_t begin = 0;
    int status = 0;
    while (status == 0) {
        const char *from = stream->source.data + stream->scanned;
        const char *newline = memchr(from, '\n', stream->source.length - stream->scanned);
        if (newline == NULL)
            break;
        size_t end = stream->scanned + (size_t)(newline - from) + 1;
        status = take_line(stream, &begin, stream->scanned, end, rows);
        stream->scanned = end;
    }
    buffer_consume(&stream->source, begin);
    stream->scanned -= begin;
    return status;
}

int stream_rest(struct stream *stream, struct rows *rows)
{
    struct block block = stream->block;
    size_t length = stream->source.length;
    const char *line = stream->source.data + stream->scanned;
    bool sibling;
    /* A few marks would flicker: "-" makes a heading of the line before, until " item" follows. */
    if (block_undecided(line, length - stream->scanned))
        length = stream->scanned;
    if (length > stream->scanned)
        block_line(&block, line, length - stream->scanned, &sibling);
    stream->shown = length;
    return draw(stream, stream->source.data, length, block.fence_length > 0, rows);
}

/* The heading of a table and the line below it, if that is what source begins with. */
static size_t table_heading(const struct buffer *source)
{
    const char *first = memchr(source->data, '\n', source->length);
    if (first == NULL || memchr(source->data, '|', (size_t)(first - source->data)) == NULL)
        return 0;
    size_t second = (size_t)(first - source->data) + 1;
    const char *end = memchr(source->data + second, '\n', source->length - second);
    if (end == NULL)
        return 0;
    size_t length = (size_t)(end - source->data) + 1;
    size_t marks = second;
    while (marks < length - 1 && memchr("|-: ", source->data[marks], 4) != NULL)
        marks++;
    return marks == length - 1 && memchr(source->data + second, '-', length - second) != NULL
               ? length
               : 0;
}

/* A list item whose content begins at the column wanted, and whose first line is empty. */
static int add_bare_item(struct buffer *context, size_t content)
{
    static const char digits[] = "100000000.";
    if (content < 3)
        return buffer_append_text(context, "-\n");
    size_t length = content - 1 < sizeof digits - 1 ? content - 1 : sizeof digits - 1;
    if (buffer_append(context, digits, length - 1) < 0)
        return -1;
    return buffer_append_text(context, ".\n");
}

/* What must stand before the rest so that it is understood as what it is. */
static int make_context(struct stream *stream)
{
    const struct block *block = &stream->block;
    size_t heading = 0;
    if (block->kind == BLOCK_TEXT && stream->look.in_table)
        return 0;
    if (block->kind == BLOCK_TEXT)
        heading = table_heading(&stream->source);
    buffer_clear(&stream->context);
    stream->look.in_item = block->kind == BLOCK_ITEM;
    stream->look.in_fence = block->fence_length > 0;
    stream->look.in_table = heading > 0;
    if (heading > 0)
        return buffer_append(&stream->context, stream->source.data, heading);
    if (block->kind == BLOCK_ITEM) {
        if (add_bare_item(&stream->context, block->list_content) < 0)
            return -1;
        if (block->fence_length > 0 &&
            buffer_printf(&stream->context, "%*s", (int)block->list_content, "") < 0)
            return -1;
    }
    if (block->fence_length == 0)
        return 0;
    /* The opening line may stand behind a bullet: only its fence is needed. */
    const char *mark = memchr(stream->fence.data, block->fence_mark, stream->fence.length);
    size_t length = stream->fence.length - (size_t)(mark - stream->fence.data);
    return buffer_append(&stream->context, mark, length);
}

static int cut_at(struct stream *stream, size_t length)
{
    if (make_context(stream) < 0)
        return -1;
    buffer_consume(&stream->source, length);
    stream->scanned = stream->scanned > length ? stream->scanned - length : 0;
    stream->shown = 0;
    stream->started = stream->continued = true;
    return 0;
}

/* Where to cut a line that alone fills the screen: at its last space, if it has one. */
static size_t inside_line(const struct buffer *source)
{
    const char *space = memrchr(source->data, ' ', source->length);
    return space != NULL ? (size_t)(space - source->data) + 1 : source->length;
}

/* The beginning of a line is laid out for good: what it began, the rest of it belongs to. */
static int take_beginning(struct stream *stream, size_t length)
{
    const char *line = stream->source.data + stream->scanned;
    bool sibling;
    if (length <= stream->scanned)
        return 0;
    length -= stream->scanned;
    if (block_line(&stream->block, line, length, &sibling) == BLOCK_CUT_BEFORE)
        note_block(stream, sibling);
    return stream->block.fence_length > 0 && stream->fence.length == 0
               ? note_fence(stream, line, length)
               : 0;
}

int stream_cut(struct stream *stream, struct rows *rows)
{
    size_t length = stream->scanned > 0 ? stream->scanned : inside_line(&stream->source);
    if (length == 0)
        return 0;
    if (draw(stream, stream->source.data, length, stream->block.fence_length > 0, rows) < 0 ||
        take_beginning(stream, length) < 0)
        return -1;
    return cut_at(stream, length);
}

int stream_freeze(struct stream *stream)
{
    if (stream->shown == 0)
        return 0;
    return take_beginning(stream, stream->shown) < 0 ? -1 : cut_at(stream, stream->shown);
}

int stream_finish(struct stream *stream, struct rows *rows)
{
    size_t length = stream->source.length;
    if (length > 0 && stream->source.data[length - 1] != '\n' && stream_add(stream, "\n", 1) < 0)
        return -1;
    if (stream_take(stream, rows) < 0 ||
        settle(stream, stream->source.data, stream->source.length, rows) < 0)
        return -1;
    stream_reset(stream);
    return 0;
}
