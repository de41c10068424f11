#include "transfer.h"

#include "base/clock.h"
#include "content.h"
#include "version.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
    HEADERS_MOST = 64 << 10, /* bytes of all header lines; servers send 1 to 8 KiB */
    CONNECT_MS = 10000,
    BODY_SLACK = 1, /* the byte that tells that there is more */
};

void transfer_init(struct transfer *transfer, const struct rules *rules)
{
    *transfer = (struct transfer){.rules = rules, .code = EXIT_FAILED};
    buffer_init(&transfer->body, 0);
}

void transfer_release(struct transfer *transfer)
{
    buffer_release(&transfer->body);
    free(transfer->location);
    transfer->location = NULL;
}

bool transfer_redirects(const struct transfer *transfer)
{
    switch (transfer->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return transfer->location != NULL;
    default:
        return false;
    }
}

/* libcurl's callbacks. */

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *where)
{
    struct transfer *transfer = context;
    struct address address;
    if (purpose != CURLSOCKTYPE_IPCXN || address_from_socket(&address, &where->addr) < 0) {
        error_set(&transfer->refusal, "the address is neither IPv4 nor IPv6");
        return CURL_SOCKET_BAD;
    }
    if (rules_check_address(transfer->rules, &address, &transfer->refusal) < 0)
        return CURL_SOCKET_BAD;
    return socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
}

/*
 * Connected, nothing sent yet. The same address at both ends is this machine
 * under its public address, where services may listen that trust it.
 */
static int before_request(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct transfer *transfer = context;
    struct address there, here;
    (void)remote_port, (void)local_port;
    if (address_parse(&there, remote) < 0 || address_parse(&here, local) < 0) {
        error_set(&transfer->refusal, "the address '%s' cannot be judged", remote);
        return CURL_PREREQFUNC_ABORT;
    }
    if (rules_check_address(transfer->rules, &there, &transfer->refusal) < 0)
        return CURL_PREREQFUNC_ABORT;
    if (!transfer->rules->trusted && address_objection(&there) == NULL &&
        address_equal(&there, &here)) {
        error_set(&transfer->refusal, "address %s is this machine's own", remote);
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->refusal.text[0] = '\0'; /* an address tried before this one was refused */
    return CURL_PREREQFUNC_OK;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    (void)bytes;
    transfer->header_bytes += size * count;
    if (transfer->header_bytes <= HEADERS_MOST)
        return size * count;
    error_set(&transfer->refusal, "the answer's headers are over %d bytes", HEADERS_MOST);
    return 0;
}

static bool is_redirect(long status)
{
    return status >= 300 && status < 400;
}

static int look_at_type(struct transfer *transfer)
{
    const char *type = NULL;
    curl_off_t length = -1;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->status);
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    snprintf(transfer->content_type, sizeof transfer->content_type, "%s", type != NULL ? type : "");
    transfer->typed = true;
    if (is_redirect(transfer->status) || content_is_text(transfer->content_type))
        return 0;
    if (length >= 0)
        return error_set(&transfer->refusal, "the content is %s (%lld bytes), no text",
            transfer->content_type, (long long)length);
    return error_set(
        &transfer->refusal, "the content is %s (of unknown size), no text", transfer->content_type);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count, room = transfer->most - transfer->body.length;
    if (!transfer->typed && look_at_type(transfer) < 0)
        return CURL_WRITEFUNC_ERROR;
    if (is_redirect(transfer->status)) {
        transfer->stopped = true; /* the headers said it all */
        return CURL_WRITEFUNC_ERROR;
    }
    if (buffer_append(&transfer->body, bytes, length < room ? length : room) < 0) {
        error_system(&transfer->refusal, "keep the body");
        transfer->code = EXIT_SYSTEM;
        return CURL_WRITEFUNC_ERROR;
    }
    if (length <= room)
        return length;
    transfer->truncated = transfer->stopped = true;
    return CURL_WRITEFUNC_ERROR;
}

/* What went wrong. */

