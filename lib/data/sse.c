#include "data/sse.h"

#include <errno.h>
#include <string.h>

enum { RETRY_DIGITS = 9 }; /* of milliseconds */

static const char byte_order_mark[] = "\xEF\xBB\xBF";

void sse_init(struct sse_reader *reader, size_t limit, sse_event *event, void *context)
{
    *reader = (struct sse_reader){.event = event, .context = context, .retry_ms = -1};
    buffer_init(&reader->line, limit);
    buffer_init(&reader->data, limit);
}

void sse_release(struct sse_reader *reader)
{
    buffer_release(&reader->line);
    buffer_release(&reader->data);
}

void sse_keep_id(struct sse_reader *reader)
{
    reader->keeps_id = true;
}

static void forget_event(struct sse_reader *reader)
{
    buffer_clear(&reader->data);
    reader->view = NULL;
    reader->view_length = 0;
    reader->has_data = false;
    reader->error_event = false;
}

void sse_reset(struct sse_reader *reader)
{
    buffer_clear(&reader->line);
    forget_event(reader);
    reader->after_return = false;
    reader->started = false;
    memcpy(reader->next_id, reader->id, sizeof reader->next_id);
}

static int no_room(const struct sse_reader *reader, struct error *error)
{
    if (errno == EMSGSIZE)
        return error_set(
            error, "an event of the stream is longer than %zu bytes", reader->data.maximum);
    return error_set(error, "out of memory");
}

/* What is in view lies in bytes that go away. */
static int keep_view(struct sse_reader *reader)
{
    if (reader->view == NULL)
        return 0;
    int result = buffer_append(&reader->data, reader->view, reader->view_length);
    reader->view = NULL;
    return result;
}

static int add_data(struct sse_reader *reader, const char *value, size_t length)
{
    if (!reader->has_data) {
        reader->has_data = true;
        reader->view = value;
        reader->view_length = length;
        return 0;
    }
    if (keep_view(reader) < 0 || buffer_append_byte(&reader->data, '\n') < 0)
        return -1;
    return buffer_append(&reader->data, value, length);
}

/* cut: the end of the stream ends it, so its id must not stand for all of it. */
static int end_event(struct sse_reader *reader, bool cut)
{
    if (reader->keeps_id && !cut)
        memcpy(reader->id, reader->next_id, sizeof reader->id);
    if (!reader->has_data) {
        reader->error_event = false;
        return 0;
    }
    const char *data = reader->view != NULL ? reader->view : reader->data.data;
    size_t length = reader->view != NULL ? reader->view_length : reader->data.length;
    int result = reader->event(reader->context, data, length, reader->error_event);
    forget_event(reader);
    return result;
}

/* The value of a line that is the field called name; NULL when it is another one. */
static const char *field_value(
    const char *line, size_t length, const char *name, size_t name_length, size_t *value_length)
{
    if (length < name_length || memcmp(line, name, name_length) != 0)
        return NULL;
    const char *at = line + name_length;
    const char *end = line + length;
    if (at < end && *at != ':')
        return NULL;
    if (at < end)
        at++;
    if (at < end && *at == ' ')
        at++;
    *value_length = (size_t)(end - at);
    return at;
}

static void take_id(struct sse_reader *reader, const char *value, size_t length)
{
    if (memchr(value, '\0', length) != NULL)
        return; /* as the standard has it */
    bool usable = length < sizeof reader->next_id;
    for (size_t i = 0; i < length && usable; i++)
        usable = value[i] >= ' ' && value[i] <= '~';
    size_t kept = usable ? length : 0;
    memcpy(reader->next_id, value, kept);
    reader->next_id[kept] = '\0';
}

static void take_retry(struct sse_reader *reader, const char *value, size_t length)
{
    int64_t wait_ms = 0;
    if (length == 0 || length > RETRY_DIGITS)
        return;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9')
            return;
        wait_ms = wait_ms * 10 + (value[i] - '0');
    }
    reader->retry_ms = wait_ms;
}

static void take_resumption(struct sse_reader *reader, const char *line, size_t length)
{
    size_t value_length;
    const char *value = field_value(line, length, "id", 2, &value_length);
    if (value != NULL)
        take_id(reader, value, value_length);
    value = field_value(line, length, "retry", 5, &value_length);
    if (value != NULL)
        take_retry(reader, value, value_length);
}

static int take_line(
    struct sse_reader *reader, const char *line, size_t length, struct error *error)
{
    size_t value_length;
    const char *value;
    if (!reader->started && length >= 3 && memcmp(line, byte_order_mark, 3) == 0) {
        line += 3;
        length -= 3;
    }
    reader->started = true;
    if (length == 0)
        return end_event(reader, false);
    value = field_value(line, length, "data", 4, &value_length);
    if (value != NULL)
        return add_data(reader, value, value_length) < 0 ? no_room(reader, error) : 0;
    value = field_value(line, length, "event", 5, &value_length);
    if (value != NULL)
        reader->error_event = value_length == 5 && memcmp(value, "error", 5) == 0;
    else if (reader->keeps_id)
        take_resumption(reader, line, length);
    return 0;
}

/* A line whose last bytes are here; what came before is in reader->line. */
static int finish_line(
    struct sse_reader *reader, const char *bytes, size_t length, struct error *error)
{
    if (reader->line.length == 0)
        return take_line(reader, bytes, length, error);
    if (buffer_append(&reader->line, bytes, length) < 0)
        return no_room(reader, error);
    int result = take_line(reader, reader->line.data, reader->line.length, error);
    if (result == 0 && keep_view(reader) < 0)
        result = no_room(reader, error);
    buffer_clear(&reader->line);
    return result;
}

int sse_feed(struct sse_reader *reader, const char *bytes, size_t length, struct error *error)
{
    const char *at = bytes;
    const char *end = bytes + length;
    const char *newline = NULL; /* the next one at or behind at; end when there is none */
    if (error != NULL)
        error->text[0] = '\0';
    if (reader->after_return && at < end) {
        reader->after_return = false;
        if (*at == '\n')
            at++;
    }
    while (at < end) {
        if (newline == NULL || newline < at) {
            newline = memchr(at, '\n', (size_t)(end - at));
            if (newline == NULL)
                newline = end;
        }
        const char *stop = memchr(at, '\r', (size_t)(newline - at));
        if (stop == NULL)
            stop = newline;
        if (stop == end)
            break;
        if (finish_line(reader, at, (size_t)(stop - at), error) < 0)
            return -1;
        at = stop + 1;
        if (*stop == '\r' && at < end && *at == '\n')
            at++;
        else if (*stop == '\r' && at == end)
            reader->after_return = true;
    }
    if (keep_view(reader) < 0 || buffer_append(&reader->line, at, (size_t)(end - at)) < 0)
        return no_room(reader, error);
    return 0;
}

int sse_end(struct sse_reader *reader, struct error *error)
{
    if (error != NULL)
        error->text[0] = '\0';
    if (reader->line.length > 0 && finish_line(reader, "", 0, error) < 0)
        return -1;
    return end_event(reader, true);
}
