/* term/width and term/wrap: clusters, their columns, and where lines are broken. */
#include <stdarg.h>

#include "tap.h"

#include "term/width.h"
#include "term/wrap.h"

#include <locale.h>

static void is_wide(const char *text, size_t clusters, size_t columns, const char *name)
{
    size_t count = 0, at = 0, length = strlen(text);
    while (at < length) {
        int wide;
        at += width_cluster(text + at, length - at, &wide);
        count++;
    }
    is_number((long long)count, (long long)clusters, name);
    is_number((long long)width_text(text, length), (long long)columns, name);
}

static void wraps(const char *source, size_t width, const char *wanted)
{
    struct text text;
    struct rows rows;
    struct buffer got;
    struct wrap wrap = {.width = width};
    text_init(&text);
    rows_init(&rows);
    buffer_init(&got, 1 << 16);
    text_add(&text, 0, source, strlen(source));
    text_wrap(&text, &wrap, &rows);
    for (size_t i = 0; i < rows.count; i++) {
        buffer_append(&got, rows_text(&rows, i), rows.items[i].length);
        buffer_append_byte(&got, '|');
    }
    is_text(got.data, wanted, source);
    buffer_release(&got);
    rows_release(&rows);
    text_release(&text);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    is_wide("abc", 3, 3, "ASCII");
    is_wide("e\u0301\u0302x", 2, 2, "combining marks");
    is_wide("中文", 2, 4, "CJK");
    is_wide("👩‍👩‍👧‍👦!", 2, 3, "a family joined by U+200D");
    is_wide("🇩🇪🇫🇷", 2, 4, "two flags");
    is_wide("👍🏽", 1, 2, "a skin tone");
    is_wide("❤️❤", 2, 3, "an emoji by variation selector, and a text one");
    is_wide("1️⃣", 1, 2, "a keycap");
    is_wide("क्षि", 3, 3, "Devanagari");
    is_wide("\xFF\xE4\xB8", 3, 3, "bytes that are no UTF-8");

    wraps("one two three", 7, "one two|three|");
    wraps("one two three", 3, "one|two|thr|ee|");
    wraps("one   two", 5, "one|two|");
    wraps("a\n\nb", 5, "a||b|");
    wraps("中文字。符", 6, "中文|字。符|");
    wraps("ab中文", 4, "ab中|文|");
    wraps("中", 1, "中|");
    wraps("", 5, "");
    return tap_done();
}
