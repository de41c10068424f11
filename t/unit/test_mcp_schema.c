/* Foreign schemas become what is enforced, and names what endpoints take. */
#include "agent/mcp_name.h"
#include "agent/mcp_schema.h"
#include "agent/schema.h"
#include "data/json.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static cJSON *parse(const char *text)
{
    return json_parse(text, strlen(text), NULL);
}

/* The arguments after the check, or the sentence that refuses them. The caller frees it. */
static char *check(const char *schema, const char *arguments)
{
    cJSON *input = parse(schema), *checked = mcp_schema_checked(input), *given = parse(arguments);
    struct error error = {.text = ""};
    char *text = NULL;
    if (schema_check_open(checked, &error) == 0 && schema_validate(checked, given, &error) == 0)
        text = cJSON_PrintUnformatted(given);
    else
        text = strdup(error.text);
    json_free(input);
    json_free(checked);
    json_free(given);
    return text;
}

static void is_checked(
    const char *title, const char *schema, const char *arguments, const char *wanted)
{
    char *got = check(schema, arguments);
    is_text(got, wanted, title);
    free(got);
}

static void is_sent(const char *title, const char *schema, const char *wanted)
{
    cJSON *input = schema != NULL ? parse(schema) : NULL, *wire = mcp_schema_wire(input);
    char *got = cJSON_PrintUnformatted(wire);
    is_text(got, wanted, title);
    free(got);
    json_free(wire);
    json_free(input);
}

static void test_schemas(void)
{
    is_checked("types are enforced", "{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"a\":1}",
        "argument 'a': must be a string, not 1");
    is_checked("one meaning is put right", "{\"properties\":{\"a\":{\"type\":\"integer\"}}}",
        "{\"a\":\"5\"}", "{\"a\":5}");
    is_checked("what must be there", "{\"properties\":{\"a\":{}},\"required\":[\"a\"]}", "{}",
        "argument 'a' is missing");
    is_checked("other arguments pass where they may", "{\"properties\":{}}", "{\"b\":[1,null]}",
        "{\"b\":[1,null]}");
    is_checked("and do not where they may not",
        "{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"b\":1}",
        "unknown argument 'b'; there are: a");
    is_checked("a pattern of names keeps an object open",
        "{\"additionalProperties\":false,\"patternProperties\":{\"^x\":{}}}", "{\"x1\":1}",
        "{\"x1\":1}");
    is_checked("several types are the server's to check",
        "{\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}}}", "{\"a\":null}",
        "{\"a\":null}");
    is_checked("one type in a list is one type",
        "{\"properties\":{\"a\":{\"type\":[\"boolean\"]}}}", "{\"a\":\"true\"}", "{\"a\":true}");
    is_checked("anyOf and $ref are left to it",
        "{\"properties\":{\"a\":{\"anyOf\":[{\"type\":\"string\"}]},\"b\":{\"$ref\":\"#/"
        "x\",\"type\":"
        "\"string\"}}}",
        "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}");
    is_checked("an enum of texts", "{\"properties\":{\"a\":{\"enum\":[\"x\",\"y\"]}}}",
        "{\"a\":\"z\"}", "argument 'a': must be one of \"x\", \"y\", not a string ('z')");
    is_checked("a mixed enum is left to it",
        "{\"properties\":{\"a\":{\"type\":\"string\",\"enum\":[\"x\",null]}}}", "{\"a\":\"z\"}",
        "{\"a\":\"z\"}");
    is_checked("items",
        "{\"properties\":{\"a\":{\"type\":\"array\",\"items\":{\"type\":\"number\"}}}}",
        "{\"a\":[1,\"x\"]}", "argument 'a[1]': must be a number, not a string ('x')");
    is_checked("items of a tuple are left to it",
        "{\"properties\":{\"a\":{\"type\":\"array\",\"prefixItems\":[{}],\"items\":{\"type\":"
        "\"number\"}}"
        "}}",
        "{\"a\":[\"x\"]}", "{\"a\":[\"x\"]}");
    is_checked("objects inside",
        "{\"properties\":{\"a\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"}},"
        "\"required\":[\"b\"]}}}",
        "{\"a\":{}}", "argument 'a.b' is missing");
    is_checked("no schema at all", "null", "{\"a\":1}", "{\"a\":1}");
    is_sent("no schema is an empty one", NULL, "{\"type\":\"object\",\"properties\":{}}");
    is_sent("a schema without a type gets one", "{\"properties\":{\"a\":true}}",
        "{\"properties\":{\"a\":true},\"type\":\"object\"}");
    is_sent("the rest is as it was", "{\"$schema\":\"s\",\"type\":\"object\",\"x\":[1]}",
        "{\"$schema\":\"s\",\"type\":\"object\",\"x\":[1],\"properties\":{}}");
}

static void is_named(const char *server, const char *tool, bool distinct, const char *wanted)
{
    char name[MCP_NAME_SIZE];
    mcp_name(name, server, tool, distinct);
    is_text(name, wanted, tool);
}

static void test_names(void)
{
    struct error error;
    is_named("files", "read_file", false, "mcp__files__read_file");
    is_named("my.files", "read file", false, "mcp__my_files__read_file");
    is_named("files", "read_file", true, "mcp__files__read_file_4de1cba9");
    is_named("server", "a-name-that-is-so-long-that-sixty-four-characters-do-not-hold-it", false,
        "mcp__server__a-name-that-is-so-long-that-sixty-four-cha_fa6f891b");
    ok(mcp_name_is_plain("a", "b") && !mcp_name_is_plain("a.b", "c") && !mcp_name_is_plain("a", ""),
        "plain names");
    ok(mcp_server_name_check("a.b-c_1", &error) == 0, "a server's name");
    ok(mcp_server_name_check("a__b", &error) < 0 && mcp_server_name_check("", &error) < 0 &&
            mcp_server_name_check("a/b", &error) < 0 && mcp_server_name_check("-a", &error) < 0,
        "and what is none");
}

int main(void)
{
    test_schemas();
    test_names();
    return tap_done();
}
