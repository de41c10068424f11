/*
 * From payloads to the message: what each kind of stream makes, and that the
 * short cut for plain chunks says the same as the tree.
 */
#include "agent/answer.h"

#include "agent/chunk.h"
#include "data/json.h"

#include "tap.h"

#include <stdlib.h>

static int ignore(void *context, enum think_kind kind, const char *text, size_t length)
{
    (void)context, (void)kind, (void)text, (void)length;
    return 0;
}

/* Ids are random where the server gave none: shown as '#'. */
static void hide_minted(char *text)
{
    static const char mark[] = "\"id\":\"";
    for (char *at = strstr(text, mark); at != NULL; at = strstr(at, mark)) {
        at += sizeof mark - 1;
        size_t length = strspn(at, "0123456789abcdef");
        if (length == 9 && at[length] == '"') {
            at[0] = '#';
            memmove(at + 1, at + length, strlen(at + length) + 1);
        }
    }
}

/* Payloads (ended by NULL) to message, finish reason and notes; or the name of what went wrong. */
static char *assemble(enum think_mode mode, const char *const *payloads)
{
    struct answer answer;
    struct error error;
    struct buffer out;
    enum answer_status status = ANSWER_MORE;
    buffer_init(&out, 1 << 20);
    answer_init(&answer, mode, ignore, NULL);
    for (; *payloads != NULL && status == ANSWER_MORE; payloads++)
        status = answer_payload(&answer, *payloads, strlen(*payloads), false, &error);
    if (status == ANSWER_BAD)
        buffer_printf(&out, "bad: %s", error.text);
    else if (status == ANSWER_REFUSED)
        buffer_append_text(&out, "refused");
    else if (answer_finish(&answer, &error) == 0)
        assembly_write_message(&answer.assembly, &out);
    if (status != ANSWER_BAD && answer.assembly.finish_reason[0] != '\0')
        buffer_printf(&out, " %s", answer.assembly.finish_reason);
    if (answer.assembly.notes.length > 0)
        buffer_printf(&out, " %s", answer.assembly.notes.data);
    answer_release(&answer);
    hide_minted(out.data);
    return buffer_take(&out);
}

#define DELTA(json) "{\"choices\":[{\"index\":0,\"delta\":" json "}]}"
#define END(reason) "{\"choices\":[{\"delta\":{},\"finish_reason\":\"" reason "\"}]}"
#define CALLS(json) DELTA("{\"tool_calls\":[" json "]}")
#define ONE_CALL(id, name, arguments)                                                              \
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" CALL(id, name, arguments) "]}"
#define CALL(id, name, arguments)                                                                  \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name                      \
    "\",\"arguments\":\"" arguments "\"}}"
#define TWO_CALLS(one, two)                                                                        \
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" one "," two "]}"
#define CONTENT(text)      "{\"role\":\"assistant\",\"content\":\"" text "\"}"
#define F(name, arguments) "\"function\":{\"name\":" name ",\"arguments\":" arguments "}"

enum { PAYLOADS_MOST = 9 };

