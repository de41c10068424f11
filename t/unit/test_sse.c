/* The event stream reader: every stream gives the same events wherever it is cut. */
#include "data/sse.h"

#include "tap.h"

#include <stdlib.h>

/* Events one per line: "error!" before those named so, newlines inside shown as '|'. */
struct seen {
    struct buffer text;
    int stop_after; /* events; 0: never */
    int count;
};

static int collect(void *context, const char *data, size_t length, bool error_event)
{
    struct seen *seen = context;
    if (error_event)
        buffer_append_text(&seen->text, "error!");
    for (size_t i = 0; i < length; i++)
        buffer_append_byte(&seen->text, data[i] == '\n' ? '|' : data[i]);
    buffer_append_byte(&seen->text, '\n');
    return ++seen->count == seen->stop_after ? -1 : 0;
}

/* Feed pieces of at most size bytes, the first one of first bytes; each in memory of its own. */
static int read_in_pieces(
    struct seen *seen, const char *stream, size_t length, size_t first, size_t size)
{
    struct sse_reader reader;
    int result = 0;
    sse_init(&reader, 1 << 20, collect, seen);
    for (size_t at = 0; at < length && result == 0;) {
        size_t piece = at == 0 && first > 0 ? first : size;
        if (piece > length - at)
            piece = length - at;
        char *copy = malloc(piece);
        memcpy(copy, stream + at, piece);
        result = sse_feed(&reader, copy, piece, NULL);
        free(copy);
        at += piece;
    }
    if (result == 0)
        result = sse_end(&reader, NULL);
    sse_release(&reader);
    return result;
}

static const struct {
    const char *name, *stream, *events;
} cases[] = {
    {"one event", "data: a\n\n", "a\n"},
    {"no space behind the colon", "data:a\n\ndata:  b\n\n", "a\n b\n"},
    {"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", "a\nb\n"},
    {"CR alone", "data: a\r\rdata: b\r\r", "a\nb\n"},
    {"line ends mixed", "data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", "a\nb\nc\n"},
    {"several data lines", "data: a\ndata:\ndata: c\n\n", "a||c\n"},
    {"comments and other fields", ": hi\nid: 1\ndata: a\nretry: 5\n:\n\n:\n\n", "a\n"},
    {"a field that only begins like data", "database: x\ndata: a\n\n", "a\n"},
    {"a line that is a field's name alone", "data\n\n", "\n"},
    {"empty lines", "\n\n\ndata: a\n\n\n\n", "a\n"},
    {"a named error", "event: error\ndata: a\n\nevent: error\n\ndata: b\n\n", "error!a\nb\n"},
    {"another event name", "event: delta\ndata: a\n\n", "a\n"},
    {"a byte order mark",
        "\xEF\xBB\xBF"
        "data: a\n\ndata: \xEF\xBB\xBF\n\n",
        "a\n\xEF\xBB\xBF\n"},
    {"the last empty line missing", "data: a\n\ndata: b\n", "a\nb\n"},
    {"the last newline missing", "data: a\n\ndata: b", "a\nb\n"},
    {"UTF-8", "data: \xE2\x82\xAC\xF0\x9F\x98\x80\n\n", "\xE2\x82\xAC\xF0\x9F\x98\x80\n"},
    {"nothing", "", ""},
};

static void cut_everywhere(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = strlen(cases[i].stream);
        bool same = true;
        for (size_t first = 0; first <= length; first++) {
            struct seen seen = {0}, bytes = {0};
            buffer_init(&seen.text, 1 << 20);
            buffer_init(&bytes.text, 1 << 20);
            read_in_pieces(&seen, cases[i].stream, length, first, length + 1);
            read_in_pieces(&bytes, cases[i].stream, length, 0, first + 1);
            same = same && strcmp(seen.text.data, cases[i].events) == 0 &&
                   strcmp(bytes.text.data, cases[i].events) == 0;
            if (!same)
                printf("# cut at %zu: '%s' and '%s'\n", first, seen.text.data, bytes.text.data);
            buffer_release(&seen.text);
            buffer_release(&bytes.text);
        }
        ok(same, "%s, cut anywhere", cases[i].name);
    }
}

static void bounds(void)
{
    struct sse_reader reader;
    struct seen seen = {0};
    struct error error;
    buffer_init(&seen.text, 1 << 20);
    sse_init(&reader, 16, collect, &seen);
    is_number(sse_feed(&reader, "data: 0123456789012345678901234567890", 37, &error), -1,
        "a line without end is refused at the limit");
    ok(strstr(error.text, "longer than 16 bytes") != NULL, "and said: %s", error.text);
    sse_reset(&reader);
    int result = 0;
    for (int i = 0; i < 20 && result == 0; i++)
        result = sse_feed(&reader, "data: 01\n", 9, &error);
    is_number(result, -1, "an event without end is refused at the limit");
    is_number(seen.count, 0, "and nothing of it is handed out");
    sse_release(&reader);
    buffer_release(&seen.text);
}

static void stop(void)
{
    struct sse_reader reader;
    struct seen seen = {.stop_after = 1};
    struct error error = {.text = "x"};
    buffer_init(&seen.text, 1 << 20);
    sse_init(&reader, 100, collect, &seen);
    is_number(sse_feed(&reader, "data: a\n\ndata: b\n\n", 18, &error), -1, "the callback can stop");
    is_text(error.text, "", "which is no error");
    is_text(seen.text.data, "a\n", "and nothing follows");
    sse_release(&reader);
    buffer_release(&seen.text);
}

static void feed(struct sse_reader *reader, const char *bytes, size_t length)
{
    is_number(sse_feed(reader, bytes, length, NULL), 0, "taken");
}

#define FEED(text) feed(&reader, text, sizeof text - 1)

/* Where a stream would be taken up again. */
static void resumption(void)
{
    struct sse_reader reader;
    struct seen seen = {0};
    char bytes[700];
    buffer_init(&seen.text, 1 << 20);
    sse_init(&reader, 1000, collect, &seen);
    FEED("id: 1\nretry: 5\ndata: a\n\n");
    is_text(reader.id, "", "an id is kept only when that is wanted");
    sse_keep_id(&reader);
    FEED("id: 1\nretry: 5\ndata: a\n\n");
    is_text(reader.id, "1", "the id of an event");
    is_number(reader.retry_ms, 5, "and the wait");
    FEED("data: b\n\nretry: x\nretry: 12345678901\nid: 2\ndata: c\n");
    is_text(reader.id, "1", "an event without one leaves it, one without end does not count");
    is_number(reader.retry_ms, 5, "a wait that is no number does not count");
    sse_end(&reader, NULL);
    is_text(reader.id, "1", "nor does one that the end of the stream cuts");
    sse_reset(&reader);
    FEED("data: d\n\n");
    is_text(reader.id, "1", "it is there for the next stream");
    FEED("id: a\0b\n\n");
    is_text(reader.id, "1", "an id with a NUL does not count");
    FEED("id: 3\n\n");
    is_text(reader.id, "3", "an id without data counts");
    FEED("id: \033\n\n");
    is_text(reader.id, "", "one that fits in no header is none");
    memset(bytes, 'i', sizeof bytes);
    memcpy(bytes, "id:", 3);
    memcpy(bytes + sizeof bytes - 2, "\n\n", 2);
    FEED("id: 4\n\n");
    feed(&reader, bytes, sizeof bytes);
    is_text(reader.id, "", "nor is one that is too long");
    sse_release(&reader);
    buffer_release(&seen.text);
}

int main(void)
{
    resumption();
    cut_everywhere();
    bounds();
    stop();
    return tap_done();
}
