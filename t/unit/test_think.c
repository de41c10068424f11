/* The splitter of reasoning and answer: the same result wherever the text is cut, nothing held. */
#include "agent/think.h"

#include "base/buffer.h"

#include "tap.h"

struct seen {
    struct buffer text; /* [r:...] and [c:...], neighbours of one kind joined */
    int kind;           /* of the open bracket; -1: none */
    size_t bytes;
};

static void begin(struct seen *seen)
{
    buffer_init(&seen->text, 1 << 20);
    seen->kind = -1;
    seen->bytes = 0;
}

static int collect(void *context, enum think_kind kind, const char *text, size_t length)
{
    struct seen *seen = context;
    if (seen->kind != (int)kind) {
        if (seen->kind >= 0)
            buffer_append_byte(&seen->text, ']');
        buffer_append_text(&seen->text, kind == THINK_CONTENT ? "[c:" : "[r:");
        seen->kind = (int)kind;
    }
    seen->bytes += length;
    return buffer_append(&seen->text, text, length);
}

static void end(struct seen *seen)
{
    if (seen->kind >= 0)
        buffer_append_byte(&seen->text, ']');
}

static const struct {
    const char *name;
    enum think_mode mode;
    const char *text, *wanted;
} cases[] = {
    {"plain text", THINK_AUTO, "hello", "[c:hello]"},
    {"a block at the start", THINK_AUTO, "<think>a</think>b", "[r:a][c:b]"},
    {"the other tag", THINK_AUTO, "<reasoning>a</reasoning>b", "[r:a][c:b]"},
    {"any close tag closes", THINK_AUTO, "<think>a</reasoning>b", "[r:a][c:b]"},
    {"white space before it", THINK_AUTO, " \n<think>a</think>b", "[c: \n][r:a][c:b]"},
    {"a second block at the start", THINK_AUTO, "<think>a</think>\n<think>b</think>c",
        "[r:a][c:\n][r:b][c:c]"},
    {"a tag in prose", THINK_AUTO, "use <think>a</think>", "[c:use <think>a</think>]"},
    {"a tag in prose behind a block", THINK_AUTO, "<think>a</think>b<think>c</think>",
        "[r:a][c:b<think>c</think>]"},
    {"always: a tag anywhere", THINK_ALWAYS, "b<think>c</think>d<think>e", "[c:b][r:c][c:d][r:e]"},
    {"never", THINK_NEVER, "<think>a</think>b", "[c:<think>a</think>b]"},
    {"never closed", THINK_AUTO, "<think>a<b", "[r:a<b]"},
    {"the beginning of a tag at the end", THINK_AUTO, "<think>a</thi", "[r:a</thi]"},
    {"a beginning that is no tag", THINK_AUTO, "<thing>a</think>", "[c:<thing>a</think>]"},
    {"beginnings inside", THINK_AUTO, "<think><</t</</think>b", "[r:<</t</][c:b]"},
    {"a tag behind a beginning", THINK_ALWAYS, "<thi<think>a<</think>", "[c:<thi][r:a<]"},
    {"case counts", THINK_AUTO, "<THINK>a</THINK>", "[c:<THINK>a</THINK>]"},
    {"nothing inside", THINK_AUTO, "<think></think>b", "[c:b]"},
    {"nothing", THINK_AUTO, "", ""},
};

static void cut_everywhere(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = strlen(cases[i].text);
        bool same = true;
        for (size_t size = 1; size <= length + 1; size++) {
            struct think_splitter splitter;
            struct seen seen;
            begin(&seen);
            think_init(&splitter, cases[i].mode);
            for (size_t at = 0; at < length; at += size)
                think_feed(&splitter, cases[i].text + at, size < length - at ? size : length - at,
                    collect, &seen);
            think_flush(&splitter, collect, &seen);
            end(&seen);
            same = same && strcmp(seen.text.data, cases[i].wanted) == 0;
            if (strcmp(seen.text.data, cases[i].wanted) != 0)
                printf("# pieces of %zu: %s\n", size, seen.text.data);
            buffer_release(&seen.text);
        }
        ok(same, "%s, cut anywhere", cases[i].name);
    }
}

static size_t after_feeding(const char *text)
{
    struct think_splitter splitter;
    struct seen seen;
    begin(&seen);
    think_init(&splitter, THINK_ALWAYS);
    think_feed(&splitter, text, strlen(text), collect, &seen);
    buffer_release(&seen.text);
    return seen.bytes;
}

static void holds_back_no_more_than_needed(void)
{
    is_number((long long)after_feeding("hello"), 5, "text leaves at once");
    is_number((long long)after_feeding("a < b"), 5, "so does an angle bracket that is no tag");
    is_number((long long)after_feeding("hello<thi"), 5, "the beginning of a tag is held");
    is_number((long long)after_feeding("hello<thing"), 11, "until it is none");
}

/* What comes another way must find everything before it handed out. */
static void flush_in_between(void)
{
    struct think_splitter splitter;
    struct seen seen;
    begin(&seen);
    think_init(&splitter, THINK_AUTO);
    think_feed(&splitter, "<think>a</thi", 13, collect, &seen);
    think_flush(&splitter, collect, &seen);
    is_text(seen.text.data, "[r:a</thi", "a flush hands out what is held, as what it came");
    think_feed(&splitter, "nk>b", 4, collect, &seen);
    is_text(seen.text.data, "[r:a</think>b", "what was handed out is no part of a tag any more");
    buffer_release(&seen.text);

    begin(&seen);
    think_init(&splitter, THINK_AUTO);
    think_server_separates(&splitter);
    think_feed(&splitter, "<think>", 7, collect, &seen);
    is_text(seen.text.data, "[c:<think>", "a tag is text when the server separates");
    buffer_release(&seen.text);
}

int main(void)
{
    cut_everywhere();
    holds_back_no_more_than_needed();
    flush_in_between();
    return tap_done();
}
