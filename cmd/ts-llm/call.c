#include "ts-llm/call.h"

#include "base/clock.h"
#include "common/program.h"
#include "data/json.h"

#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_ASSUMED = 131072,    /* tokens, when neither the configuration nor the server says */
    MODELS_PATIENCE_MS = 10000, /* for a list of models; answers take longer */
    LINE_ROOM = LINE_LIMIT_MODEL,
};

/* Life. */

static char *id_text(const cJSON *id, unsigned long number)
{
    struct buffer text;
    buffer_init(&text, LINE_ROOM);
    int result = id != NULL && !cJSON_IsNull(id) ? json_append(&text, id)
                                                 : buffer_printf(&text, "%lu", number);
    char *copy = result == 0 ? buffer_take(&text) : NULL;
    buffer_release(&text);
    return copy;
}

static int make_prefix(struct buffer *prefix, const char *type, const char *id)
{
    buffer_init(prefix, LINE_ROOM);
    return buffer_printf(prefix, "{\"type\":\"%s\",\"id\":%s,\"text\":", type, id);
}

static void release(struct call *call)
{
    loop_timer_cancel(call->service->loop, &call->pause);
    exchange_cancel(&call->exchange);
    sse_release(&call->events);
    answer_release(&call->answer);
    request_body_release(&call->request);
    endpoint_release(&call->endpoint);
    buffer_release(&call->whole);
    buffer_release(&call->content_prefix);
    buffer_release(&call->reasoning_prefix);
    buffer_release(&call->out);
    json_free(call->line);
    if (call->key != NULL)
        explicit_bzero(call->key, strlen(call->key));
    free(call->key);
    free(call->id);
    free(call);
}

static void unlink_call(struct call *call)
{
    struct call **link = &call->service->calls;
    while (*link != NULL && *link != call)
        link = &(*link)->next;
    if (*link == call) {
        *link = call->next;
        call->service->call_count--;
    }
}

void call_end(struct call *call)
{
    unlink_call(call);
    release(call);
}

static void pause_over(void *context)
{
    struct call *call = context;
    call_continue(call);
}

static struct call *new_call(struct service *service, cJSON *line)
{
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL)
        die(EXIT_SYSTEM, "accept a request: out of memory");
    call->service = service;
    call->line = line;
    call->id = id_text(json_get(line, "id"), service->input.number);
    call->started_ms = clock_monotonic_ms();
    call->first_ms = -1;
    call->pause = (struct loop_timer){.call = pause_over, .context = call};
    buffer_init(&call->whole, LINE_ROOM);
    buffer_init(&call->out, LINE_ROOM);
    request_body_init(&call->request);
    exchange_init(&call->exchange, &service->pool, NULL, NULL, call);
    sse_init(&call->events, ASSEMBLY_LIMIT, NULL, call);
    answer_init(&call->answer, THINK_AUTO, call_put_text, call);
    if (call->id == NULL || make_prefix(&call->content_prefix, "content", call->id) < 0 ||
        make_prefix(&call->reasoning_prefix, "reasoning", call->id) < 0)
        die(EXIT_SYSTEM, "accept a request: out of memory");
    service->accepted++;
    service->call_count++;
    call->next = service->calls;
    service->calls = call;
    return call;
}

/* The model, its key and its address. */

static int look_up(struct call *call, struct error *error)
{
    struct service *service = call->service;
    const char *alias = json_string(call->line, "model");
    if (service->call_count > SERVICE_CALLS_MOST)
        return error_set(error, "more than %d requests at once", SERVICE_CALLS_MOST);
    if (config_model(service->config, alias, &call->model, error) < 0 ||
        config_model_key(service->config, alias, &call->key, error) < 0 ||
        endpoint_init(&call->endpoint, call->model.base_url, error) < 0)
        return -1;
    call->facts = models_facts(&service->models, call->model.alias);
    if (call->facts == NULL)
        return error_set(error, "out of memory");
    call->usage_dropped = call->facts->without_usage;
    if (call->model.unix_socket != NULL)
        call->endpoint.loopback = true;
    return 0;
}

const char *call_model_name(const struct call *call)
{
    return call->model.model != NULL ? call->model.model : call->facts->name;
}

const char *call_address(const struct call *call, char *text, size_t size)
{
    bool listing = call->phase == CALL_LISTING ||
                   (call->phase == CALL_PAUSING && call->resume_phase == CALL_LISTING);
    snprintf(text, size, "%s %s", listing ? "GET" : "POST",
        listing ? call->endpoint.models_shown : call->endpoint.chat_shown);
    return text;
}

/* Before anything was sent: nothing of the failure is the server's. */
static void refuse(struct call *call, enum failure_class class, const struct error *error)
{
    struct failure failure;
    failure_set(&failure, class, "%s", error->text);
    call_put_error(call, &failure, failure.text);
    call_end(call);
}

/* Asking for the list of models. */

