#include "record.h"

#include "client.h"
#include "common/program.h"
#include "curl_loop.h"
#include "record_rule.h"
#include "request.h"

#include "base/buffer.h"

#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

enum {
    CONNECT_TIMEOUT_MS = 30000,
    URL_LIMIT = 8192,        /* bytes */
    HEADER_LIMIT = 64 << 10, /* bytes of one header line */
    BODY_LIMIT = 64 << 20,   /* bytes of a request */
};

struct recorder {
    struct event_base *base;
    struct recorder_options options;
    size_t url_length; /* without slashes at its end */
    struct curl_loop *loop;
    struct exchange *first;
    bool listed_models; /* a rule for /models is written */
};

/* One request under way. It ends when both sides have. */
struct exchange {
    struct recorder *recorder;
    struct exchange *next;
    struct exchange **link;
    struct client client;
    struct event *later; /* to leave libcurl's or evhttp's callback before anything is freed */
    CURL *transfer;
    struct curl_slist *headers;
    struct buffer body;
    struct recorded_rule rule;
    char reason[CURL_ERROR_SIZE];
    bool counted;
    bool begun;       /* the client has the status */
    bool paused;      /* the transfer, until the client has read */
    bool finished;    /* the transfer */
    bool broken;      /* it ended before its body did */
    bool client_over; /* nothing more can be sent to the client */
};

static void exchange_free(struct exchange *exchange)
{
    struct recorder *recorder = exchange->recorder;
    *exchange->link = exchange->next;
    if (exchange->next != NULL)
        exchange->next->link = exchange->link;
    if (exchange->transfer != NULL) {
        if (!exchange->finished)
            curl_loop_remove(recorder->loop, exchange->transfer);
        curl_easy_cleanup(exchange->transfer);
    }
    curl_slist_free_all(exchange->headers);
    buffer_release(&exchange->body);
    recorded_rule_release(&exchange->rule);
    if (exchange->later != NULL)
        event_free(exchange->later);
    bool counted = exchange->counted;
    free(exchange);
    recorder->options.ended(recorder->options.context, counted);
}

static void soon(struct exchange *exchange)
{
    static const struct timeval now = {0};
    evtimer_add(exchange->later, &now);
}

/* From the backend to the client. */

static void begin_answer(struct exchange *exchange)
{
    struct recorded_rule *rule = &exchange->rule;
    struct curl_header *retry;
    long status = 502;
    char *type = NULL;
    curl_easy_getinfo(exchange->transfer, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(exchange->transfer, CURLINFO_CONTENT_TYPE, &type);
    rule->status = status;
    snprintf(rule->content_type, sizeof rule->content_type, "%s", type == NULL ? "" : type);
    if (curl_easy_header(exchange->transfer, "Retry-After", 0, CURLH_HEADER, -1, &retry) ==
        CURLHE_OK) {
        snprintf(rule->retry_after, sizeof rule->retry_after, "%s", retry->value);
        client_header(&exchange->client, "Retry-After", rule->retry_after);
    }
    if (type != NULL)
        client_header(&exchange->client, "Content-Type", rule->content_type);
    client_header(&exchange->client, "Cache-Control", "no-cache");
    client_begin(&exchange->client, (int)status);
    exchange->begun = true;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    size_t length = size * count;
    if (exchange->client_over)
        return CURL_WRITEFUNC_ERROR;
    if (client_unsent(&exchange->client) >= CLIENT_OUTPUT_LIMIT) {
        exchange->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!exchange->begun)
        begin_answer(exchange);
    if (recorded_rule_add(&exchange->rule, bytes, length) < 0)
        return CURL_WRITEFUNC_ERROR;
    client_send(&exchange->client, bytes, length);
    return length;
}

static void on_written(void *context)
{
    struct exchange *exchange = context;
    if (exchange->paused) {
        exchange->paused = false;
        curl_easy_pause(exchange->transfer, CURLPAUSE_CONT);
    }
}

static void on_client_over(void *context)
{
    struct exchange *exchange = context;
    exchange->client_over = true;
    soon(exchange);
}

static void write_rule(struct exchange *exchange)
{
    struct recorder *recorder = exchange->recorder;
    struct error error;
    bool models = strcmp(exchange->rule.path, "/models") == 0;
    if (exchange->rule.number == 0 && (!models || recorder->listed_models))
        return;
    recorder->listed_models = recorder->listed_models || models;
    exchange->rule.broken = exchange->broken;
    if (recorded_rule_write(&exchange->rule, recorder->options.fd, &error) < 0)
        warn("record: %s", error.text);
}

static void on_transfer_done(CURL *transfer, CURLcode result)
{
    struct exchange *exchange = NULL;
    curl_easy_getinfo(transfer, CURLINFO_PRIVATE, (char **)(void *)&exchange);
    exchange->finished = true;
    exchange->broken = result != CURLE_OK;
    if (exchange->client_over) {
        soon(exchange);
        return;
    }
    if (exchange->broken)
        warn("%s: %s", exchange->rule.path,
            *exchange->reason != '\0' ? exchange->reason : curl_easy_strerror(result));
    if (exchange->broken && !exchange->begun) {
        static const char message[] =
            "{\"error\":{\"message\":\"the backend did not answer\",\"type\":\"server_error\"}}";
        client_header(&exchange->client, "Content-Type", "application/json");
        client_send_all(&exchange->client, 502, message, sizeof message - 1);
        return;
    }
    if (!exchange->begun)
        begin_answer(exchange);
    write_rule(exchange);
    if (!exchange->broken)
        client_finish(&exchange->client);
    else
        soon(exchange);
}

static void on_later(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    static const struct timeval shortly = {0, 5000};
    struct exchange *exchange = context;
    if (!exchange->client_over && client_unsent(&exchange->client) > 0) {
        evtimer_add(exchange->later, &shortly); /* what came before the break has not left yet */
        return;
    }
    if (!exchange->client_over)
        client_kill(&exchange->client, false);
    else if (!exchange->finished)
        warn("%s: the client left; this answer is not recorded", exchange->rule.path);
    exchange_free(exchange);
}

/* From the client to the backend. */

/* Headers that are about one hop, or that libcurl makes itself. */
static bool is_passed_on(const char *name)
{
    static const char *const ours[] = {"host", "connection", "content-length", "transfer-encoding",
        "accept-encoding", "expect", "keep-alive", "te", "trailer", "upgrade",
        "proxy-authorization", "proxy-connection", NULL};
    for (size_t i = 0; ours[i] != NULL; i++)
        if (strcasecmp(name, ours[i]) == 0)
            return false;
    return true;
}

static int add_header(struct exchange *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);
    if (longer == NULL)
        return -1;
    exchange->headers = longer;
    return 0;
}

