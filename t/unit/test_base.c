/* base: buffers with a maximum, UTF-8, lines. */
#include <stdarg.h>

#include "base/buffer.h"
#include "base/line_reader.h"
#include "base/random.h"
#include "base/utf8.h"
#include "tap.h"

#include <errno.h>
#include <unistd.h>

static void test_buffer(void)
{
    struct buffer buffer;
    buffer_init(&buffer, 10);
    is_text(buffer.data, "", "a new buffer is an empty string");
    ok(buffer_append_text(&buffer, "0123456789") == 0, "filled to its maximum");
    ok(buffer_append_byte(&buffer, 'x') < 0 && errno == EMSGSIZE, "refuses to grow beyond it");
    is_text(buffer.data, "0123456789", "and is unchanged");
    buffer_consume(&buffer, 4);
    is_text(buffer.data, "456789", "consumed from the front");
    ok(buffer_printf(&buffer, "%d", 12) == 0, "formats");
    is_text(buffer.data, "45678912", "formatted text is appended");
    buffer_release(&buffer);
    buffer_release(&buffer);
    is_text(buffer.data, "", "released twice, still an empty string");
}

static void shows(const char *text, size_t length, bool newline, const char *wanted)
{
    struct buffer out;
    buffer_init(&out, 1000);
    utf8_append_visible(&out, text, length, newline);
    is_text(out.data, wanted, wanted);
    buffer_release(&out);
}

static void repairs(const char *text, size_t length, const char *wanted, const char *name)
{
    struct buffer out;
    buffer_init(&out, 1000);
    utf8_append_repaired(&out, text, length);
    is_text(out.data, wanted, name);
    buffer_release(&out);
}

static void test_utf8(void)
{
    uint32_t character;
    ok(utf8_valid("caf\xC3\xA9 \xF0\x9F\x98\x80", 10), "valid");
    ok(!utf8_valid("\xC0\x80", 2), "overlong NUL");
    ok(!utf8_valid("\xE0\x9F\xBF", 3), "overlong three bytes");
    ok(!utf8_valid("\xF0\x8F\xBF\xBF", 4), "overlong four bytes");
    ok(!utf8_valid("\xED\xA0\x80", 3), "surrogate");
    ok(utf8_valid("\xED\x9F\xBF", 3), "the last before the surrogates");
    ok(utf8_valid("\xEE\x80\x80", 3), "the first behind them");
    ok(!utf8_valid("\xF4\x90\x80\x80", 4), "beyond U+10FFFF");
    ok(utf8_valid("\xF4\x8F\xBF\xBF", 4), "U+10FFFF");
    is_number(utf8_decode("\xE2\x82", 2, &character), 0, "cut off, may be completed");
    is_number(utf8_decode("\xED\xA0", 2, &character), -1, "cut off, can never be completed");
    is_number((long long)utf8_count("a\xC3\xA9\xFF"
                                    "b",
                  5),
        4, "counts characters");
    for (uint32_t wanted = 1; wanted < 0x110000; wanted += 0x101) {
        char bytes[UTF8_MAXIMUM];
        if (wanted >= 0xD800 && wanted <= 0xDFFF)
            continue;
        size_t size = utf8_encode(wanted, bytes);
        if (utf8_decode(bytes, size, &character) != (int)size || character != wanted) {
            ok(false, "round trip of U+%04X", wanted);
            break;
        }
    }
    shows("a\x1b[31m\n", 7, true, "a\xE2\x90\x9B[31m\n");
    shows("a\nb", 3, false,
        "a\xE2\x90\x8A"
        "b");
    shows("\xC2\x9B"
          "x\x7f",
        4, true, "\\u{009B}x\xE2\x90\xA1");
    shows("\xE2\x80\xAE", 3, true, "\\u{202E}");
    shows("\xE2\x80\x8B", 3, true, "\\u{200B}");
    shows("\xE3\x85\xA4", 3, true, "\\u{3164}");
    shows("\xF3\xA0\x81\xA1", 4, true, "\\u{E0061}");
    shows("\xFF", 1, true, "\xEF\xBF\xBD");
    repairs("a\xFF"
            "b",
        3,
        "a\xEF\xBF\xBD"
        "b",
        "a bad byte");
    repairs("a\xE2\x82", 3, "a\xEF\xBF\xBD", "a cut-off character is one replacement");
    repairs("\xE2\x82\xAC", 3, "\xE2\x82\xAC", "a good one stays");
}

static void test_lines(void)
{
    int ends[2];
    struct line_reader reader;
    char *line;
    size_t length;
    if (pipe(ends) < 0)
        return;
    line_reader_init(&reader, ends[0], 8);
    ok(write(ends[1], "one\ntw", 6) == 6, "written");
    line_reader_fill(&reader);
    ok(line_reader_next(&reader, &line, &length) == LINE_READY && length == 3, "a line");
    is_text(line, "one", "without its newline");
    ok(line_reader_next(&reader, &line, &length) == LINE_NONE, "half a line is none");
    ok(write(ends[1], "o\n12345678\n123456789\nx\0y\n\nend", 29) == 29, "written");
    line_reader_fill(&reader);
    ok(line_reader_next(&reader, &line, &length) == LINE_READY, "completed");
    is_text(line, "two", "joined from two reads");
    ok(line_reader_next(&reader, &line, &length) == LINE_READY && length == 8, "at the limit");
    ok(line_reader_next(&reader, &line, &length) == LINE_TOO_LONG, "over it");
    is_number((long long)reader.number, 4, "which line it was");
    ok(line_reader_next(&reader, &line, &length) == LINE_READY && length == 3, "NUL is a byte");
    ok(line_reader_next(&reader, &line, &length) == LINE_READY && length == 0, "empty line");
    close(ends[1]);
    line_reader_fill(&reader);
    ok(line_reader_next(&reader, &line, &length) == LINE_READY, "text without a newline");
    is_text(line, "end", "is a line at the end");
    ok(line_reader_next(&reader, &line, &length) == LINE_NONE && reader.ended, "the end");
    line_reader_release(&reader);
    close(ends[0]);

    line_reader_init(&reader, -1, 8);
    for (int i = 0; i < 100; i++) {
        line_reader_feed(&reader, "0123456789", 10);
        ok(line_reader_next(&reader, &line, &length) == LINE_NONE, "a long line goes on");
        if (reader.buffer.length > 64)
            break;
    }
    line_reader_feed(&reader, "\nok\n", 4);
    ok(line_reader_next(&reader, &line, &length) == LINE_TOO_LONG, "is reported once");
    ok(line_reader_next(&reader, &line, &length) == LINE_READY, "and the next line is read");
    is_text(line, "ok", "whole");
    ok(reader.buffer.capacity < 4096, "a long line is not kept");
    line_reader_release(&reader);
}

int main(void)
{
    char first[RANDOM_REQUEST_ID_SIZE], second[RANDOM_REQUEST_ID_SIZE];
    test_buffer();
    test_utf8();
    test_lines();
    random_hex(first, sizeof first);
    random_hex(second, sizeof second);
    ok(strlen(first) == 32 && strspn(first, "0123456789abcdef") == 32, "hex");
    ok(strcmp(first, second) != 0, "and different");
    return tap_done();
}
