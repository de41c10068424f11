/* Diffs are applied again by patch(1)'s rules and must give the other text. */
#include "agent/diff.h"

#include "tap.h"

#include <stdlib.h>

enum { LIMIT = 64 << 20 };

static struct diff_text text_of(const char *text)
{
    return (struct diff_text){text, strlen(text)};
}

static char *diff_of(const char *before, const char *after)
{
    struct buffer output;
    buffer_init(&output, LIMIT);
    if (diff_unified(&output, text_of(before), text_of(after), 1000, NULL) < 0)
        abort();
    return buffer_take(&output);
}

static void expect(const char *before, const char *after, const char *wanted, const char *name)
{
    char *got = diff_of(before, after);
    is_text(got, wanted, name);
    free(got);
}

/* Follow the hunks through before; true when that gives after. Both end with newlines. */
static bool applies(const char *diff, const char *before, const char *after)
{
    struct buffer built;
    buffer_init(&built, LIMIT);
    size_t line = 1;
    while (*diff != '\0') {
        size_t length = strcspn(diff, "\n") + 1;
        size_t first = 0, count = 0;
        if (sscanf(diff, "@@ -%zu,%zu", &first, &count) == 2) {
            for (first += count == 0; line < first; line++) {
                size_t skipped = strcspn(before, "\n") + 1;
                buffer_append(&built, before, skipped);
                before += skipped;
            }
        } else {
            if (*diff != '+') {
                if (strncmp(before, diff + 1, length - 1) != 0)
                    break;
                before += length - 1;
                line++;
            }
            if (*diff != '-')
                buffer_append(&built, diff + 1, length - 1);
        }
        diff += length;
    }
    buffer_append_text(&built, before);
    bool result = *diff == '\0' && strcmp(built.data, after) == 0;
    buffer_release(&built);
    return result;
}

static char *random_text(size_t lines, unsigned letters)
{
    struct buffer text;
    buffer_init(&text, LIMIT);
    for (size_t line = 0; line < lines; line++)
        buffer_printf(&text, "%c\n", 'a' + rand() % (int)letters);
    return buffer_take(&text);
}

static void test_random(void)
{
    bool all = true;
    srand(7);
    for (int round = 0; round < 3000 && all; round++) {
        char *before = random_text((size_t)(rand() % 40), 1 + (unsigned)round % 5);
        char *after = random_text((size_t)(rand() % 40), 1 + (unsigned)round % 5);
        char *diff = diff_of(before, after);
        all = applies(diff, before, after);
        if (!all)
            printf("# %s\n--\n%s--\n%s", before, after, diff);
        free(before);
        free(after);
        free(diff);
    }
    ok(all, "3000 random pairs: the diff leads from one to the other");
}

/* Nothing in common, or much in common with many changes: bounded, and still right. */
static void test_large(void)
{
    struct buffer before, after, output;
    struct diff_counts counts;
    buffer_init(&before, LIMIT);
    buffer_init(&after, LIMIT);
    buffer_init(&output, LIMIT);
    for (int line = 0; line < 20000; line++) {
        buffer_printf(&before, "%d\n", line);
        buffer_printf(&after, "%d\n", line % 3 == 0 ? line : -line);
    }
    ok(diff_unified(&output, (struct diff_text){before.data, before.length},
           (struct diff_text){after.data, after.length}, 100000, &counts) == 0,
        "20000 lines, two thirds changed");
    ok(applies(output.data, before.data, after.data), "and the diff is right");
    buffer_clear(&output);
    diff_unified(&output, (struct diff_text){before.data, before.length},
        (struct diff_text){after.data, after.length}, 10, &counts);
    ok(strstr(output.data, "more lines of difference\n") != NULL, "a limit on lines is kept");
    ok(output.length < 400, "and what is left out is only counted");
    buffer_release(&before);
    buffer_release(&after);
    buffer_release(&output);
}

int main(void)
{
    expect("a\nb\n", "a\nb\n", "", "equal texts: nothing");
    expect("", "a\n", "@@ -0,0 +1,1 @@\n+a\n", "from nothing");
    expect("a\n", "", "@@ -1,1 +0,0 @@\n-a\n", "to nothing");
    expect("a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "one line");
    expect("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n",
        "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n", "three lines of context");
    expect("a", "a\n", "@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n",
        "a newline at the end is a difference");
    expect("a\r\nb\r\n", "a\r\nc\r\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n", "CRLF throughout is quiet");
    expect(
        "a\r\n", "a\n", "@@ -1,1 +1,1 @@\n-a\xE2\x90\x8D\n+a\n", "a changed line ending is seen");
    expect("a\xff\n", "b\n", "@@ -1,1 +1,1 @@\n-a\xEF\xBF\xBD\n+b\n", "bad bytes are repaired");
    test_random();
    test_large();
    return tap_done();
}
