/*
 * ts-fetch: get a text from the web for somebody who does not trust the URL.
 *
 * What may be reached is decided by the configuration, not by whoever chose the
 * URL: public addresses, usual ports, a bounded time and size. Redirects are
 * followed here, one transfer each, so that all of it is checked at every hop.
 */
#include "base/clock.h"
#include "base/utf8.h"
#include "common/program.h"
#include "common/settings.h"
#include "content.h"
#include "data/json.h"
#include "rules.h"
#include "transfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    OPTION_TRUSTED = OPTION_LONG,
    OPTION_SAME_HOST,
    OPTION_POST,
    OPTION_HEADER_FD,
};

enum {
    POST_MOST = 1 << 20,    /* bytes sent: a question, not an upload */
    HEADERS_MOST = 8 << 10, /* bytes of further headers */
    REDIRECTS_MOST = 51,
    LINE_MOST = 4 << 20, /* bytes of the line: URLs of a few KiB, escaped */
};

static const struct option_spec options[] = {
    {'b', "body", NULL, "print the text alone, without the line that describes it"},
    {OPTION_SAME_HOST, "same-host", NULL, "do not follow a redirect to another host"},
    {OPTION_TRUSTED, "trusted", NULL, "a person chose the URL: any host, port and address"},
    {OPTION_POST, "post", NULL, "send stdin, a JSON text, by POST; follow no redirect"},
    {OPTION_HEADER_FD, "header-fd", "N", "send the header lines read from this descriptor"},
    SETTINGS_OPTION_CONFIG,
    {0},
};

struct fetch {
    struct rules rules;
    struct transfer transfer;        /* the last one */
    struct url first, url;           /* as it was given; as it is now */
    char *redirects[REDIRECTS_MOST]; /* where it was sent to, in order; owned */
    size_t redirect_count;
    bool body_only, same_host, post;
    struct curl_slist *headers;
    struct buffer sent;
};

/* Everything from a descriptor, bounded. */
static void read_all(int fd, struct buffer *buffer, const char *what)
{
    ssize_t got = -1;
    do {
        if (buffer_reserve(buffer, 4096) < 0)
            die(errno == EMSGSIZE ? EXIT_USAGE : EXIT_SYSTEM, "read %s: %s", what, strerror(errno));
        got = read(fd, buffer->data + buffer->length, 4096);
        if (got > 0)
            buffer->length += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0)
        die(EXIT_SYSTEM, "read %s: %s", what, strerror(errno));
    buffer->data[buffer->length] = '\0';
}

static void add_header(struct fetch *fetch, const char *line)
{
    struct curl_slist *longer = curl_slist_append(fetch->headers, line);
    if (longer == NULL)
        die(EXIT_SYSTEM, "out of memory");
    fetch->headers = longer;
}

/* Secrets come this way, since a command line can be seen by everybody. */
static void read_headers(struct fetch *fetch, int fd)
{
    struct buffer text;
    char *state = NULL;
    buffer_init(&text, HEADERS_MOST);
    read_all(fd, &text, "headers");
    if (memchr(text.data, '\0', text.length) != NULL)
        die_usage("--header-fd: the headers hold a NUL");
    for (char *line = text.length > 0 ? strtok_r(text.data, "\r\n", &state) : NULL; line != NULL;
         line = strtok_r(NULL, "\r\n", &state))
        add_header(fetch, line);
    explicit_bzero(text.data, text.length);
    buffer_release(&text);
}

static void prepare_headers(struct fetch *fetch)
{
    if (!fetch->post) {
        add_header(fetch, "Accept: text/markdown, text/html;q=0.9, application/xhtml+xml;q=0.9, "
                          "text/plain;q=0.8, application/json;q=0.8, text/*;q=0.7, */*;q=0.1");
        return;
    }
    add_header(fetch, "Content-Type: application/json");
    add_header(fetch, "Accept: application/json");
    add_header(fetch, "Expect:");
}

