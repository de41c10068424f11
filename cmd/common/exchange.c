#include "common/exchange.h"

#include "base/clock.h"
#include "version.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RECEIVE_BUFFER = 64 << 10, /* bytes handed over at once: a burst of deltas in one wake-up */
    WARM_CONNECTIONS = 16,
    KEY_HEADER_SIZE = 8 << 10,
    ACCEPT_SIZE = 128,
    HEADERS_MOST = 64 << 10, /* bytes of an answer's head; servers send 1 to 8 KiB */
};

/* libcurl's sockets and timer in our loop. */

struct watched_socket {
    struct exchange_pool *pool;
    curl_socket_t fd;
};

static void finish(struct exchange *exchange, CURLcode code);

static void collect_finished(struct exchange_pool *pool)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(pool->multi, &left)) != NULL) {
        struct exchange *exchange = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        finish(exchange, code);
    }
}

static void socket_ready(void *context, short events)
{
    struct watched_socket *watched = context;
    struct exchange_pool *pool = watched->pool;
    int mask = 0, running;
    if ((events & (POLLIN | POLLHUP)) != 0)
        mask |= CURL_CSELECT_IN;
    if ((events & POLLOUT) != 0)
        mask |= CURL_CSELECT_OUT;
    if ((events & (POLLERR | POLLNVAL)) != 0)
        mask |= CURL_CSELECT_ERR;
    curl_multi_socket_action(pool->multi, watched->fd, mask, &running);
    collect_finished(pool);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *assigned)
{
    struct exchange_pool *pool = context;
    struct watched_socket *watched = assigned;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        loop_unwatch(pool->loop, fd);
        free(watched);
        return 0;
    }
    if (watched == NULL) {
        watched = malloc(sizeof *watched);
        if (watched == NULL)
            return -1;
        *watched = (struct watched_socket){pool, fd};
        curl_multi_assign(pool->multi, fd, watched);
    }
    short events = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= POLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= POLLOUT;
    return loop_watch(pool->loop, fd, events, socket_ready, watched);
}

static int on_timer(CURLM *multi, long wait_ms, void *context)
{
    struct exchange_pool *pool = context;
    (void)multi;
    if (wait_ms < 0)
        loop_timer_cancel(pool->loop, &pool->timer);
    else
        loop_timer_set(pool->loop, &pool->timer, clock_monotonic_ms() + wait_ms);
    return 0;
}

static void timer_fired(void *context)
{
    struct exchange_pool *pool = context;
    int running;
    curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect_finished(pool);
}

int exchange_pool_init(struct exchange_pool *pool, struct loop *loop, struct error *error)
{
    *pool = (struct exchange_pool){.loop = loop};
    pool->timer = (struct loop_timer){.call = timer_fired, .context = pool};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(error, "libcurl cannot be initialised");
    pool->multi = curl_multi_init();
    if (pool->multi == NULL)
        return error_set(error, "out of memory");
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long)WARM_CONNECTIONS);
    return 0;
}

void exchange_pool_release(struct exchange_pool *pool)
{
    if (pool->multi == NULL)
        return;
    curl_multi_cleanup(pool->multi);
    loop_timer_cancel(pool->loop, &pool->timer);
    curl_global_cleanup();
    pool->multi = NULL;
}

/* What went wrong, in plain words. */

static double seconds(int64_t ms)
{
    return (double)ms / 1000.0;
}

static void explain_connect(struct failure *failure, const struct exchange *exchange)
{
    long number = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &number);
    const char *reason = number != 0 ? strerror((int)number) : "cannot connect";
    failure_set(failure, FAILURE_CONNECT, "%s", reason);
    if (failure->text[0] >= 'A' && failure->text[0] <= 'Z')
        failure->text[0] = (char)(failure->text[0] - 'A' + 'a');
}

/* Errors that need no look at the exchange. */
static const struct {
    CURLcode code;
    enum failure_class class;
    const char *text;
} causes[] = {
    {CURLE_COULDNT_RESOLVE_HOST, FAILURE_CONNECT, "host not found"},
    {CURLE_COULDNT_RESOLVE_PROXY, FAILURE_CONNECT, "proxy host not found"},
    {CURLE_PROXY, FAILURE_CONNECT, "the proxy refused the connection"},
    {CURLE_URL_MALFORMAT, FAILURE_CONFIG, "this is no usable URL"},
    {CURLE_UNSUPPORTED_PROTOCOL, FAILURE_CONFIG, "not an http or https URL"},
    {CURLE_WEIRD_SERVER_REPLY, FAILURE_PROTOCOL, "the server does not speak HTTP"},
    {CURLE_SSL_CONNECT_ERROR, FAILURE_CONNECT, "TLS: the handshake failed"},
    {CURLE_PEER_FAILED_VERIFICATION, FAILURE_CONNECT,
        "TLS: the server's certificate is not trusted (see ca_file, verify_tls)"},
    {CURLE_SSL_CACERT_BADFILE, FAILURE_CONFIG, "TLS: ca_file cannot be read"},
    {CURLE_OUT_OF_MEMORY, FAILURE_PROTOCOL, "out of memory"},
};

