/*
 * Markdown in pieces: the first bytes choose the width, the size of the pieces
 * and when to cut or freeze; whatever comes out holds no control byte but our
 * own SGR sequences, and all of it is UTF-8.
 */
#include "base/buffer.h"
#include "base/utf8.h"
#include "term/stream.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>

enum { TEXT_MOST = 1 << 16 };

static void check_row(const char *text, size_t length)
{
    for (size_t at = 0; at < length; at++) {
        unsigned char byte = (unsigned char)text[at];
        if (byte == 0x1B) {
            if (at + 1 == length || text[++at] != '[')
                abort();
            do {
                if (++at == length)
                    abort();
            } while (text[at] == ';' || (text[at] >= '0' && text[at] <= '9'));
            if (text[at] != 'm')
                abort();
        } else if (byte < 0x20 || byte == 0x7F) {
            abort();
        }
    }
    if (!utf8_valid(text, length))
        abort();
}

static void check(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        check_row(rows_text(rows, i), rows->items[i].length);
    rows_clear(rows);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    setlocale(LC_CTYPE, "C.UTF-8");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct markdown look = {
        .width = 1 + data[0] % 100, .styled = data[1] & 1, .unicode = (data[1] & 2) != 0};
    size_t piece = 1 + data[2];
    unsigned cut = data[3];
    struct buffer text;
    struct stream stream;
    struct rows rows;
    buffer_init(&text, TEXT_MOST);
    rows_init(&rows);
    stream_init(&stream, &look, 1 << 24);
    if (utf8_append_visible(&text, (const char *)data + 4, size - 4, true) == 0) {
        for (size_t at = 0, end; at < text.length; at = end) {
            /* As events do, pieces hold whole characters. */
            size_t length = text.length - at < piece ? text.length - at : piece;
            while (
                at + length < text.length && ((unsigned char)text.data[at + length] & 0xC0) == 0x80)
                length++;
            end = at + length;
            stream_add(&stream, text.data + at, length);
            stream_take(&stream, &rows);
            check(&rows);
            if (cut & 1) {
                stream_rest(&stream, &rows);
                check(&rows);
                if (cut & 2)
                    stream_freeze(&stream);
                else if (cut & 4)
                    stream_cut(&stream, &rows);
                check(&rows);
            }
            cut = cut >> 1 | (cut & 1) << 7;
        }
    }
    stream_finish(&stream, &rows);
    check(&rows);
    stream_release(&stream);
    rows_release(&rows);
    buffer_release(&text);
    return 0;
}
