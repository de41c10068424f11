/* Patterns and rules as gitignore(5) has them. */
#include "agent/ignore.h"
#include "agent/path_pattern.h"
#include "base/clock.h"

#include "tap.h"

static const struct {
    const char *pattern, *path;
    bool matches;
} cases[] = {
    {"*.c", "a.c", true},
    {"*.c", "a.h", false},
    {"*.c", "d/a.c", false},
    {"a?c", "a/c", false},
    {"a?c",
        "a\xC3\xA9"
        "c",
        true},
    {"[a-c]x", "bx", true},
    {"[!a-c]x", "bx", false},
    {"[]]x", "]x", true},
    {"[a", "[a", true},
    {"\\*", "*", true},
    {"\\*", "a", false},
    {"**/x", "x", true},
    {"**/x", "a/b/x", true},
    {"a/**", "a/b/c", true},
    {"a/**", "a", false},
    {"a/**/z", "a/z", true},
    {"a/**/z", "a/b/c/z", true},
    {"a/**/z", "a/b/c/y", false},
    {"a/**/b/**/c", "a/b/x/b/c", true},
    {"**", "x", true},
    {"*", "", false},
    {"a*b*c", "aXbXbc", true},
};

static bool ignored(const char *text, const char *path, bool directory)
{
    struct ignore_rules *rules = ignore_parse(NULL, text, strlen(text), "");
    bool result = ignore_match(rules, path, directory);
    ignore_free(rules, NULL);
    return result;
}

int main(void)
{
    for (size_t at = 0; at < sizeof cases / sizeof cases[0]; at++)
        ok(path_pattern_match(cases[at].pattern, cases[at].path) == cases[at].matches,
            "'%s' and '%s': %s", cases[at].pattern, cases[at].path,
            cases[at].matches ? "yes" : "no");

    int64_t start = clock_monotonic_ms();
    char many[400] = "";
    for (size_t at = 0; at + 2 < sizeof many; at += 2)
        memcpy(many + at, "*a", 3);
    char text[400];
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 2, "b", 2);
    ok(!path_pattern_match(many, text), "200 stars that cannot match");
    ok(clock_monotonic_ms() - start < 1000, "end soon");

    ok(ignored("x\r\n", "x", false), "a rule file with CRLF");
    ok(ignored("x   \n", "x", false), "spaces at the end do not count");
    ok(ignored("x\\ \n", "x ", false), "unless escaped");
    ok(!ignored("x/\n", "x", false), "a directory rule leaves files");
    ok(ignored("x/\n", "a/x", true), "a directory rule at any depth");
    ok(!ignored("a/x\n", "b/a/x", false), "a slash within anchors");
    ok(!ignored("*\n!x\n", "x", false), "the last rule decides");
    ok(ignored("!x\n*\n", "x", false), "whichever it is");
    ok(!ignored("/\n!\n\n \n#x\n", "x", false), "rules that say nothing");
    return tap_done();
}
