/*
 * web_search: titles, addresses and passages from a search engine: Tavily, one
 * with the same interface, or a command of the user's. What is configured is
 * read at each call.
 */
#include "base/clock.h"
#include "base/utf8.h"
#include "common/tool_main.h"
#include "common/web.h"
#include "io/child_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIME_MS = 60000,        /* without a runner's limit */
    TIME_RESERVE_MS = 1500, /* of the runner's limit, to say what went wrong */
    HEADER_MOST = 80,       /* bytes of the query in a header */
    RESULTS_DEFAULT = 5,
    RESULTS_MOST = 20,
    PASSAGE_MOST = 500, /* characters of one result */
    LINE_MOST = 300,    /* the same of a title */
    URL_MOST = 2048,    /* bytes of an address */
    ANSWER_MOST = 8 << 20,
    COMPLAINT_MOST = 4096,
    REQUEST_MOST = 1 << 20,
    KEY_MOST = 4096,
};

static const char tavily[] = "https://api.tavily.com/search";

struct search {
    char *query; /* trimmed; owned */
    const char *topic;
    int64_t most;
};

static int search_init(struct search *search, struct tool_call *call, struct error *error)
{
    const char *query = NULL;
    *search = (struct search){.topic = "general", .most = RESULTS_DEFAULT};
    if (tool_text(call, "query", &query, error) < 0 ||
        tool_optional_text(call, "topic", &search->topic, error) < 0 ||
        tool_optional_integer(call, "max_results", 1, RESULTS_MOST, &search->most, error) < 0)
        return -1;
    search->query = web_trimmed(query);
    if (search->query == NULL)
        return error_system(error, "read the query");
    return search->query[0] != '\0' ? 0 : error_set(error, "the query is empty");
}

static int prepare(struct tool_call *call, struct tool_preview *preview, struct error *error)
{
    struct search search;
    int result = search_init(&search, call, error);
    if (result == 0) {
        size_t length = strlen(search.query);
        size_t shown = length > HEADER_MOST ? HEADER_MOST : length;
        while (shown < length && shown > 0 && ((unsigned char)search.query[shown] & 0xC0) == 0x80)
            shown--;
        if (buffer_append(&preview->header, search.query, shown) < 0 ||
            (shown < length && buffer_append_text(&preview->header, "...") < 0) ||
            buffer_append_text(&preview->text, search.query) < 0)
            result = error_set(error, "the query is too long to be shown");
    }
    free(search.query);
    return result;
}

/* What an engine is sent; it is a command's stdin, too. */
static int print_request(const struct search *search, struct buffer *text)
{
    return buffer_append_text(text, "{\"query\":") < 0 ||
                   json_append_string(text, search->query, strlen(search->query)) < 0 ||
                   buffer_printf(text, ",\"max_results\":%lld,\"topic\":\"%s\"",
                       (long long)search->most, search->topic) < 0 ||
                   buffer_append_text(text, ",\"include_answer\":true}") < 0
               ? -1
               : 0;
}

/* Results as text */

/* On one line, and no longer than it should be. */
static int append_line(struct buffer *text, const char *from, size_t most)
{
    bool space = false;
    for (size_t count = 0; *from != '\0' && count < most; count++) {
        if (strchr(" \t\r\n", *from) != NULL) {
            space = true;
            from++;
            continue;
        }
        uint32_t character;
        int size = utf8_decode(
            from, strlen(from) < UTF8_MAXIMUM ? strlen(from) : UTF8_MAXIMUM, &character);
        size = size > 0 ? size : 1;
        if ((space && buffer_append_byte(text, ' ') < 0) ||
            buffer_append(text, from, (size_t)size) < 0)
            return -1;
        space = false;
        from += size;
    }
    return *from != '\0' ? buffer_append_text(text, "...") : 0;
}

static int append_result(struct buffer *text, int number, const cJSON *result)
{
    const char *title = json_string(result, "title"), *url = json_string(result, "url");
    const char *content = json_string(result, "content");
    if (buffer_printf(text, "%d. [", number) < 0 ||
        append_line(text, title != NULL ? title : "no title", LINE_MOST) < 0 ||
        buffer_append_text(text, "](") < 0 ||
        append_line(text, url != NULL && strlen(url) <= URL_MOST ? url : "", URL_MOST) < 0 ||
        buffer_append_text(text, ")\n") < 0)
        return -1;
    if (content == NULL || content[0] == '\0')
        return 0;
    return buffer_append_text(text, "   ") < 0 || append_line(text, content, PASSAGE_MOST) < 0 ||
                   buffer_append_byte(text, '\n') < 0
               ? -1
               : 0;
}

/* An object with "results", or the list itself. */
static int append_results(struct buffer *text, const struct search *search, const cJSON *reply)
{
    const cJSON *results = cJSON_IsArray(reply) ? reply : json_array(reply, "results"), *result;
    const char *answer = json_string(reply, "answer");
    int number = 0;
    if (answer != NULL && answer[0] != '\0' && buffer_printf(text, "Answer: %s\n\n", answer) < 0)
        return -1;
    cJSON_ArrayForEach(result, results)
    {
        if (!cJSON_IsObject(result))
            continue;
        if (number == search->most)
            break;
        if (append_result(text, ++number, result) < 0)
            return -1;
    }
    return 0;
}

static bool blank(const struct buffer *text)
{
    return strspn(text->data, " \t\r\n") == text->length;
}