static int explain(struct transfer *transfer, CURLcode code, struct error *error)
{
    long number = 0;
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        transfer->code = EXIT_TIMED_OUT;
        return error_set(
            error, "no complete answer in time (%zu bytes of it came)", transfer->body.length);
    case CURLE_COULDNT_RESOLVE_HOST:
        return error_set(error, "host '%s' was not found", transfer->url->host);
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
        return error_set(
            error, "cannot connect: %s", number != 0 ? strerror((int)number) : "no reason given");
    case CURLE_PEER_FAILED_VERIFICATION:
        return error_set(error, "TLS: the server's certificate is not trusted");
    case CURLE_BAD_CONTENT_ENCODING:
        return error_set(error, "the answer's compression is broken");
    case CURLE_GOT_NOTHING:
        return error_set(error, "the server closed the connection without an answer");
    case CURLE_PARTIAL_FILE:
        return error_set(error, "the connection was lost in mid-answer");
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return error_set(error, "the server does not speak HTTP");
    case CURLE_OUT_OF_MEMORY:
        transfer->code = EXIT_SYSTEM;
        return error_set(error, "out of memory");
    default:
        return error_set(error, "%s",
            transfer->error_text[0] != '\0' ? transfer->error_text : curl_easy_strerror(code));
    }
}

static int set_options(struct transfer *transfer, int64_t left)
{
    CURL *easy = transfer->easy;
    long limit = left < LONG_MAX ? (long)left : LONG_MAX;
    bool failed = curl_easy_setopt(easy, CURLOPT_URL, transfer->url->text) != CURLE_OK ||
                  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
                  curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK ||
                  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") != CURLE_OK ||
                  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) != CURLE_OK ||
                  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) != CURLE_OK ||
                  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request) != CURLE_OK ||
                  curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) != CURLE_OK ||
                  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK ||
                  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) != CURLE_OK;
    if (failed)
        return -1;
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error_text);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "turnstone/" TURNSTONE_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a look-up that hangs is left alone */
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limit);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, limit < CONNECT_MS ? limit : CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    if (transfer->post != NULL) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->post->data);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->post->length);
    }
    return 0;
}

/* Where a Location header leads from here, as an absolute URL; it may be relative. */
static char *resolve_location(const struct transfer *transfer, const char *location)
{
    char *absolute = NULL, *copy = NULL;
    CURLU *url = curl_url();
    if (url != NULL && curl_url_set(url, CURLUPART_URL, transfer->url->text, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_URL, location, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_URL, &absolute, 0) == CURLUE_OK)
        copy = strdup(absolute);
    else
        copy = strdup(location); /* what cannot be read is told, and refused, as it is */
    curl_free(absolute);
    curl_url_cleanup(url);
    return copy;
}

static int keep_location(struct transfer *transfer)
{
    struct curl_header *header;
    if (!is_redirect(transfer->status) ||
        curl_easy_header(transfer->easy, "Location", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return 0;
    transfer->location = resolve_location(transfer, header->value);
    return transfer->location != NULL ? 0 : -1;
}

static int perform(struct transfer *transfer, struct error *error)
{
    CURLcode code = curl_easy_perform(transfer->easy);
    if (transfer->refusal.text[0] != '\0' && code != CURLE_OK)
        return error_set(error, "%s", transfer->refusal.text);
    if (code != CURLE_OK && !transfer->stopped)
        return explain(transfer, code, error);
    if (!transfer->typed && look_at_type(transfer) < 0)
        return error_set(error, "%s", transfer->refusal.text);
    return keep_location(transfer) < 0 ? error_set(error, "out of memory") : 0;
}

int transfer_run(struct transfer *transfer, struct error *error)
{
    int64_t left = transfer->deadline - clock_monotonic_ms();
    transfer->body.maximum = transfer->most + BODY_SLACK;
    if (left <= 0) {
        transfer->code = EXIT_TIMED_OUT;
        return error_set(error, "no complete answer in time");
    }
    transfer->easy = curl_easy_init();
    int result = transfer->easy == NULL || set_options(transfer, left) < 0
                     ? error_set(error, "libcurl refuses the request")
                     : perform(transfer, error);
    curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
    return result;
}