static const struct {
    const char *name;
    const char *payloads[PAYLOADS_MOST];
    const char *wanted;
} cases[] = {
    {"text", {DELTA("{\"content\":\"a\"}"), DELTA("{\"content\":\"b\"}"), END("stop")},
        CONTENT("ab") " stop"},
    {"the end mark", {DELTA("{\"content\":\"a\"}"), "[DONE]", DELTA("{\"content\":\"b\"}")},
        CONTENT("a")},
    {"chunks that say nothing",
        {"null", "{}", "{\"choices\":null}", "{\"choices\":[]}", "", "  ", "{\"choices\":[null]}",
            DELTA("{\"content\":\"a\"}")},
        CONTENT("a")},
    {"an empty answer", {END("stop")}, "{\"role\":\"assistant\",\"content\":null} stop"},
    {"a list of parts",
        {DELTA("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":"
               "\"r\"}]},"
               "{\"type\":\"text\",\"text\":\"a\"}]}")},
        "{\"role\":\"assistant\",\"content\":\"a\",\"reasoning\":\"r\",\"reasoning_field\":"
        "\"reasoning_content\"}"},
    {"two values in one event", {DELTA("{\"content\":\"a\"}") "\n" DELTA("{\"content\":\"b\"}")},
        CONTENT("ab")},
    {"invalid UTF-8 and NUL", {DELTA("{\"content\":\"a\xFF\\u0000\\\\u0000\"}")},
        CONTENT("a\xEF\xBF\xBD\xEF\xBF\xBD\\\\u0000")},
    {"broken JSON", {"{\"choices\":["},
        "bad: the stream holds '{\"choices\":[': invalid JSON at byte 13: unexpected end"},
    {"an error", {"{\"error\":{\"message\":\"x\"}}"}, "refused"},
    {"error null is none", {"{\"error\":null,\"choices\":[]}"},
        "{\"role\":\"assistant\",\"content\":null}"},

    {"reasoning in its member",
        {DELTA("{\"reasoning_content\":\"r\"}"), DELTA("{\"content\":\"a\"}")},
        "{\"role\":\"assistant\",\"content\":\"a\",\"reasoning\":\"r\",\"reasoning_field\":"
        "\"reasoning_content\"}"},
    {"reasoning under both names is one",
        {DELTA("{\"reasoning\":\"r\",\"reasoning_content\":\"r\"}")},
        "{\"role\":\"assistant\",\"content\":null,\"reasoning\":\"r\",\"reasoning_field\":"
        "\"reasoning\"}"},
    {"everything in one delta",
        {DELTA("{\"reasoning\":\"r\",\"content\":\"a\",\"tool_calls\":[{\"id\":\"x\"," F(
            "\"f\"", "\"{}\"") "}]}")},
        "{\"role\":\"assistant\",\"content\":\"a\",\"reasoning\":\"r\",\"reasoning_field\":"
        "\"reasoning\",\"tool_calls\":[" CALL("x", "f", "{}") "]}"},
    {"pending text before reasoning stays text",
        {DELTA("{\"content\":\"<thi\"}"), DELTA("{\"reasoning\":\"r\"}")},
        "{\"role\":\"assistant\",\"content\":\"<thi\",\"reasoning\":\"r\",\"reasoning_field\":"
        "\"reasoning\"}"},
    {"a quoted tag is text when the server separates",
        {DELTA("{\"reasoning\":\"r\"}"), DELTA("{\"content\":\"<think>a\"}")},
        "{\"role\":\"assistant\",\"content\":\"<think>a\",\"reasoning\":\"r\",\"reasoning_field\":"
        "\"reasoning\"}"},
    {"pending reasoning before a call stays reasoning",
        {DELTA("{\"content\":\"<think>a</t\"}"), CALLS("{\"id\":\"x\"," F("\"f\"", "\"{}\"") "}")},
        "{\"role\":\"assistant\",\"content\":null,\"reasoning\":\"a</t\",\"tool_calls\":[" CALL(
            "x", "f", "{}") "]}"},

    {"a call in pieces",
        {CALLS("{\"index\":0,\"id\":\"x\"," F("\"f\"", "\"\"") "}"),
            CALLS("{\"index\":0," F("null", "\"{\\\"a\\\":\"") "}"),
            CALLS("{\"index\":0,\"id\":null," F("null", "\"1}\"") "}"), END("tool_calls")},
        ONE_CALL("x", "f", "{\\\"a\\\":1}") " tool_calls"},
    {"stop with calls means calls", {CALLS("{\"id\":\"x\"," F("\"f\"", "\"{}\"") "}"), END("stop")},
        ONE_CALL("x", "f", "{}") " tool_calls"},
    {"id and name on every piece",
        {CALLS("{\"index\":0,\"id\":\"x\"," F("\"f\"", "\"{\"") "}"),
            CALLS("{\"index\":0,\"id\":\"x\"," F("\"f\"", "\"}\"") "}"),
            CALLS("{\"index\":0,\"id\":\"x\"," F("\"f\"", "\"\"") "}")},
        ONE_CALL("x", "f", "{}")},
    {"empty id and name on every piece",
        {CALLS("{\"index\":0,\"id\":\"x\"," F("\"f\"", "\"{\"") "}"),
            CALLS("{\"index\":0,\"id\":\"\"," F("\"\"", "\"}\"") "}")},
        ONE_CALL("x", "f", "{}")},
    {"all at index 0 with ids",
        {CALLS("{\"index\":0,\"id\":\"x\"," F("\"f\"", "\"{\"") "}"),
            CALLS("{\"index\":0," F("null", "\"}\"") "}"),
            CALLS("{\"index\":0,\"id\":\"y\"," F("\"f\"", "\"{\"") "}"),
            CALLS("{\"index\":0," F("null", "\"}\"") "}")},
        TWO_CALLS(CALL("x", "f", "{}"), CALL("y", "f", "{}"))},
    {"no index, no id",
        {CALLS("{" F("\"f\"", "\"{\"") "}"), CALLS("{" F("null", "\"}\"") "}"),
            CALLS("{" F("\"f\"", "\"{}\"") "}")},
        TWO_CALLS(CALL("#", "f", "{}"), CALL("#", "f", "{}"))},
    {"no index, no id, no arguments, in one delta",
        {CALLS("{\"function\":{\"name\":\"f\"}},{\"function\":{\"name\":\"f\"}}")},
        TWO_CALLS(CALL("#", "f", "{}"), CALL("#", "f", "{}"))},
    {"no arguments, one delta each",
        {CALLS("{\"index\":0," F("\"f\"", "\"\"") "}"),
            CALLS("{\"index\":0," F("\"g\"", "\"\"") "}")},
        TWO_CALLS(CALL("#", "f", "{}"), CALL("#", "g", "{}"))},
    {"a name that comes last",
        {CALLS("{\"index\":0,\"id\":\"x\",\"function\":{\"arguments\":\"{}\"}}"),
            CALLS("{\"index\":0,\"function\":{\"name\":\"f\"}}")},
        ONE_CALL("x", "f", "{}")},
    {"an id that comes late",
        {CALLS("{\"index\":0," F("\"f\"", "\"{\"") "}"),
            CALLS("{\"index\":0,\"id\":\"x\"," F("null", "\"}\"") "}")},
        ONE_CALL("x", "f", "{}")},
    {"calls that take turns",
        {CALLS("{\"index\":0,\"id\":\"x\"," F("\"f\"", "\"{\"") "}"),
            CALLS("{\"index\":1,\"id\":\"y\"," F("\"g\"", "\"{\"") "}"),
            CALLS("{\"index\":0," F("null", "\"}\"") "}"),
            CALLS("{\"index\":1," F("null", "\"}\"") "}")},
        TWO_CALLS(CALL("x", "f", "{}"), CALL("y", "g", "{}"))},
    {"one id for two calls is made two",
        {CALLS("{\"index\":0,\"id\":\"x\"," F("\"f\"", "\"{}\"") "}"),
            CALLS("{\"index\":1,\"id\":\"x\"," F("\"g\"", "\"{}\"") "}")},
        TWO_CALLS(CALL("x", "f", "{}"), CALL("#", "g", "{}"))},
    {"arguments as an object", {CALLS("{\"id\":\"x\"," F("\"f\"", "{\"a\":[1]}") "}")},
        ONE_CALL("x", "f", "{\\\"a\\\":[1]}")},
    {"a padded name", {CALLS("{\"id\":\"x\"," F("\" f\\n\"", "\"{}\"") "}")},
        ONE_CALL("x", "f", "{}")},
    {"broken arguments are kept as they came",
        {CALLS("{\"id\":\"x\"," F("\"f\"", "\"{oops\"") "}"), END("tool_calls")},
        ONE_CALL("x", "f", "{oops") " tool_calls"},
    {"a call that says nothing is none",
        {CALLS("{\"index\":0," F("\"\"", "\"\"") "}"), DELTA("{\"content\":\"a\"}")}, CONTENT("a")},
    {"a call without a name is dropped",
        {CALLS("{\"id\":\"x\",\"function\":{\"arguments\":\"{}\"}}")},
        "{\"role\":\"assistant\",\"content\":null} \"a tool call without a name is dropped\""},
    {"the limit drops the call it cut, and keeps the whole one",
        {CALLS("{\"index\":0,\"id\":\"x\"," F("\"f\"", "\"{}\"") "}"),
            CALLS("{\"index\":1,\"id\":\"y\"," F("\"g\"", "\"{\\\"a\"") "}"), END("length")},
        ONE_CALL(
            "x", "f", "{}") " length \"the token limit cut the call of g off; it is dropped\""},
};