static enum exchange_taken take_list(void *context, const char *bytes, size_t length)
{
    struct call *call = context;
    if (call->whole.length + length > MODELS_BODY_LIMIT)
        return EXCHANGE_STOP;
    if (buffer_append(&call->whole, bytes, length) < 0)
        return EXCHANGE_STOP;
    return EXCHANGE_GO_ON;
}

static void proceed(struct call *call)
{
    if (!call->resolving) {
        call_ask(call);
        return;
    }
    int64_t window = call->model.context_window;
    if (window <= 0)
        window = call->facts->context_window;
    if (!call->told || window > 0)
        call_put_model(call, window > 0 ? window : WINDOW_ASSUMED);
    call_end(call);
}

/* Otherwise the window is all that was wanted, and a guess will do. */
static bool list_needed(const struct call *call)
{
    return call_model_name(call) == NULL;
}

/* The name is known: nobody waits for the server to tell its window. */
static void tell_name(struct call *call)
{
    call_put_model(call, WINDOW_ASSUMED);
    call->told = true;
}

static void list_ended(void *context, const struct failure *failure)
{
    struct call *call = context;
    struct failure own;
    struct error error;
    if (failure == NULL && call->exchange.status != 200) {
        classify_response(&own, call->exchange.status, call->whole.data, call->whole.length);
        failure = &own;
    }
    if (failure == NULL) {
        long count = models_read(
            call->facts, call->model.model, call->whole.data, call->whole.length, &error);
        if (count < 0) {
            failure_set(&own, FAILURE_CONFIG, "%s", error.text);
            failure = &own;
        } else if (count > 1 && call->model.model == NULL) {
            call_put_info(call,
                "the server offers %ld models; using the first, %s (--model names "
                "another)",
                count, call->facts->name);
        }
    }
    if (failure != NULL && list_needed(call))
        call_failed(call, failure);
    else
        proceed(call);
}

void call_address_request(
    const struct call *call, const char *url, struct exchange_request *request)
{
    *request = (struct exchange_request){
        .url = url,
        .key = call->key,
        .unix_socket = call->model.unix_socket,
        .ca_file = call->model.ca_file,
        .proxy = call->model.proxy,
        .verify_tls = call->model.verify_tls,
        .loopback = call->endpoint.loopback,
        .connect_ms = (int64_t)(call->model.connect_timeout * 1000),
    };
}

static void ask_list(struct call *call)
{
    struct failure failure;
    struct exchange_request request;
    call_address_request(call, call->endpoint.models, &request);
    request.first_byte_ms = MODELS_PATIENCE_MS;
    request.idle_ms = MODELS_PATIENCE_MS;
    call->phase = CALL_LISTING;
    buffer_clear(&call->whole);
    exchange_init(&call->exchange, &call->service->pool, take_list, list_ended, call);
    if (exchange_start(&call->exchange, &request, &failure) == 0)
        return;
    if (call->told)
        call_end(call);
    else
        call_failed(call, &failure);
}

/* Lines. */

void call_continue(struct call *call)
{
    if (call->resume_phase == CALL_LISTING)
        ask_list(call);
    else
        call_ask(call);
}

static void begin(struct call *call)
{
    bool window_known = !call->resolving || call->model.context_window > 0 || call->facts->listed;
    if (call_model_name(call) != NULL && window_known) {
        proceed(call);
        return;
    }
    if (call_model_name(call) != NULL)
        tell_name(call);
    ask_list(call);
}

void call_request(struct service *service, cJSON *line)
{
    struct error error;
    struct call *call = new_call(service, line);
    if (look_up(call, &error) < 0)
        refuse(call, FAILURE_CONFIG, &error);
    else
        begin(call);
}

void call_resolve(struct service *service, cJSON *line)
{
    struct error error;
    struct call *call = new_call(service, line);
    call->resolving = true;
    if (look_up(call, &error) < 0)
        refuse(call, FAILURE_CONFIG, &error);
    else
        begin(call);
}

void call_cancel(struct service *service, const cJSON *id)
{
    char *text = id_text(id, 0);
    struct failure failure;
    struct call *next;
    failure_set(&failure, FAILURE_CANCELLED, "cancelled");
    for (struct call *call = service->calls; text != NULL && call != NULL; call = next) {
        next = call->next;
        if (call->phase == CALL_DRAINING || strcmp(call->id, text) != 0)
            continue;
        exchange_cancel(&call->exchange);
        call_put_error(call, &failure, failure.text);
        call_end(call);
    }
    free(text);
}

void call_resume_all(struct service *service)
{
    /* Resuming may deliver bytes and so end a call: begin again behind each one. */
    for (struct call *call = service->calls; call != NULL;) {
        if (call->exchange.waiting && !service->holding) {
            exchange_resume(&call->exchange);
            call = service->calls;
        } else {
            call = call->next;
        }
    }
}

bool call_any_running(const struct service *service)
{
    for (const struct call *call = service->calls; call != NULL; call = call->next) {
        if (call->phase != CALL_DRAINING)
            return true;
    }
    return false;
}

void call_drop_all(struct service *service)
{
    while (service->calls != NULL)
        call_end(service->calls);
}