static noreturn void fail(const struct fetch *fetch, enum exit_code code, const char *reason)
{
    const char *method = fetch->post ? "POST" : "GET";
    if (fetch->redirect_count > 0)
        die(code, "%s %s: redirected to %s: %s", method, fetch->first.text,
            fetch->redirects[fetch->redirect_count - 1], reason);
    die(code, "%s %s: %s", method, fetch->first.text, reason);
}

/* A URL from outside; another scheme is named as the reason even where the rest is odd, too. */
static int parse_url(struct url *url, const char *text, struct error *error)
{
    if (strncasecmp(text, "http://", 7) != 0 && strncasecmp(text, "https://", 8) != 0) {
        *url = (struct url){0};
        return error_set(error, "only http:// and https:// are fetched");
    }
    return url_parse(url, text, error);
}

static const char *plain_host(const char *host)
{
    return strncmp(host, "www.", 4) == 0 ? host + 4 : host;
}

static void run_transfer(struct fetch *fetch, int64_t deadline, size_t most)
{
    struct transfer *transfer = &fetch->transfer;
    struct error error;
    transfer_init(transfer, &fetch->rules);
    transfer->url = &fetch->url;
    transfer->deadline = deadline;
    transfer->most = most;
    transfer->headers = fetch->headers;
    transfer->post = fetch->post ? &fetch->sent : NULL;
    if (rules_check_url(&fetch->rules, &fetch->url, &error) < 0)
        fail(fetch, EXIT_FAILED, error.text);
    if (transfer_run(transfer, &error) < 0)
        fail(fetch, transfer->code, error.text);
}

/* Go where the answer sends us. False: it stays ours to tell. */
static bool follow(struct fetch *fetch, size_t most)
{
    struct url next;
    struct error error;
    const char *location = fetch->transfer.location;
    bool parsed = parse_url(&next, location, &error) == 0;
    if (fetch->post || (fetch->same_host && parsed &&
                           strcmp(plain_host(next.host), plain_host(fetch->url.host)) != 0)) {
        if (parsed)
            url_release(&next);
        return false;
    }
    if (fetch->redirect_count == most)
        die(EXIT_FAILED, "GET %s: more than %zu redirects, the last one to %s", fetch->first.text,
            most, location);
    fetch->redirects[fetch->redirect_count] = strdup(location);
    if (fetch->redirects[fetch->redirect_count++] == NULL)
        die(EXIT_SYSTEM, "out of memory");
    if (!parsed)
        fail(fetch, EXIT_FAILED, error.text);
    if (fetch->url.text != fetch->first.text)
        url_release(&fetch->url);
    fetch->url = next;
    transfer_release(&fetch->transfer);
    return true;
}

static int add_redirects(const struct fetch *fetch, cJSON *line)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; list != NULL && i < fetch->redirect_count; i++) {
        cJSON *item = cJSON_CreateString(fetch->redirects[i]);
        if (item == NULL || !cJSON_AddItemToArray(list, item)) {
            cJSON_Delete(item);
            cJSON_Delete(list);
            return -1;
        }
    }
    return list == NULL ? -1 : json_add(line, "redirects", list);
}

static int describe(const struct fetch *fetch, size_t bytes, struct buffer *text)
{
    const struct transfer *transfer = &fetch->transfer;
    cJSON *line = cJSON_CreateObject();
    int failed = line == NULL || json_add_string(line, "type", "fetched") < 0 ||
                 json_add_string(line, "url", fetch->first.text) < 0 ||
                 json_add_string(line, "final_url", fetch->url.text) < 0 ||
                 json_add_integer(line, "status", transfer->status) < 0 ||
                 json_add_string(line, "content_type", transfer->content_type) < 0 ||
                 json_add_integer(line, "bytes", (int64_t)bytes) < 0 ||
                 json_add_boolean(line, "truncated", transfer->truncated) < 0 ||
                 add_redirects(fetch, line) < 0 ||
                 (transfer_redirects(transfer) &&
                     json_add_string(line, "location", transfer->location) < 0) ||
                 json_append(text, line) < 0 || buffer_append_byte(text, '\n') < 0;
    json_free(line);
    return failed ? -1 : 0;
}