static void explain_lost(struct failure *failure, const struct exchange *exchange, CURLcode code)
{
    if (exchange->status != 0)
        failure_set(failure, FAILURE_INTERRUPTED, "the connection was lost in mid-answer");
    else if (code == CURLE_GOT_NOTHING)
        failure_set(failure, FAILURE_CONNECT, "the server closed the connection without an answer");
    else
        failure_set(failure, FAILURE_CONNECT, "the connection was lost before an answer came");
}

static void explain(struct failure *failure, const struct exchange *exchange, CURLcode code)
{
    if (exchange->header_bytes > HEADERS_MOST) {
        failure_set(failure, FAILURE_PROTOCOL, "the head of the answer is longer than %d bytes",
            HEADERS_MOST);
        return;
    }
    /* curl's name for an answer without a status line, too. */
    if (code == CURLE_UNSUPPORTED_PROTOCOL && exchange->connected)
        code = CURLE_WEIRD_SERVER_REPLY;
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (causes[i].code != code)
            continue;
        failure_set(failure, causes[i].class, "%s", causes[i].text);
        if (code == CURLE_PEER_FAILED_VERIFICATION)
            failure->again = false;
        return;
    }
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        explain_connect(failure, exchange);
        return;
    case CURLE_OPERATION_TIMEDOUT:
        failure_set(failure, FAILURE_TIMEOUT, "connecting timed out after %g s",
            seconds(exchange->connect_ms));
        return;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        explain_lost(failure, exchange, code);
        return;
    default:
        failure_set(failure, exchange->status != 0 ? FAILURE_INTERRUPTED : FAILURE_CONNECT,
            "transfer failed: %s", curl_easy_strerror(code));
    }
}

/* One exchange. */

static void arm(struct exchange *exchange, int64_t wait_ms)
{
    if (wait_ms > 0 && !exchange->waiting)
        loop_timer_set(exchange->pool->loop, &exchange->timer, clock_monotonic_ms() + wait_ms);
    else
        loop_timer_cancel(exchange->pool->loop, &exchange->timer);
}

static void read_head(struct exchange *exchange)
{
    long status = 0;
    const char *type = NULL;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_TYPE, &type);
    exchange->status = (int)status;
    snprintf(exchange->content_type, sizeof exchange->content_type, "%s", type != NULL ? type : "");
    if (exchange->head != NULL)
        exchange->head(exchange->context);
}