static int pass_headers_on(struct exchange *exchange, const struct evkeyvalq *headers)
{
    const struct evkeyval *header;
    if (add_header(exchange, "Expect:") < 0)
        return -1;
    TAILQ_FOREACH(header, headers, next)
    {
        if (!is_passed_on(header->key))
            continue;
        struct buffer line;
        buffer_init(&line, HEADER_LIMIT);
        int status = buffer_printf(&line, "%s: %s", header->key, header->value);
        if (status == 0)
            status = add_header(exchange, line.data);
        buffer_release(&line);
        if (status < 0)
            return -1;
    }
    return 0;
}

static int set_up_transfer(struct exchange *exchange, bool post)
{
    CURL *transfer = curl_easy_init();
    exchange->transfer = transfer;
    struct buffer url;
    buffer_init(&url, URL_LIMIT);
    if (transfer == NULL || buffer_printf(&url, "%.*s%s", (int)exchange->recorder->url_length,
                                exchange->recorder->options.url, exchange->rule.path) < 0) {
        buffer_release(&url);
        return -1;
    }
    curl_easy_setopt(transfer, CURLOPT_URL, url.data);
    buffer_release(&url);
    curl_easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(transfer, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(transfer, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(transfer, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(transfer, CURLOPT_ERRORBUFFER, exchange->reason);
    curl_easy_setopt(transfer, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(transfer, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(transfer, CURLOPT_WRITEDATA, exchange);
    if (post) {
        curl_easy_setopt(transfer, CURLOPT_POSTFIELDS, exchange->body.data);
        curl_easy_setopt(transfer, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body.length);
    }
    return curl_loop_add(exchange->recorder->loop, transfer);
}

static struct exchange *exchange_new(struct recorder *recorder, const struct request *request)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    exchange->recorder = recorder;
    exchange->link = &recorder->first;
    exchange->next = recorder->first;
    if (exchange->next != NULL)
        exchange->next->link = &exchange->next;
    recorder->first = exchange;
    buffer_init(&exchange->body, BODY_LIMIT);
    recorded_rule_init(&exchange->rule, request->number, request->path);
    exchange->counted = request->number > 0;
    exchange->finished = true; /* until the transfer is added */
    exchange->later = evtimer_new(recorder->base, on_later, exchange);
    if (exchange->later == NULL ||
        buffer_append(&exchange->body, request->raw, request->raw_length) < 0 ||
        pass_headers_on(exchange, request->headers) < 0) {
        exchange_free(exchange);
        return NULL;
    }
    return exchange;
}

static const struct client_events events = {.written = on_written, .over = on_client_over};

void recorder_forward(struct recorder *recorder, struct evhttp_request *http_request,
    const struct request *request, bool post, uint64_t serial)
{
    struct exchange *exchange = exchange_new(recorder, request);
    if (exchange == NULL || set_up_transfer(exchange, post) < 0) {
        if (exchange != NULL)
            exchange_free(exchange);
        evhttp_send_error(http_request, 500, "out of memory");
        return;
    }
    exchange->finished = false;
    if (client_open(&exchange->client, http_request, serial, &events, exchange) < 0)
        exchange_free(exchange);
}

size_t recorder_running(const struct recorder *recorder)
{
    size_t count = 0;
    for (const struct exchange *it = recorder->first; it != NULL; it = it->next)
        count++;
    return count;
}

void recorder_abort(struct recorder *recorder)
{
    while (recorder->first != NULL) {
        if (!recorder->first->client_over)
            client_kill(&recorder->first->client, false);
        exchange_free(recorder->first);
    }
}

struct recorder *recorder_new(
    struct event_base *base, const struct recorder_options *options, struct error *error)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (recorder != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        recorder->base = base;
        recorder->options = *options;
        recorder->url_length = strlen(options->url);
        while (recorder->url_length > 0 && options->url[recorder->url_length - 1] == '/')
            recorder->url_length--;
        recorder->loop = curl_loop_new(base, on_transfer_done);
        if (recorder->loop != NULL)
            return recorder;
    }
    free(recorder);
    error_set(error, "prepare to record: out of memory");
    return NULL;
}

void recorder_free(struct recorder *recorder)
{
    if (recorder == NULL)
        return;
    curl_loop_free(recorder->loop);
    curl_global_cleanup();
    free(recorder);
}
