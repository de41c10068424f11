/* Occurrences as the specification counts them, and what an edit makes of hostile texts. */
#include "agent/edit.h"

#include "tap.h"

#include <stdlib.h>

enum { LIMIT = 1 << 20 };

static size_t count(const char *text, const char *needle)
{
    size_t offsets[8];
    return edit_occurrences(text, strlen(text), needle, strlen(needle), offsets, 8);
}

/* The text after the edit, or the sentence why not, to be freed. */
static char *edited(const char *text, struct edit edit)
{
    struct buffer changed, remarks, details;
    struct edit_result result;
    struct error error = {0};
    buffer_init(&changed, LIMIT);
    buffer_init(&remarks, LIMIT);
    buffer_init(&details, LIMIT);
    if (buffer_append_text(&changed, text) < 0)
        abort();
    int done = edit_apply(&changed, &edit, &result, &remarks, &details, &error);
    char *answer = strdup(done == 0 ? changed.data : error.text);
    buffer_release(&changed);
    buffer_release(&remarks);
    buffer_release(&details);
    return answer;
}

static void expect(const char *text, struct edit edit, const char *wanted, const char *name)
{
    char *got = edited(text, edit);
    is_text(got, wanted, name);
    free(got);
}

static char random_byte(void)
{
    static const char bytes[] = " \t\n\r\nab\xE2\x80\x9C\xC3\"}x";
    return bytes[rand() % (int)(sizeof bytes - 1)];
}

static void fill(char *text, int most)
{
    int length = rand() % most;
    for (int at = 0; at < length; at++)
        text[at] = random_byte();
    text[length] = '\0';
}

/* No text may be lost or read beyond; the sanitizer build watches. */
static void test_random(void)
{
    int applied = 0;
    srand(11);
    for (int round = 0; round < 20000; round++) {
        char text[128], old_text[24], new_text[24];
        fill(text, sizeof text);
        fill(old_text, sizeof old_text);
        fill(new_text, sizeof new_text);
        struct edit edit = {old_text, new_text, round % 2 == 0, rand() % 9 - 2, round % 5 == 0};
        char *got = edited(text, edit);
        applied += got != NULL && strstr(got, "old_string") == NULL;
        free(got);
    }
    ok(applied > 100, "20000 random edits, %d of them applied", applied);
}

int main(void)
{
    is_number((long long)count("k=1\nk=2\n\nk=3", "k="), 3, "three hits");
    is_number((long long)count("abab", "ab"), 2, "two hits in a line");
    is_number((long long)count("aaa", "aa"), 2, "hits may overlap");
    is_number((long long)count("xx\nxx", "x\nx"), 1, "a hit over a line's end");
    is_number((long long)count("\xC3\xA9"
                               "a\n\xC3\xA9"
                               "a",
                  "a"),
        2, "behind characters of two bytes");
    expect("abab", (struct edit){"ab", "x", false, 0, false},
        "old_string occurs 2 times, on lines 1: give more lines around it, near_line, or "
        "replace_all",
        "two in one line are ambiguous");
    expect("\xC3\xA9"
           "a\n\xC3\xA9"
           "a",
        (struct edit){"a", "b", true, 2, false},
        "\xC3\xA9"
        "a\n\xC3\xA9"
        "b",
        "nearest by lines, not bytes");
    expect("aaa", (struct edit){"aa", "b", false, 0, true}, "ba", "replaced hits do not overlap");
    expect("a\nb", (struct edit){"b", "b\n", true, INT64_MIN, false}, "a\nb\n",
        "the least near_line there is");
    expect("a\r\nb\n", (struct edit){"a\nb\n", "c\n", false, 0, false}, "c\r\n",
        "mixed endings: a match in spite of them ends as its first line does");
    expect("\xE2\x80\xA6x", (struct edit){"...x", "y", false, 0, false}, "y",
        "an ellipsis for three dots");
    expect("a\xC2\xA0"
           "b c",
        (struct edit){"a b", "d", false, 0, false}, "d c", "a no-break space");
    test_random();
    return tap_done();
}
