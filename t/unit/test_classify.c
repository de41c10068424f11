/* What endpoints say when they fail, and which class that is. */
#include "agent/classify.h"

#include "data/json.h"

#include "tap.h"

static const struct {
    const char *name;
    int status;
    const char *body, *class;
    bool again;
    long long window, prompt;
} cases[] = {
    {"llama.cpp overflow", 400,
        "{\"error\":{\"code\":400,\"message\":\"the request exceeds the available context size\","
        "\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":9000,\"n_ctx\":8192}}",
        "overflow", false, 8192, 9000},
    {"the same with status 500", 500,
        "{\"error\":{\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":9,\"n_ctx\":8}}",
        "overflow", false, 8, 9},
    {"OpenAI overflow", 400,
        "{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens. However, "
        "you "
        "requested 9100 tokens (8100 in the messages, 1000 in the completion).\",\"type\":"
        "\"invalid_request_error\",\"code\":\"context_length_exceeded\"}}",
        "overflow", false, 8192, 8100},
    {"vLLM overflow", 400,
        "{\"object\":\"error\",\"message\":\"This model's maximum context length is 4096 tokens. "
        "However, your request has 5000 input tokens.\",\"type\":\"BadRequestError\",\"code\":400}",
        "overflow", false, 4096, 5000},
    {"a router's overflow", 400,
        "{\"error\":{\"message\":\"prompt is too long: 210000 tokens > 200000 maximum\"}}",
        "overflow", false, 200000, 210000},
    {"a rate limit that speaks of tokens", 429,
        "{\"error\":{\"message\":\"you exceed the maximum number of tokens per minute; reduce the "
        "length of the messages\",\"code\":\"rate_limit_exceeded\"}}",
        "rate_limit", true, 0, 0},
    {"a rate limit with status 413", 413,
        "{\"error\":{\"message\":\"Request too large: context window\",\"code\":"
        "\"rate_limit_exceeded\"}}",
        "rate_limit", true, 0, 0},
    {"no money", 429, "{\"error\":{\"message\":\"quota\",\"code\":\"insufficient_quota\"}}",
        "rate_limit", false, 0, 0},
    {"an unknown model", 404, "{\"error\":{\"message\":\"no such model\"}}", "bad_request", false,
        0, 0},
    {"a bad key", 401, "{\"error\":{\"message\":\"Incorrect API key\"}}", "auth", false, 0, 0},
    {"forbidden", 403, "", "auth", false, 0, 0},
    {"a limit of the answer is no overflow", 400,
        "{\"error\":{\"message\":\"max_tokens is too large: 40000\"}}", "bad_request", false, 0, 0},
    {"content filter", 400, "{\"error\":{\"message\":\"no\",\"code\":\"content_filter\"}}",
        "content_filter", false, 0, 0},
    {"request timeout", 408, "", "timeout", true, 0, 0},
    {"a busy server", 503, "{\"error\":\"loading model\"}", "server", true, 0, 0},
    {"overloaded", 529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", "server",
        true, 0, 0},
    {"a page of HTML", 502, "<html><body>Bad Gateway</body></html>", "server", true, 0, 0},
    {"a redirect", 307, "", "bad_request", false, 0, 0},
    {"broken JSON", 500, "{\"error\":", "server", true, 0, 0},
};

static void responses(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct failure failure;
        classify_response(&failure, cases[i].status, cases[i].body, strlen(cases[i].body));
        is_text(failure_class_name(failure.class), cases[i].class, cases[i].name);
        if (failure.again != cases[i].again || failure.context_window != cases[i].window ||
            failure.prompt_tokens != cases[i].prompt || failure.status != cases[i].status)
            ok(false, "%s: again %d, window %lld, prompt %lld, status %d", cases[i].name,
                failure.again, (long long)failure.context_window, (long long)failure.prompt_tokens,
                failure.status);
    }
}

static const struct {
    const char *payload, *class, *text;
} in_streams[] = {
    {"{\"error\":{\"message\":\"busy\",\"code\":429}}", "rate_limit", "HTTP 429: busy"},
    {"{\"error\":{\"message\":\"down\",\"code\":\"503\"}}", "server", "the server reports: down"},
    {"{\"error\":\"oops\"}", "server", "the server reports: oops"},
    {"{\"error\":{\"message\":\"slow\",\"type\":\"rate_limit_error\"}}", "rate_limit",
        "the server reports: slow"},
    {"{\"error\":{\"message\":\"bad\",\"type\":\"invalid_request_error\"}}", "bad_request",
        "the server reports: bad"},
    {"{\"error\":{\"message\":\"the context window is full\"}}", "overflow",
        "the server reports: the context window is full"},
    {"{\"error\":{}}", "server", "the server reports: an error"},
    {"{\"object\":\"error\",\"message\":\"a\\nb\\u001b[31m\"}", "server",
        "the server reports: a\xE2\x90\x8A"
        "b\xE2\x90\x9B[31m"},
};

static void payloads(void)
{
    for (size_t i = 0; i < sizeof in_streams / sizeof in_streams[0]; i++) {
        struct failure failure;
        cJSON *tree = json_parse(in_streams[i].payload, strlen(in_streams[i].payload), NULL);
        classify_payload(&failure, tree);
        json_free(tree);
        is_text(failure_class_name(failure.class), in_streams[i].class, in_streams[i].payload);
        is_text(failure.text, in_streams[i].text, "and its words");
    }
}

static void classify_text(struct failure *failure, int status, const char *body)
{
    classify_response(failure, status, body, strlen(body));
}

static void texts(void)
{
    struct failure failure;
    char body[3000];
    memset(body, 'x', sizeof body);
    body[sizeof body - 1] = '\0';
    classify_text(&failure, 400, body);
    ok(strlen(failure.text) < 400, "a long text is cut");
    classify_text(&failure, 502, "<html>");
    is_text(failure.text, "HTTP 502", "a page is not quoted");
    classify_text(
        &failure, 400, "{\"detail\":[{\"loc\":[\"body\",\"stream_options\"],\"msg\":\"extra\"}]}");
    ok(failure.stream_options_refused, "an objection to stream_options is seen");
    is_text(failure.text, "HTTP 400: extra", "and FastAPI's words are found");
    classify_text(&failure, 500, "stream_options");
    ok(!failure.stream_options_refused, "but not in a server error");
}

int main(void)
{
    responses();
    payloads();
    texts();
    return tap_done();
}
