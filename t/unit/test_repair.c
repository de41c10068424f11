#include "agent/repair.h"
#include "base/buffer.h"
#include "data/json.h"

#include <stdarg.h>
#include <stdlib.h>

#include "tap.h"

/* The repaired text; "-" when it is refused; a '*' behind it when it was repaired. */
static char *repaired(const char *text, const char *key)
{
    struct repair repair;
    struct error error = {.text = ""};
    struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    cJSON *tree = repair_arguments(text, strlen(text), key, &repair, &error);
    if (tree != NULL)
        json_append(&buffer, tree);
    else
        buffer_append_byte(&buffer, '-');
    if (tree != NULL && repair.repaired)
        buffer_append_byte(&buffer, '*');
    ok(tree != NULL || error.text[0] != '\0', "a refusal says why");
    json_free(tree);
    return buffer_take(&buffer);
}

static void check(const char *text, const char *key, const char *wanted)
{
    char *got = repaired(text, key);
    is_text(got, wanted, text);
    free(got);
}

static void test_sound(void)
{
    check("{\"a\":1}", NULL, "{\"a\":1}");
    check("", NULL, "{}");
    check(" \n", NULL, "{}");
    check("{}", "a", "{}");
}

static void test_damaged(void)
{
    check("{\"a\":\"x\ny\"}", NULL, "{\"a\":\"x\\ny\"}*");
    check("{\"a\":\"x\ty\",}", NULL, "{\"a\":\"x\\ty\"}*");
    check("{\"a\":[1,2,],}", NULL, "{\"a\":[1,2]}*");
    check("{\"a\":\"b\"", NULL, "{\"a\":\"b\"}*");
    check("{\"a\":{\"b\":[\"c\"", NULL, "{\"a\":{\"b\":[\"c\"]}}*");
    check("{\"a\":\"b\"}}", NULL, "{\"a\":\"b\"}*");
    check("{'a':'it is \"so\"'}", NULL, "{\"a\":\"it is \\\"so\\\"\"}*");
    check("{'a':'it\\'s'}", NULL, "{\"a\":\"it's\"}*");
    check("{a: True, b: None}", NULL, "{\"a\":true,\"b\":null}*");
    check("```json\n{\"a\":1}\n```", NULL, "{\"a\":1}*");
    check("\"{\\\"a\\\":1}\"", NULL, "{\"a\":1}*");
    check("{\"a\":\"\\d+\"}", NULL, "{\"a\":\"\\\\d+\"}*");
    check(
        "{\"note\":\"n\",\"command\":\"id\"} extra", NULL, "{\"note\":\"n\",\"command\":\"id\"}*");
    check("{\"url\":\"http://e.x\",\"question\":\"q\"", NULL,
        "{\"url\":\"http://e.x\",\"question\":\"q\"}*");
    check("{\"query\": \"x\", \"path\": \".\"", NULL, "{\"query\":\"x\",\"path\":\".\"}*");
}

static void test_bare(void)
{
    check("ls -l", "command", "{\"command\":\"ls -l\"}*");
    check("\"ls\"", "command", "{\"command\":\"ls\"}*");
    check("```sh\nls\n```", "command", "{\"command\":\"ls\"}*");
    check("ls -l", NULL, "-");
    check("\"ls\"", NULL, "-");
}

static void test_refused(void)
{
    check("{\"command\":\"ls", "command", "-");
    check("{\"command\":\"rm -rf /tmp/x", "command", "-");
    check("{\"command\":\"a\" \"b\"}", "command", "-");
    check("{\"a\":1}{\"a\":2}", NULL, "-");
    check("{\"a\":\"b\",", NULL, "-");
    check("{\"a\":12", NULL, "-");
    check("{\"a\"", NULL, "-");
    check("{'a':'it's'}", NULL, "-");
    check("{\"a\":b}", NULL, "-");
    check("[1]", "command", "-");
    check("null", "command", "-");
    check("12", "command", "-");
    check("\"ls", "command", "-");
    check("{", NULL, "{}*");
    check("{\"a\":\"\xff\n\"}", NULL, "-");
    struct buffer deep;
    buffer_init(&deep, 1 << 20);
    buffer_append_text(&deep, "{'a':");
    for (int i = 0; i < 100000; i++)
        buffer_append_byte(&deep, '[');
    char *got = repaired(deep.data, NULL);
    is_text(got, "-", "100,000 brackets are refused");
    free(got);
    buffer_release(&deep);
}

static void test_nul(void)
{
    struct repair repair;
    struct error error;
    ok(repair_arguments("{\"a\":\"x\0y\"}", 11, NULL, &repair, &error) == NULL,
        "a NUL byte is refused");
}

int main(void)
{
    test_sound();
    test_damaged();
    test_bare();
    test_refused();
    test_nul();
    return tap_done();
}
