#include "agent/classify.h"

#include "base/buffer.h"
#include "base/utf8.h"
#include "data/json.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_CUT = 300 }; /* characters of a server's own words that are passed on */

static const char *const class_names[] = {
    [FAILURE_CONNECT] = "connect",
    [FAILURE_TIMEOUT] = "timeout",
    [FAILURE_RATE_LIMIT] = "rate_limit",
    [FAILURE_SERVER] = "server",
    [FAILURE_AUTH] = "auth",
    [FAILURE_BAD_REQUEST] = "bad_request",
    [FAILURE_OVERFLOW] = "overflow",
    [FAILURE_INTERRUPTED] = "interrupted",
    [FAILURE_PROTOCOL] = "protocol",
    [FAILURE_CONFIG] = "config",
    [FAILURE_CANCELLED] = "cancelled",
    [FAILURE_CONTENT_FILTER] = "content_filter",
};

const char *failure_class_name(enum failure_class class)
{
    return class_names[class];
}

bool failure_retryable(enum failure_class class)
{
    switch (class) {
    case FAILURE_CONNECT:
    case FAILURE_TIMEOUT:
    case FAILURE_RATE_LIMIT:
    case FAILURE_SERVER:
    case FAILURE_INTERRUPTED:
    case FAILURE_PROTOCOL:
        return true;
    case FAILURE_AUTH:
    case FAILURE_BAD_REQUEST:
    case FAILURE_OVERFLOW:
    case FAILURE_CONFIG:
    case FAILURE_CANCELLED:
    case FAILURE_CONTENT_FILTER:
        break;
    }
    return false;
}

/* One line of visible text, as much as there is room for, not cut inside a character. */
static void set_text(struct failure *failure, const char *text, size_t length)
{
    struct buffer visible;
    buffer_init(&visible, (size_t)FAILURE_TEXT_SIZE * 16);
    utf8_append_visible(&visible, text, length, false);
    size_t fits = utf8_valid_prefix(
        visible.data, visible.length < FAILURE_TEXT_SIZE ? visible.length : FAILURE_TEXT_SIZE - 1);
    memcpy(failure->text, visible.data, fits);
    failure->text[fits] = '\0';
    buffer_release(&visible);
}

void failure_set(struct failure *failure, enum failure_class class, const char *format, ...)
{
    char text[FAILURE_TEXT_SIZE];
    va_list values;
    *failure = (struct failure){.class = class, .again = failure_retryable(class)};
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    set_text(failure, text, strlen(text));
}

/* What the server said. */

struct told {
    const cJSON *error; /* the object with the details, or NULL */
    char message[1024]; /* lower case of what was said, for phrases */
    char kind[128];     /* type, code and status, lower case, joined by spaces */
    int code;           /* a numeric code; 0: none */
};

static void lower(char *out, size_t size, const char *text)
{
    size_t length = strlen(out);
    for (; *text != '\0' && length + 1 < size; text++)
        out[length++] = (char)tolower((unsigned char)*text);
    out[length] = '\0';
}

static void add_kind(struct told *told, const char *key)
{
    const char *text = json_string(told->error, key);
    int64_t number;
    if (text != NULL) {
        lower(told->kind, sizeof told->kind, text);
        lower(told->kind, sizeof told->kind, " ");
    } else if (json_integer(told->error, key, &number) && number >= 100 && number <= 599) {
        told->code = (int)number;
    }
}

/* The words for a person: wherever this server puts them. NULL: none. */
static const char *find_message(const cJSON *payload, const cJSON **object)
{
    static const char *const keys[] = {"message", "detail", "msg", "error", NULL};
    if (cJSON_IsArray(payload))
        payload = payload->child;
    const cJSON *error = json_get(payload, "error");
    *object = cJSON_IsObject(error) ? error : payload;
    for (int i = 0; keys[i] != NULL; i++) {
        const char *text = json_string(*object, keys[i]);
        if (text != NULL)
            return text;
    }
    const cJSON *detail = json_get(*object, "detail"); /* FastAPI's list of complaints */
    return cJSON_IsArray(detail) ? json_string(detail->child, "msg") : NULL;
}

static bool has_any(const char *text, const char *const *phrases)
{
    for (; *phrases != NULL; phrases++) {
        if (strstr(text, *phrases) != NULL)
            return true;
    }
    return false;
}

/* The first number behind one of the phrases. 0: none. */
static int64_t number_behind(const char *text, const char *const *phrases)
{
    for (; *phrases != NULL; phrases++) {
        const char *at = strstr(text, *phrases);
        if (at == NULL)
            continue;
        at += strlen(*phrases);
        size_t words = strcspn(at, "0123456789.;\n");
        if (words > 24 || at[words] < '0' || at[words] > '9')
            continue;
        long long number = strtoll(at + words, NULL, 10);
        if (number > 0 && number < INT32_MAX)
            return number;
    }
    return 0;
}

/* The number that stands right before one of the phrases. 0: none. */
static int64_t number_before(const char *text, const char *const *phrases)
{
    for (; *phrases != NULL; phrases++) {
        const char *at = strstr(text, *phrases);
        const char *start = at;
        while (start != NULL && start > text && start[-1] >= '0' && start[-1] <= '9')
            start--;
        if (start == at)
            continue;
        long long number = strtoll(start, NULL, 10);
        if (number > 0 && number < INT32_MAX)
            return number;
    }
    return 0;
}

