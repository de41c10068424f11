#include "base/line_reader.h"

#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 10 };

void line_reader_init(struct line_reader *reader, int fd, size_t limit)
{
    *reader = (struct line_reader){.fd = fd, .limit = limit};
    buffer_init(&reader->buffer, limit + READ_SIZE + 1);
}

void line_reader_release(struct line_reader *reader)
{
    buffer_release(&reader->buffer);
}

/* Give the consumed front back, so that one line in progress is all that is kept. */
static void drop_consumed(struct line_reader *reader)
{
    buffer_consume(&reader->buffer, reader->start);
    reader->scanned -= reader->start;
    reader->start = 0;
}

ssize_t line_reader_fill(struct line_reader *reader)
{
    drop_consumed(reader);
    if (buffer_reserve(&reader->buffer, READ_SIZE) < 0)
        return -1;
    ssize_t got = read(reader->fd, reader->buffer.data + reader->buffer.length, READ_SIZE);
    if (got > 0)
        buffer_truncate(&reader->buffer, reader->buffer.length + (size_t)got);
    else if (got == 0)
        reader->ended = true;
    return got;
}

int line_reader_feed(struct line_reader *reader, const char *bytes, size_t length)
{
    drop_consumed(reader);
    return buffer_append(&reader->buffer, bytes, length);
}

static enum line_status hand_out(
    struct line_reader *reader, size_t end, size_t next, char **line, size_t *length)
{
    bool skipped = reader->skipping || end - reader->start > reader->limit;
    *line = reader->buffer.data + reader->start;
    *length = end - reader->start;
    reader->start = next;
    reader->scanned = next;
    reader->skipping = false;
    reader->number++;
    if (skipped)
        return LINE_TOO_LONG;
    (*line)[*length] = '\0';
    return LINE_READY;
}

enum line_status line_reader_next(struct line_reader *reader, char **line, size_t *length)
{
    struct buffer *buffer = &reader->buffer;
    char *newline = memchr(buffer->data + reader->scanned, '\n', buffer->length - reader->scanned);
    if (newline != NULL) {
        size_t end = (size_t)(newline - buffer->data);
        return hand_out(reader, end, end + 1, line, length);
    }
    reader->scanned = buffer->length;
    size_t rest = buffer->length - reader->start;
    if (reader->ended && (rest > 0 || reader->skipping))
        return hand_out(reader, buffer->length, buffer->length, line, length);
    if (rest > reader->limit || reader->skipping) {
        reader->skipping = true;
        reader->start = buffer->length;
    }
    return LINE_NONE;
}