const char *exchange_header(const struct exchange *exchange, const char *name)
{
    struct curl_header *header;
    if (exchange->easy == NULL ||
        curl_easy_header(exchange->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

/* Seconds, perhaps with a fraction, or a date. -1: neither. */
static int64_t wait_from(const char *value)
{
    if (isdigit((unsigned char)value[0])) {
        char *end;
        long long wait_s = strtoll(value, &end, 10);
        if (*end == '.' && wait_s < INT32_MAX)
            wait_s++;
        return (wait_s < INT32_MAX ? wait_s : INT32_MAX) * 1000;
    }
    time_t then = curl_getdate(value, NULL);
    if (then == -1)
        return -1;
    time_t now = time(NULL);
    return then > now ? (int64_t)(then - now) * 1000 : 0;
}

static int64_t asked_wait(CURL *easy)
{
    struct curl_header *header;
    if (curl_easy_header(easy, "retry-after-ms", 0, CURLH_HEADER, -1, &header) == CURLHE_OK) {
        char *end;
        long long wait_ms = strtoll(header->value, &end, 10);
        if (end != header->value && wait_ms >= 0)
            return wait_ms;
    }
    if (curl_easy_header(easy, "retry-after", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return -1;
    return wait_from(header->value);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    (void)bytes;
    exchange->header_bytes += size * count;
    return exchange->header_bytes <= HEADERS_MOST ? size * count : 0;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    size_t length = size * count;
    if (exchange->status == 0)
        read_head(exchange);
    switch (exchange->bytes(exchange->context, bytes, length)) {
    case EXCHANGE_STOP:
        exchange->stopped = true;
        return CURL_WRITEFUNC_ERROR;
    case EXCHANGE_WAIT:
        exchange->waiting = true;
        arm(exchange, 0);
        return CURL_WRITEFUNC_PAUSE;
    case EXCHANGE_GO_ON:
        break;
    }
    arm(exchange, exchange->idle_ms);
    return length;
}

/* The connection stands, the request is about to leave. */
static int on_connected(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct exchange *exchange = context;
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    exchange->connected = true;
    arm(exchange, exchange->first_byte_ms);
    return CURL_PREREQFUNC_OK;
}

static void stop_transfer(struct exchange *exchange)
{
    loop_timer_cancel(exchange->pool->loop, &exchange->timer);
    if (exchange->easy != NULL) {
        curl_multi_remove_handle(exchange->pool->multi, exchange->easy);
        curl_easy_cleanup(exchange->easy);
        exchange->easy = NULL;
    }
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
}

/* The exchange is not touched behind the call: its owner may have released it. */
static void finish(struct exchange *exchange, CURLcode code)
{
    struct failure failure;
    bool failed = code != CURLE_OK && !exchange->stopped;
    if (exchange->status == 0)
        read_head(exchange);
    exchange->retry_after_ms = asked_wait(exchange->easy);
    if (failed)
        explain(&failure, exchange, code);
    stop_transfer(exchange);
    exchange->ended(exchange->context, failed ? &failure : NULL);
}

static void timed_out(void *context)
{
    struct exchange *exchange = context;
    struct failure failure;
    bool silent = exchange->status == 0; /* no byte of the body has come */
    if (silent)
        read_head(exchange);
    if (silent)
        failure_set(
            &failure, FAILURE_TIMEOUT, "no answer within %g s", seconds(exchange->first_byte_ms));
    else
        failure_set(&failure, FAILURE_TIMEOUT, "no data for %g s", seconds(exchange->idle_ms));
    exchange->retry_after_ms = -1;
    stop_transfer(exchange);
    exchange->ended(exchange->context, &failure);
}

void exchange_init(struct exchange *exchange, struct exchange_pool *pool, exchange_bytes *bytes,
    exchange_ended *ended, void *context)
{
    *exchange = (struct exchange){
        .pool = pool, .bytes = bytes, .ended = ended, .context = context, .retry_after_ms = -1};
    exchange->timer = (struct loop_timer){.call = timed_out, .context = exchange};
}

static int add_header(struct exchange *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);
    if (longer == NULL)
        return -1;
    exchange->headers = longer;
    return 0;
}

static int add_headers(struct exchange *exchange, const struct exchange_request *request)
{
    char accept[ACCEPT_SIZE];
    snprintf(accept, sizeof accept, "Accept: %s",
        request->accept != NULL ? request->accept : "text/event-stream, application/json");
    if (add_header(exchange, accept) < 0)
        return -1;
    for (const char *const *line = request->headers; line != NULL && *line != NULL; line++) {
        if (add_header(exchange, *line) < 0)
            return -1;
    }
    if (request->body != NULL && (add_header(exchange, "Content-Type: application/json") < 0 ||
                                     add_header(exchange, "Expect:") < 0))
        return -1;
    if (request->key == NULL)
        return 0;
    char line[KEY_HEADER_SIZE];
    int length = snprintf(line, sizeof line, "Authorization: Bearer %s", request->key);
    int result = length > 0 && (size_t)length < sizeof line ? add_header(exchange, line) : -1;
    explicit_bzero(line, sizeof line);
    return result;
}

static int set_address(CURL *easy, const struct exchange_request *request)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, request->url);
    if (code == CURLE_OK && request->unix_socket != NULL)
        code = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
    if (code == CURLE_OK && request->ca_file != NULL)
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    if (code == CURLE_OK && request->proxy != NULL)
        code = curl_easy_setopt(easy, CURLOPT_PROXY, request->proxy);
    else if (code == CURLE_OK && request->loopback)
        code = curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, request->verify_tls ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, request->verify_tls ? 2L : 0L);
    return code == CURLE_OK ? 0 : -1;
}

static void set_behaviour(struct exchange *exchange, const struct exchange_request *request)
{
    CURL *easy = exchange->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "turnstone/" TURNSTONE_VERSION);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_ms);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
    if (request->body != NULL) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
    }
    if (request->method != NULL)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

int exchange_start(
    struct exchange *exchange, const struct exchange_request *request, struct failure *failure)
{
    exchange->status = 0;
    exchange->content_type[0] = '\0';
    exchange->retry_after_ms = -1;
    exchange->header_bytes = 0;
    exchange->connected = exchange->stopped = exchange->waiting = false;
    exchange->connect_ms = request->connect_ms;
    exchange->first_byte_ms = request->first_byte_ms;
    exchange->idle_ms = request->idle_ms;
    exchange->easy = curl_easy_init();
    if (exchange->easy == NULL || add_headers(exchange, request) < 0 ||
        set_address(exchange->easy, request) < 0) {
        failure_set(failure, FAILURE_CONFIG, "the request cannot be set up");
        stop_transfer(exchange);
        return -1;
    }
    set_behaviour(exchange, request);
    if (curl_multi_add_handle(exchange->pool->multi, exchange->easy) != CURLM_OK) {
        failure_set(failure, FAILURE_CONFIG, "out of memory");
        stop_transfer(exchange);
        return -1;
    }
    return 0;
}

void exchange_resume(struct exchange *exchange)
{
    if (exchange->easy == NULL || !exchange->waiting)
        return;
    exchange->waiting = false;
    arm(exchange, exchange->idle_ms);
    curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
}

void exchange_set_idle(struct exchange *exchange, int64_t idle_ms)
{
    exchange->idle_ms = idle_ms;
    if (exchange->easy != NULL)
        arm(exchange, idle_ms);
}

void exchange_cancel(struct exchange *exchange)
{
    stop_transfer(exchange);
}
