#include "log.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "common/program.h"
#include "data/json.h"
#include "request.h"

#include <errno.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <unistd.h>

enum { LINE_MOST = 256 << 20 }; /* a body of 64 MiB, escaped */

static int descriptor = -1;

int log_open(const char *path, struct error *error)
{
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return descriptor < 0 ? error_system(error, "open '%s'", path) : 0;
}

/* One write, so that a reader sees whole lines. */
static void put_line(struct buffer *line)
{
    if (buffer_append_byte(line, '\n') < 0)
        return;
    size_t written = 0;
    while (written < line->length) {
        ssize_t count = write(descriptor, line->data + written, line->length - written);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            warn("write the request log: %s", strerror(errno));
            close(descriptor);
            descriptor = -1;
            return;
        }
        written += (size_t)count;
    }
}

static bool is_secret(const char *name)
{
    static const char *const secret[] = {
        "authorization", "proxy-authorization", "api-key", "x-api-key", "cookie", NULL};
    for (size_t i = 0; secret[i] != NULL; i++)
        if (strcasecmp(name, secret[i]) == 0)
            return true;
    return false;
}

static int append_lower(struct buffer *line, const char *name)
{
    struct buffer lower;
    buffer_init(&lower, LINE_MOST);
    int status = 0;
    for (; *name != '\0' && status == 0; name++)
        status = buffer_append_byte(
            &lower, *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name);
    if (status == 0)
        status = json_append_string(line, lower.data, lower.length);
    buffer_release(&lower);
    return status;
}

static int append_headers(struct buffer *line, const struct evkeyvalq *headers)
{
    const struct evkeyval *header;
    bool first = true;
    if (buffer_append_text(line, ",\"headers\":{") < 0)
        return -1;
    TAILQ_FOREACH(header, headers, next)
    {
        const char *value = is_secret(header->key) ? "[hidden]" : header->value;
        if ((!first && buffer_append_byte(line, ',') < 0) || append_lower(line, header->key) < 0 ||
            buffer_append_byte(line, ':') < 0 || json_append_string(line, value, strlen(value)) < 0)
            return -1;
        first = false;
    }
    return buffer_append_byte(line, '}');
}

/* A JSON body as it came (line breaks between its tokens become spaces), another as a string. */
static int append_body(struct buffer *line, const struct request *request)
{
    if (buffer_printf(line, ",\"body_bytes\":%zu", request->raw_length) < 0)
        return -1;
    if (request->raw_length == 0)
        return 0;
    if (buffer_append_text(line, ",\"body\":") < 0)
        return -1;
    if (json_check(request->raw, request->raw_length, NULL) < 0)
        return json_append_string(line, request->raw, request->raw_length);
    size_t from = line->length;
    if (buffer_append(line, request->raw, request->raw_length) < 0)
        return -1;
    for (size_t i = from; i < line->length; i++)
        if (line->data[i] == '\n' || line->data[i] == '\r')
            line->data[i] = ' ';
    return 0;
}

void log_request(const struct request *request, const char *method, uint64_t serial,
    unsigned long rule, int status)
{
    if (descriptor < 0)
        return;
    struct buffer line;
    buffer_init(&line, LINE_MOST);
    char now[CLOCK_UTC_SIZE];
    clock_utc_now(now, sizeof now);
    int failed = buffer_printf(&line,
        "{\"type\":\"request\",\"serial\":%" PRIu64 ",\"number\":%" PRId64
        ",\"time\":\"%s\",\"method\":\"%s\",\"path\":",
        serial, request->number, now, method);
    if (failed == 0)
        failed = json_append_string(&line, request->path, strlen(request->path));
    if (failed == 0)
        failed = buffer_printf(&line, ",\"rule\":%lu,\"status\":%d", rule, status);
    if (failed == 0)
        failed = append_headers(&line, request->headers);
    if (failed == 0)
        failed = append_body(&line, request);
    if (failed == 0)
        failed = buffer_append_byte(&line, '}');
    if (failed == 0)
        put_line(&line);
    else
        warn("write the request log: %s", strerror(errno));
    buffer_release(&line);
}

void log_end(uint64_t serial, enum log_end how, int64_t body_bytes)
{
    static const char *const names[] = {
        [LOG_COMPLETE] = "complete",
        [LOG_CLIENT_CLOSED] = "client_closed",
        [LOG_DISCONNECTED] = "disconnected",
    };
    if (descriptor < 0)
        return;
    struct buffer line;
    buffer_init(&line, LINE_MOST);
    if (buffer_printf(&line,
            "{\"type\":\"end\",\"serial\":%" PRIu64 ",\"end\":\"%s\",\"body_sent\":%" PRId64 "}",
            serial, names[how], body_bytes) == 0)
        put_line(&line);
    buffer_release(&line);
}
