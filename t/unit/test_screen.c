/*
 * term/screen and term/stream together, against an emulated terminal: whatever
 * the size and however the text is cut into pieces, every word of it stands on
 * the terminal (or above it) exactly once, in order.
 */
#include <stdarg.h>

#include "tap.h"

#include "emulator.h"
#include "term/screen.h"
#include "term/stream.h"

#include <locale.h>

static const struct {
    const char *name;
    const char *text;
} samples[] = {
    {"a paragraph", "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17 w18 w19 w20 w21 "
                    "w22 w23 w24 w25 w26 w27 w28 w29 w30 w31 w32 w33 w34 w35 w36 w37 w38 w39\n"},
    {"lines", "a1\na2\na3\na4\na5\na6\na7\na8\na9\na10\na11\na12\na13\na14\na15\na16\na17\n"},
    {"code", "```c\nint a1;\nint a2;\n\nint a3; /* long enough to be folded by a narrow one */\n"
             "int a4;\n  - a5\n# a6\nint a7;\nint a8;\nint a9;\nint a10;\n```\nafter\n"},
    {"lists", "before\n- one\n- two\n  - three\n  - four\n\n    ```\n    five\n    ```\n- six\n\n"
              "1. seven\n2. eight\n   nine\n\n   ten\n3. eleven\n"},
    {"wide", "中文字符一二三四五六七八九十甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥\n"},
    {"blocks", "# head\n\npara\nof lines\n\n> quote\n> more\n\n***\n\nlast without an end"},
};

/* What the text says, whatever it looks like: letters, digits and wide characters. */
static void words_of(const char *text, size_t length, struct buffer *words)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || byte >= 0xE3)
            buffer_append_byte(words, text[i]);
        else if (byte >= 0x80 && i > 0 && words->length > 0 &&
                 (unsigned char)words->data[words->length - 1] >= 0x80)
            buffer_append_byte(words, text[i]);
    }
}

/* Item numbers are made anew, bullets and lines are drawn: only words are compared. */
static bool same_words(const char *source, const struct buffer *screen)
{
    struct buffer wanted, got;
    buffer_init(&wanted, 1 << 20);
    buffer_init(&got, 1 << 20);
    words_of(source, strlen(source), &wanted);
    words_of(screen->data, screen->length, &got);
    bool same = strcmp(wanted.data, got.data) == 0;
    if (!same)
        printf("# wanted %s\n# got    %s\n", wanted.data, got.data);
    buffer_release(&wanted);
    buffer_release(&got);
    return same;
}

static void draw(struct screen *screen, struct stream *stream, struct emulator *emulator)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    stream_take(stream, &screen->settled);
    for (;;) {
        rows_clear(&screen->live);
        stream_rest(stream, &screen->live);
        if (screen->live.count == 0 ||
            rows_height_from(&screen->live, 0, screen->width) < screen_room(screen))
            break;
        stream_cut(stream, &screen->settled);
    }
    rows_add(&screen->live, "@", 1, 1); /* a spinner */
    screen_draw(screen, &out);
    emulator_write(emulator, out.data, out.length);
    buffer_release(&out);
}

static bool run(const char *text, size_t width, size_t height, size_t piece)
{
    struct markdown look = {.width = width};
    struct screen screen;
    struct stream stream;
    struct buffer out, seen;
    struct emulator *emulator = emulator_new(width, height);
    screen_init(&screen);
    screen.width = width;
    screen.height = height;
    stream_init(&stream, &look, 1 << 20);
    for (size_t at = 0; at < strlen(text); at += piece) {
        size_t length = strlen(text + at) < piece ? strlen(text + at) : piece;
        stream_add(&stream, text + at, length);
        draw(&screen, &stream, emulator);
    }
    buffer_init(&out, 1 << 20);
    buffer_init(&seen, 1 << 20);
    stream_finish(&stream, &screen.settled);
    rows_clear(&screen.live);
    screen_draw(&screen, &out);
    emulator_write(emulator, out.data, out.length);
    emulator_text(emulator, &seen);
    bool good = !emulator->confused && emulator->column == 0 && strchr(seen.data, '@') == NULL &&
                same_words(text, &seen);
    if (!good)
        printf("# width %zu, height %zu, pieces of %zu%s\n", width, height, piece,
            emulator->confused ? ", confused" : "");
    buffer_release(&out);
    buffer_release(&seen);
    stream_release(&stream);
    screen_release(&screen);
    free(emulator);
    return good;
}

int main(void)
{
    static const size_t widths[] = {10, 16, 33, 80};
    static const size_t heights[] = {3, 4, 7, 24};
    static const size_t pieces[] = {3, 6, 27, 4096};
    setlocale(LC_CTYPE, "C.UTF-8");
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        int bad = 0;
        for (int w = 0; w < 4; w++)
            for (int h = 0; h < 4; h++)
                for (int p = 0; p < 4; p++)
                    bad += !run(samples[i].text, widths[w], heights[h], pieces[p]);
        ok(bad == 0, "%s: everything is seen once, in every size", samples[i].name);
    }
    return tap_done();
}