static void payloads_make_messages(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got = assemble(THINK_AUTO, cases[i].payloads);
        is_text(got, cases[i].wanted, cases[i].name);
        free(got);
    }
}

/* The short cut. */

/* What the tree says about a chunk the short cut accepts. */
static bool tree_agrees(const char *json, const struct plain_chunk *chunk)
{
    cJSON *tree = json_parse(json, strlen(json), NULL);
    const cJSON *choices = json_array(tree, "choices");
    const cJSON *choice = choices != NULL ? choices->child : NULL;
    const cJSON *delta = json_object(choice, "delta");
    const char *content = json_string(delta, "content");
    const char *reasoning = json_string(delta, "reasoning");
    if (reasoning == NULL || *reasoning == '\0')
        reasoning = json_string(delta, "reasoning_content");
    content = content != NULL ? content : "";
    reasoning = reasoning != NULL ? reasoning : "";
    bool same =
        delta != NULL && json_object(tree, "usage") == NULL &&
        json_string(choice, "finish_reason") == NULL && json_get(delta, "tool_calls") == NULL &&
        strlen(content) == chunk->content_length &&
        memcmp(content, chunk->content != NULL ? chunk->content : "", chunk->content_length) == 0 &&
        strlen(reasoning) == chunk->reasoning_length &&
        memcmp(reasoning, chunk->reasoning != NULL ? chunk->reasoning : "",
            chunk->reasoning_length) == 0;
    json_free(tree);
    return same;
}