static void print(const struct fetch *fetch)
{
    struct buffer text, line, visible;
    struct error error;
    buffer_init(&text, (fetch->transfer.most + 1) * UTF8_MAXIMUM);
    buffer_init(&line, LINE_MOST);
    if (content_decode(&text, &fetch->transfer.body, fetch->transfer.content_type, &error) < 0)
        fail(fetch, EXIT_FAILED, error.text);
    if (!fetch->body_only) {
        if (describe(fetch, text.length, &line) < 0)
            die(EXIT_SYSTEM, "out of memory");
        fwrite(line.data, 1, line.length, stdout);
    }
    if (isatty(STDOUT_FILENO)) { /* a page must not move a terminal */
        buffer_init(&visible, text.maximum * UTF8_MAXIMUM);
        if (utf8_append_visible(&visible, text.data, text.length, true) < 0)
            die(EXIT_SYSTEM, "out of memory");
        buffer_release(&text);
        text = visible;
    }
    fwrite(text.data, 1, text.length, stdout);
    buffer_release(&text);
    buffer_release(&line);
}

static int fetch_all(struct fetch *fetch, const struct config *config)
{
    int64_t deadline =
        clock_monotonic_ms() + (int64_t)(config_number(config, "web.timeout") * 1000);
    size_t most = (size_t)config_integer(config, "web.max_bytes");
    size_t redirects = (size_t)config_integer(config, "web.max_redirects");
    do {
        run_transfer(fetch, deadline, most);
    } while (transfer_redirects(&fetch->transfer) && follow(fetch, redirects));
    print(fetch);
    long status = fetch->transfer.status;
    if (status >= 200 && status < 300)
        return EXIT_DONE;
    warn("%s %s: the server answered with status %ld", fetch->post ? "POST" : "GET",
        fetch->url.text, status);
    return EXIT_FAILED;
}

int main(int argc, char **argv)
{
    static struct settings settings;
    static struct fetch fetch;
    struct error error;
    struct program program = {
        .name = "ts-fetch",
        .synopsis = "[options] URL",
        .purpose = "gets a text from the web, from public addresses only",
        .options = options,
        .shared_options = config_options(CONFIG_FOR_WEB),
    };
    const char *value;
    int option, header_fd = -1;
    bool trusted = false;
    program_start(&program, argc, argv);
    while ((option = program_option(&value)) != OPTION_END) {
        if (settings_take(&settings, option, value))
            continue;
        fetch.body_only = fetch.body_only || option == 'b';
        fetch.same_host = fetch.same_host || option == OPTION_SAME_HOST;
        fetch.post = fetch.post || option == OPTION_POST;
        trusted = trusted || option == OPTION_TRUSTED;
        if (option == OPTION_HEADER_FD)
            header_fd = (int)program_integer("header-fd", value, 3, 1 << 20);
    }
    argv += program_operand();
    if (argv[0] == NULL || argv[1] != NULL)
        die_usage("one URL is needed");
    struct config *config = settings_load(&settings);
    if (rules_init(&fetch.rules, config, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
    fetch.rules.trusted = trusted;
    if (parse_url(&fetch.first, argv[0], &error) < 0)
        die(EXIT_FAILED, "'%s' cannot be fetched: %s", argv[0], error.text);
    fetch.url = fetch.first;
    prepare_headers(&fetch);
    if (header_fd >= 0)
        read_headers(&fetch, header_fd);
    buffer_init(&fetch.sent, POST_MOST);
    if (fetch.post)
        read_all(STDIN_FILENO, &fetch.sent, "what to send");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        die(EXIT_SYSTEM, "libcurl cannot be initialised");
    int code = fetch_all(&fetch, config);
    transfer_release(&fetch.transfer);
    /* A look-up may still hang in a thread of libcurl: nothing is waited for. */
    program_exit(code);
}
