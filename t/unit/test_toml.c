/* TOML: what a tree holds, where things stood, and the sentences of refusals. */
#include "data/toml.h"

#include "tap.h"

#include <stdlib.h>

static struct toml_document *parse(const char *text, struct error *error)
{
    return toml_parse(text, strlen(text), "f", error);
}

static void refuses(const char *text, const char *wanted)
{
    struct error error = {""};
    struct toml_document *document = parse(text, &error);
    is_text(document == NULL ? error.text : "accepted", wanted, wanted);
    toml_free(document);
}

static void holds(void)
{
    struct error error;
    struct toml_document *document =
        parse("a = 1\n[ t.'x y' ]\n  key = \"caf\\u00e9\"\n"
              "list = [\n 1, 2.5, # c\n]\n[[t.z]]\nd = 1979-05-27 07:32:00z\n",
            &error);
    if (!ok(document != NULL, "a document is accepted"))
        return;
    const struct toml_value *root = toml_root(document);
    is_number(toml_get(root, "a")->integer, 1, "an integer");
    const struct toml_member *key = toml_member(toml_get(toml_get(root, "t"), "x y"), "key");
    is_text(key->value->text, "caf\xC3\xA9", "a string with an escape");
    is_number(key->line, 3, "the line of a key");
    is_number(key->column, 3, "the column of a key");
    is_number(key->value->column, 9, "the column of a value");
    const struct toml_value *list = toml_get(toml_get(toml_get(root, "t"), "x y"), "list");
    is_number((long long)list->count, 2, "an array over several lines");
    ok(list->items[1]->number == 2.5, "a float in it");
    is_number(list->items[1]->line, 5, "the line of an item");
    const struct toml_value *tables = toml_get(toml_get(root, "t"), "z");
    is_text(toml_get(tables->items[0], "d")->text, "1979-05-27T07:32:00Z", "a time, normalised");
    ok(toml_get(root, "nothing") == NULL, "a key that is not there");
    toml_free(document);
}

static void nested(size_t depth, bool good)
{
    struct error error = {""};
    char *text = malloc(2 * depth + 3);
    if (text == NULL)
        return;
    memcpy(text, "a=", 2);
    memset(text + 2, '[', depth);
    memset(text + 2 + depth, ']', depth);
    struct toml_document *document = toml_parse(text, 2 * depth + 2, "f", &error);
    ok((document != NULL) == good, "%zu arrays inside each other", depth);
    toml_free(document);
    free(text);
}

int main(void)
{
    holds();
    refuses("a = 1\nb = \n", "f:2:5: the line ends where a value should be");
    refuses("a = yes\n", "f:1:5: 'yes' is no value (texts need quotes)");
    refuses("\xC3\xA9 = 1", "f:1:1: '\xC3\xA9' where a key should be");
    refuses("a = \"\xC3\xA9\" b", "f:1:9: 'b' where the end of the line should be");
    refuses("a = 'x\n'", "f:1:5: the string that begins here has no end in its line");
    refuses("[a]\n[b]\n[a]\n", "f:3:1: 'a' is already defined in line 1");
    refuses("a = 1\na = 2\n", "f:2:1: 'a' is already defined in line 1");
    refuses("a = 99999999999999999999", "f:1:5: number out of range: '99999999999999999999'");
    refuses("a = 2026-02-30", "f:1:5: no date or time that exists: '2026-02-30'");
    refuses("a = \"\\x\"",
        "f:1:6: unknown escape in a string (a backslash itself is written '\\\\', or use '...')");
    refuses("a\xFF", "f:1:2: byte 0xFF is no UTF-8");
    nested(60, true);
    nested(70, false);
    nested(100000, false);
    return tap_done();
}