static const char *const usual[] = {
    "{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\","
    "\"system_fingerprint\":null,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},"
    "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}",
    " { \"choices\" : [ { \"delta\" : { \"role\" : \"assistant\" , \"content\" : \"\" } } ] } ",
    DELTA("{\"content\":\"\\n\\\"\\\\\\/\\b\\f\\r\\t\\u20ac\xE2\x82\xAC\"}"),
    DELTA("{\"reasoning_content\":\"a\\nb\",\"content\":null}"),
    DELTA("{\"reasoning\":\"r\\n\",\"content\":\"c\\n\"}"),
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"x\":-1.25,\"y\":true,\"z\":\"\\u0041\"}",
};

/* Each means something beyond plain text, or is not JSON: all must be left to the tree. */
static const char *const unusual[] = {
    "",
    "null",
    "[]",
    "{}",
    "{\"choices\":[]}",
    "[DONE]",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}x",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}},{\"delta\":{}}]}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":1}}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"error\":\"x\"}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"choices\":[]}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"created\":01}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"created\":1e400}",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],}",
    "{,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
    DELTA("{\"content\":\"a\",\"content\":\"b\"}"),
    DELTA("{\"content\":\"\\ud83d\\ude00\"}"),
    DELTA("{\"content\":\"\\u0000\"}"),
    DELTA("{\"content\":\"\xFF\"}"),
    DELTA("{\"content\":\"a\nb\"}"),
    DELTA("{\"content\":1}"),
    DELTA("{\"content\":\"a\""),
    DELTA("{\"tool_calls\":[]}"),
    DELTA("{\"content\":\"\\x\"}"),
    DELTA("{\"reasoning\":\"a\",\"reasoning_content\":\"b\"}"),
    DELTA("null"),
    "{\"choices\":[{\"message\":{\"content\":\"a\"}}]}",
};