/* What came, as JSON or, from a command, as text. */
static int report(struct tool_call *call, const struct search *search, const struct buffer *reply,
    bool may_be_text, struct error *error)
{
    struct buffer text, what;
    cJSON *tree = json_parse(reply->data, reply->length, error);
    bool known = cJSON_IsArray(tree) || json_array(tree, "results") != NULL;
    if (!known && !may_be_text) {
        json_free(tree);
        return error_set(error, "the search engine's answer is not what Tavily's interface has");
    }
    buffer_init(&text, ANSWER_MOST);
    buffer_init(&what, REQUEST_MOST * 2);
    int failed = known ? append_results(&text, search, tree)
                       : utf8_append_repaired(&text, reply->data, reply->length);
    json_free(tree);
    if (failed == 0 && blank(&text))
        failed = buffer_printf(&call->output, "No results for: %s\n", search->query);
    else if (failed == 0)
        failed = buffer_printf(&what, "Search results for '%s'", search->query) < 0 ||
                         web_append_marked(&call->output, what.data, &text) < 0
                     ? -1
                     : 0;
    buffer_release(&text);
    buffer_release(&what);
    return failed < 0 ? error_system(error, "keep the results") : 0;
}

/* The user's command */

static int run_command(struct tool_call *call, struct config *config, const struct search *search,
    const char *request, int64_t deadline, struct error *error)
{
    char shell[] = "/bin/sh", name[] = "sh", option[] = "-c";
    struct buffer script;
    struct child_run run;
    buffer_init(&script, REQUEST_MOST);
    child_run_init(&run, ANSWER_MOST, COMPLAINT_MOST);
    int result = 0;
    if (buffer_printf(&script, "%s \"$@\"", config_text(config, "search.command")) < 0)
        result = error_system(error, "run search.command");
    char *argv[] = {name, option, script.data, name, search->query, NULL};
    const struct spawn spawn = {
        .path = shell,
        .argv = argv,
        .environment = config_export(config, CONFIG_NO_SECRETS),
        .descriptor_count = 3,
    };
    if (result == 0)
        result = child_run_to_end(&run, &spawn, request, strlen(request), deadline, error);
    if (result == 0 && run.timed_out)
        result = error_set(error, "search.command took too long");
    else if (result == 0 && (run.status != 0 || run.overflowed)) {
        buffer_append(&call->details, run.complaint.data, run.complaint.length);
        result = error_set(error, "search.command failed (%s)",
            run.overflowed ? "it printed too much" : "see below");
    }
    if (result == 0)
        result = report(call, search, &run.output, true, error);
    buffer_release(&script);
    child_run_release(&run);
    return result;
}

/* The engine */

static int explain_status(const struct web_answer *answer, const char *url, struct error *error)
{
    int64_t status = 0;
    json_integer(answer->line, "status", &status);
    if (status >= 200 && status <= 299)
        return 0;
    const char *advice = "";
    if (status == 401 || status == 403)
        advice = ": the key is refused; see api.tavily_key";
    else if (status == 429 || status == 432)
        advice = ": too many requests, or the key's quota is used up";
    return error_set(error, "the search engine at %s answered with status %lld%s", url,
        (long long)status, advice);
}

static int ask_engine(struct tool_call *call, struct config *config, const struct search *search,
    const char *request, int64_t deadline, struct error *error)
{
    const char *url = config_text(config, "search.url");
    const char *key = config_text(config, "api.tavily_key");
    char header[KEY_MOST];
    struct web_answer answer;
    if (url == NULL)
        url = tavily;
    if (key != NULL &&
        (size_t)snprintf(header, sizeof header, "Authorization: Bearer %s\n", key) >= sizeof header)
        return error_set(error, "api.tavily_key is too long for a key");
    const struct web_request wanted = {
        .url = url, .trusted = true, .post = request, .header = key != NULL ? header : NULL};
    web_answer_init(&answer);
    int result = web_fetch(config, &wanted, deadline, &answer, error);
    explicit_bzero(header, sizeof header);
    if (result == 0)
        result = explain_status(&answer, url, error);
    if (result == 0)
        result = report(call, search, &answer.text, false, error);
    web_answer_release(&answer);
    return result;
}

static int choose(struct tool_call *call, struct config *config, const struct search *search,
    const char *request, struct error *error)
{
    int64_t deadline =
        call->deadline > 0 ? call->deadline - TIME_RESERVE_MS : clock_monotonic_ms() + TIME_MS;
    if (config_text(config, "search.command") != NULL)
        return run_command(call, config, search, request, deadline, error);
    if (config_text(config, "search.url") != NULL || config_text(config, "api.tavily_key") != NULL)
        return ask_engine(call, config, search, request, deadline, error);
    return error_set(error,
        "no search engine is configured: a person can set api.tavily_key (or TAVILY_API_KEY), "
        "search.url or search.command; a page whose URL is known can be read with web_fetch");
}

static int run(struct tool_call *call, struct error *error)
{
    struct search search;
    struct buffer request;
    buffer_init(&request, REQUEST_MOST);
    int result = search_init(&search, call, error);
    if (result == 0 && print_request(&search, &request) < 0)
        result = error_set(error, "the query is too long");
    struct config *config = result == 0 ? web_config(error) : NULL;
    if (config == NULL)
        result = -1;
    if (result == 0)
        result = choose(call, config, &search, request.data, error);
    config_free(config);
    buffer_release(&request);
    free(search.query);
    return result;
}

static const struct tool web_search = {
    .name = "web_search",
    .purpose = "asks a search engine",
    .prepare = prepare,
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&web_search, argc, argv);
}
