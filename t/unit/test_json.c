/* data/json: what is refused, what is kept, what is rewritten. */
#include <stdarg.h>

#include "base/buffer.h"
#include "data/json.h"
#include "tap.h"

#include <stdlib.h>

static char *round_trip(const char *text)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    cJSON *tree = json_parse(text, strlen(text), NULL);
    if (tree == NULL)
        return NULL;
    json_append(&out, tree);
    json_free(tree);
    return buffer_take(&out);
}

static void becomes(const char *text, const char *wanted)
{
    char *got = round_trip(text);
    is_text(got, wanted, text);
    free(got);
}

static void refused(const char *text, size_t length, const char *name)
{
    struct error error = {{0}};
    cJSON *tree = json_parse(text, length, &error);
    ok(tree == NULL && error.text[0] != '\0', "refused: %s (%s)", name, error.text);
    json_free(tree);
}

int main(void)
{
    becomes("{\"a\":1,\"A\":[true,null,\"x\"]}", "{\"a\":1,\"A\":[true,null,\"x\"]}");
    becomes("{\"n\":9007199254740993}", "{\"n\":9007199254740993}");
    becomes("[-12345678901234567890,\"12345678901234567890\"]",
        "[-12345678901234567890,\"12345678901234567890\"]");
    becomes("\"\\ud83d\\ude00\"", "\"\xF0\x9F\x98\x80\"");
    becomes("\"\\ud800x\"", "\"\xEF\xBF\xBDx\"");
    becomes("[\"\\udc00\",12345678901234567890,\"\\ud800\\u0041\"]",
        "[\"\xEF\xBF\xBD\",12345678901234567890,\"\xEF\xBF\xBD"
        "A\"]");
    becomes(" 1 ", "1");
    static const char *const bad[] = {"", "{", "01", "1.", "[1,]", "{\"a\":1,}", "\"\\u0000\"",
        "{} x", "\"\t\"", "\"\x80\"", "nul", "1e400", "{'a':1}", "[1 2]", "\"\\x\"", "-", "+1",
        "{\"a\"}", "\"abc", NULL};
    for (int i = 0; bad[i] != NULL; i++)
        refused(bad[i], strlen(bad[i]), bad[i]);
    refused("\"a\0b\"", 5, "NUL in a string");
    char deep[200];
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    refused(deep, 130, "65 levels");
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    ok(json_check(deep, 128, NULL) == 0, "64 levels are accepted");

    const char *text = "{\"Key\":1,\"key\":2,\"big\":9007199254740993,\"f\":1.5}";
    cJSON *tree = json_parse(text, strlen(text), NULL);
    int64_t number = 0;
    ok(json_integer(tree, "key", &number) && number == 2, "look-up is case-sensitive");
    ok(json_integer(tree, "big", &number) && number == 9007199254740993, "large number kept");
    ok(!json_integer(tree, "f", &number), "a fraction is no whole number");
    ok(!json_integer(tree, "none", &number), "absent");
    json_free(tree);

    struct buffer out;
    buffer_init(&out, 1 << 20);
    json_append_string(&out, "a\"\\\n\x01\xff\xc3\xa9", 8);
    is_text(out.data, "\"a\\\"\\\\\\n\\u0001\xEF\xBF\xBD\xC3\xA9\"", "quoted");
    buffer_release(&out);

    const char *type;
    is_number((long long)json_peek_type("{\"type\":\"content\",\"x\":1}", 24, &type), 7, "peek");
    is_number((long long)json_peek_type("{\"x\":1,\"type\":\"content\"}", 24, &type), 0, "no peek");
    return tap_done();
}