static void short_cut(void)
{
    struct buffer scratch;
    struct plain_chunk chunk;
    buffer_init(&scratch, 1 << 20);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        ok(chunk_read_plain(usual[i], strlen(usual[i]), &scratch, &chunk) &&
                tree_agrees(usual[i], &chunk),
            "the short cut reads usual chunk %zu as the tree does", i + 1);
    for (size_t i = 0; i < sizeof unusual / sizeof unusual[0]; i++)
        ok(!chunk_read_plain(unusual[i], strlen(unusual[i]), &scratch, &chunk),
            "the short cut leaves unusual chunk %zu to the tree", i + 1);
    /* Every usual chunk with one byte changed: declined, or read as the tree reads it. */
    size_t differences = 0, accepted = 0;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        size_t length = strlen(usual[i]);
        char *copy = strdup(usual[i]);
        for (size_t at = 0; at < length; at++) {
            for (int byte = 1; byte < 256; byte++) {
                copy[at] = (char)byte;
                if (!chunk_read_plain(copy, length, &scratch, &chunk))
                    continue;
                accepted++;
                differences += !tree_agrees(copy, &chunk);
            }
            copy[at] = usual[i][at];
        }
        free(copy);
    }
    ok(accepted > 1000, "many changed chunks are accepted (%zu)", accepted);
    is_number((long long)differences, 0, "and every one of them means what the tree says");
    buffer_release(&scratch);
}

/* The rest. */

static void usage(void)
{
    static const char *const given[] = {
        "{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}",
        "{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":9}}",
        "{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":null}}",
        "{\"usage\":{\"prompt_tokens\":-3,\"completion_tokens\":4}}",
        "{\"usage\":null}",
    };
    static const long long wanted[] = {7, 9, -1, -1, -1};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        struct answer answer;
        answer_init(&answer, THINK_AUTO, ignore, NULL);
        answer_payload(&answer, given[i], strlen(given[i]), false, NULL);
        const struct assembly_usage *read = &answer.assembly.usage;
        is_number(read->known ? read->total_tokens : -1, wanted[i], given[i]);
        answer_reset(&answer, THINK_AUTO);
        ok(!answer.assembly.usage.known, "and it does not outlive its answer");
        answer_release(&answer);
    }
}

static void tool_text(void)
{
    static const char *const calls[] = {"<tool_call>{}", "x [TOOL_CALLS][{}]", "<function=f>",
        " {\"name\":\"f\",\"arguments\":{}}\n"};
    static const char *const others[] = {"", "hello", "{\"name\":\"f\"}", "{\"a\":1}", "[1]", "{"};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        ok(answer_is_tool_call_text(calls[i], strlen(calls[i])), "a call as text, kind %zu", i + 1);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ok(!answer_is_tool_call_text(others[i], strlen(others[i])), "no call: '%s'", others[i]);
}

static void bounds(void)
{
    struct answer answer;
    struct error error;
    char payload[128];
    enum answer_status status = ANSWER_MORE;
    answer_init(&answer, THINK_AUTO, ignore, NULL);
    for (int i = 0; i < 2 * ASSEMBLY_CALLS_MOST && status == ANSWER_MORE; i++) {
        snprintf(payload, sizeof payload, CALLS("{\"id\":\"%d\"," F("\"f\"", "\"{}\"") "}"), i);
        status = answer_payload(&answer, payload, strlen(payload), false, &error);
    }
    is_number(status, ANSWER_BAD, "no end of tool calls is refused");
    ok(strstr(error.text, "256 tool calls") != NULL, "and said: %s", error.text);
    answer_release(&answer);
}

int main(void)
{
    payloads_make_messages();
    short_cut();
    usage();
    tool_text();
    bounds();
    return tap_done();
}
