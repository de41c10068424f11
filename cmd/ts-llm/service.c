#include "ts-llm/service.h"

#include "common/program.h"
#include "data/json.h"
#include "ts-llm/call.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void service_put(struct service *service, const char *line, size_t length)
{
    if (line_writer_put(&service->output, line, length) < 0)
        die(EXIT_SYSTEM, "queue a line of output: %s", strerror(errno));
}

static size_t queued(const struct service *service)
{
    return service->output.queue.length - service->output.sent;
}

bool service_full(struct service *service)
{
    if (queued(service) < SERVICE_OUTPUT_HIGH)
        return false;
    service->holding = true;
    return true;
}

/* Input. */

static void refuse_line(struct service *service, const char *reason)
{
    char text[ERROR_TEXT_SIZE + 64];
    struct buffer line;
    service->accepted++;
    service->failed++;
    snprintf(text, sizeof text, "ts-llm: line %lu: %s", service->input.number, reason);
    buffer_init(&line, sizeof text * 8);
    if (buffer_append_text(&line, "{\"type\":\"error\",\"class\":\"bad_request\","
                                  "\"retryable\":false,\"message\":") == 0 &&
        json_append_string(&line, text, strlen(text)) == 0 && buffer_append_byte(&line, '}') == 0)
        service_put(service, line.data, line.length);
    buffer_release(&line);
}

static void take_line(struct service *service, const char *line, size_t length)
{
    struct error error;
    if (strspn(line, " \t\r") == length)
        return;
    cJSON *tree = json_parse_object(line, length, &error);
    if (tree == NULL) {
        refuse_line(service, error.text);
        return;
    }
    const char *type = json_string(tree, "type");
    if (type != NULL && strcmp(type, "request") == 0) {
        call_request(service, tree);
    } else if (type != NULL && strcmp(type, "resolve") == 0) {
        call_resolve(service, tree);
    } else if (type != NULL && strcmp(type, "cancel") == 0) {
        call_cancel(service, json_get(tree, "id"));
        json_free(tree);
    } else {
        service_put(service, line, length);
        json_free(tree);
    }
}

static void input_ready(void *context, short events)
{
    struct service *service = context;
    char *line;
    size_t length;
    enum line_status status;
    (void)events;
    ssize_t got = line_reader_fill(&service->input);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got < 0) {
        warn("read stdin: %s", strerror(errno));
        service->input.ended = true;
    }
    while ((status = line_reader_next(&service->input, &line, &length)) != LINE_NONE) {
        if (status == LINE_TOO_LONG)
            refuse_line(service, "longer than 64 MiB");
        else
            take_line(service, line, length);
    }
    if (service->input.ended) {
        service->input_ended = true;
        loop_unwatch(service->loop, STDIN_FILENO);
    }
}

/* Output. */

static void flush(struct service *service)
{
    if (line_writer_flush(&service->output) < 0)
        die_output();
}

static void output_ready(void *context, short events)
{
    struct service *service = context;
    if ((events & (POLLERR | POLLHUP)) != 0 && service->output.kind != LINE_WRITER_FILE) {
        errno = EPIPE; /* nobody reads any more: what runs would be for nothing */
        die_output();
    }
    flush(service);
}

static void before_wait(void *context)
{
    struct service *service = context;
    flush(service);
    if (service->holding && queued(service) < SERVICE_OUTPUT_LOW) {
        service->holding = false;
        call_resume_all(service);
        flush(service);
    }
    bool waiting = line_writer_waiting(&service->output);
    if (service->input_ended && !call_any_running(service) && !waiting)
        loop_stop(service->loop);
    if (loop_watch(service->loop, STDOUT_FILENO, waiting ? POLLOUT : 0, output_ready, service) < 0)
        die(EXIT_SYSTEM, "watch stdout: out of memory");
}

/* Life. */

int service_init(struct service *service, struct config *config, struct error *error)
{
    *service = (struct service){.config = config, .loop = loop_new()};
    if (service->loop == NULL)
        return error_set(error, "out of memory");
    line_reader_init(&service->input, STDIN_FILENO, LINE_LIMIT_MODEL);
    line_writer_init(&service->output, STDOUT_FILENO);
    loop_before_wait(service->loop, before_wait, service);
    if (loop_watch(service->loop, STDIN_FILENO, POLLIN, input_ready, service) < 0)
        return error_set(error, "out of memory");
    return exchange_pool_init(&service->pool, service->loop, error);
}

int service_run(struct service *service, struct error *error)
{
    return loop_run(service->loop, error);
}

void service_release(struct service *service)
{
    call_drop_all(service);
    exchange_pool_release(&service->pool);
    models_free(service->models);
    line_reader_release(&service->input);
    line_writer_release(&service->output);
    loop_free(service->loop);
}