static void learn_sizes(struct failure *failure, const struct told *told)
{
    static const char *const limits[] = {"maximum context length is", "maximum context length of",
        "context window of", "context size of", "context size (", "context length is",
        "context window is", "tokens > ", "maximum model length of", "max_model_len", NULL};
    static const char *const counts[] = {" in the messages", " input tokens", " prompt tokens",
        " tokens in the messages", " tokens from the input", " tokens > ", NULL};
    static const char *const requested[] = {"resulted in", "you requested", "request (",
        "prompt contains", "prompt has", "request has", NULL};
    json_integer(told->error, "n_ctx", &failure->context_window);
    json_integer(told->error, "n_prompt_tokens", &failure->prompt_tokens);
    if (failure->context_window <= 0)
        failure->context_window = number_behind(told->message, limits);
    if (failure->prompt_tokens <= 0)
        failure->prompt_tokens = number_before(told->message, counts);
    if (failure->prompt_tokens <= 0)
        failure->prompt_tokens = number_behind(told->message, requested);
}

/* The class. */

static bool is_rate_limit(const struct told *told, int status)
{
    static const char *const kinds[] = {
        "rate_limit", "ratelimit", "too_many_requests", "resource_exhausted", NULL};
    return status == 429 || has_any(told->kind, kinds);
}

static bool is_overflow(const struct told *told, int status)
{
    static const char *const kinds[] = {
        "exceed_context_size", "context_length_exceeded", "context_window_exceeded", NULL};
    static const char *const phrases[] = {"context length", "context window", "context size",
        "maximum context", "prompt is too long", "input is too long", "prompt too long",
        "too many input tokens", "exceeds the maximum number of tokens",
        "reduce the length of the messages", "longer than the model's context",
        "larger than the context", NULL};
    if (has_any(told->kind, kinds))
        return true;
    bool may_be = status == 200 || status == 400 || status == 413 || status == 422 || status == 500;
    return may_be && has_any(told->message, phrases);
}

static enum failure_class class_by_kind(const struct told *told)
{
    static const char *const filters[] = {"content_filter", "content_policy", NULL};
    static const char *const keys[] = {"authentication", "invalid_api_key", "permission", NULL};
    static const char *const requests[] = {
        "invalid_request", "badrequest", "bad_request", "not_found", "notfound", NULL};
    if (has_any(told->kind, filters))
        return FAILURE_CONTENT_FILTER;
    if (has_any(told->kind, keys))
        return FAILURE_AUTH;
    if (has_any(told->kind, requests))
        return FAILURE_BAD_REQUEST;
    return FAILURE_SERVER;
}

static enum failure_class class_of(const struct told *told, int status)
{
    if (is_rate_limit(told, status))
        return FAILURE_RATE_LIMIT;
    if (is_overflow(told, status))
        return FAILURE_OVERFLOW;
    if (status == 200)
        return class_by_kind(told);
    if (status == 401 || status == 402 || status == 403)
        return FAILURE_AUTH;
    if (status == 408 || status == 504)
        return FAILURE_TIMEOUT;
    if (status == 409 || status == 425 || status >= 500)
        return FAILURE_SERVER;
    if (class_by_kind(told) == FAILURE_CONTENT_FILTER)
        return FAILURE_CONTENT_FILTER;
    return FAILURE_BAD_REQUEST;
}

static bool refuses_stream_options(const struct told *told, int status)
{
    static const char *const names[] = {"stream_options", "include_usage", NULL};
    return (status == 400 || status == 422) && has_any(told->message, names);
}

static void classify(struct failure *failure, const cJSON *payload, int status, const char *body)
{
    /* Money does not come back in a minute. */
    static const char *const final_limits[] = {"insufficient_quota", "billing", NULL};
    struct told told = {0};
    const char *message = find_message(payload, &told.error);
    add_kind(&told, "type");
    add_kind(&told, "code");
    add_kind(&told, "status");
    if (message != NULL)
        lower(told.message, sizeof told.message, message);
    else if (body != NULL)
        lower(told.message, sizeof told.message, body);
    int meant = status == 200 && told.code != 0 ? told.code : status;
    enum failure_class class = class_of(&told, meant);

    char said[TEXT_CUT * 4 + 4] = "";
    /* An HTML page says nothing that fits into a line. */
    if (message == NULL && body != NULL && body[strspn(body, " \t\r\n")] != '<')
        message = body;
    if (message != NULL)
        snprintf(said, sizeof said, "%.*s", TEXT_CUT, message);
    if (meant != 200)
        failure_set(failure, class, "HTTP %d%s%s", meant, said[0] != '\0' ? ": " : "", said);
    else
        failure_set(failure, class, "the server reports: %s", said[0] != '\0' ? said : "an error");
    failure->status = meant == 200 ? 0 : meant;
    failure->again = failure->again && !has_any(told.kind, final_limits);
    /* Complaints about a field may stand anywhere in the body. */
    if (body != NULL) {
        told.message[0] = '\0';
        lower(told.message, sizeof told.message, body);
    }
    failure->stream_options_refused = refuses_stream_options(&told, status);
    if (class == FAILURE_OVERFLOW) {
        told.message[0] = '\0';
        lower(told.message, sizeof told.message, message != NULL ? message : "");
        learn_sizes(failure, &told);
    }
}

void classify_response(struct failure *failure, int status, const char *body, size_t length)
{
    cJSON *payload = json_parse(body, length, NULL);
    classify(failure, payload, status, body);
    json_free(payload);
}

void classify_payload(struct failure *failure, const cJSON *payload)
{
    classify(failure, payload, 200, NULL);
}
