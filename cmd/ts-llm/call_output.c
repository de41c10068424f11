/* The lines ts-llm writes. Texts about failures leave without the key. */
#include "ts-llm/call.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "common/program.h"
#include "data/json.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum {
    INFO_SIZE = 4096,
    KEY_WORTH_HIDING = 4, /* a shorter 'key' is a word that may stand anywhere */
    KEY_BEGINNING = 8,    /* so much of it is hidden too: the text may be cut inside the key */
};

static void check(int result)
{
    if (result < 0)
        die(EXIT_SYSTEM, "make a line of output: %s", strerror(errno));
}

int call_put_text(void *context, enum think_kind kind, const char *text, size_t length)
{
    struct call *call = context;
    const struct buffer *prefix =
        kind == THINK_CONTENT ? &call->content_prefix : &call->reasoning_prefix;
    buffer_clear(&call->out);
    if (buffer_append(&call->out, prefix->data, prefix->length) < 0 ||
        json_append_string(&call->out, text, length) < 0 || buffer_append_byte(&call->out, '}') < 0)
        return -1;
    service_put(call->service, call->out.data, call->out.length);
    call->shown = true;
    return 0;
}

/* Begin a line: {"type":TYPE,"id":ID */
static void open_line(struct call *call, const char *type)
{
    buffer_clear(&call->out);
    check(buffer_printf(&call->out, "{\"type\":\"%s\",\"id\":%s", type, call->id));
}

static void close_line(struct call *call)
{
    check(buffer_append_byte(&call->out, '}'));
    service_put(call->service, call->out.data, call->out.length);
}

static void add_string(struct call *call, const char *key, const char *text, size_t length)
{
    check(buffer_printf(&call->out, ",\"%s\":", key));
    check(json_append_string(&call->out, text, length));
}

static void add_integer(struct call *call, const char *key, int64_t number)
{
    check(buffer_printf(&call->out, ",\"%s\":%lld", key, (long long)number));
}

/* How much of the key stands here, when it is so much that it must not be shown. */
static size_t key_at(const char *text, const char *key)
{
    size_t same = 0;
    while (key[same] != '\0' && text[same] == key[same])
        same++;
    bool whole = key[same] == '\0' && same >= KEY_WORTH_HIDING;
    return whole || same >= KEY_BEGINNING ? same : 0;
}

/* A server may repeat the key, or its beginning, in what it says about it. */
static void add_message(struct call *call, const char *text)
{
    struct buffer clean;
    buffer_init(&clean, (size_t)INFO_SIZE * 8);
    while (*text != '\0') {
        size_t hidden = call->key != NULL ? key_at(text, call->key) : 0;
        if (hidden > 0)
            check(buffer_append_text(&clean, "[key]"));
        else
            check(buffer_append_byte(&clean, *text));
        text += hidden > 0 ? hidden : 1;
    }
    add_string(call, "message", clean.data != NULL ? clean.data : "", clean.length);
    buffer_release(&clean);
}

void call_put_info(struct call *call, const char *format, ...)
{
    char text[INFO_SIZE];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    open_line(call, "info");
    add_message(call, text);
    close_line(call);
}

void call_put_discard(struct call *call)
{
    open_line(call, "discard");
    close_line(call);
    call->shown = false;
}

void call_put_model(struct call *call, int64_t context_window)
{
    const char *name = call_model_name(call);
    open_line(call, "model");
    add_string(call, "model", name, strlen(name));
    add_string(call, "alias", call->model.alias, strlen(call->model.alias));
    add_integer(call, "context_window", context_window);
    add_string(call, "base_url", call->endpoint.base, strlen(call->endpoint.base));
    close_line(call);
}

static int add_usage(struct buffer *out, const struct assembly_usage *usage)
{
    if (!usage->known)
        return buffer_append_text(out, ",\"usage\":null");
    return buffer_printf(out,
        ",\"usage\":{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld}",
        (long long)usage->prompt_tokens, (long long)usage->completion_tokens,
        (long long)usage->total_tokens);
}

static int write_done(struct call *call)
{
    struct buffer *out = &call->out;
    const struct assembly *assembly = &call->answer.assembly;
    const char *name = call_model_name(call);
    const char *reason = assembly->finish_reason[0] != '\0' ? assembly->finish_reason : "stop";
    if (buffer_printf(out, "{\"type\":\"done\",\"id\":%s,\"model\":", call->id) < 0 ||
        json_append_string(out, name, strlen(name)) < 0 ||
        buffer_append_text(out, ",\"message\":") < 0 || assembly_write_message(assembly, out) < 0 ||
        buffer_append_text(out, ",\"finish_reason\":") < 0 ||
        json_append_string(out, reason, strlen(reason)) < 0 || add_usage(out, &assembly->usage) < 0)
        return -1;
    if (call->first_ms >= 0 &&
        buffer_printf(out, ",\"first_token_ms\":%lld", (long long)call->first_ms) < 0)
        return -1;
    if (buffer_printf(
            out, ",\"duration_ms\":%lld", (long long)(clock_monotonic_ms() - call->started_ms)) < 0)
        return -1;
    if (assembly->notes.length > 0 &&
        buffer_printf(out, ",\"notes\":[%s]", assembly->notes.data) < 0)
        return -1;
    return buffer_append_byte(out, '}');
}

int call_put_done(struct call *call, struct error *error)
{
    buffer_clear(&call->out);
    if (write_done(call) < 0)
        return error_set(error,
            errno == EMSGSIZE ? "the answer does not fit into a line of 64 MiB" : "out of memory");
    service_put(call->service, call->out.data, call->out.length);
    return 0;
}

/* What had come, for the case that nothing better comes. */
static void add_partial(struct call *call)
{
    const struct buffer *content = &call->answer.assembly.content;
    size_t before = call->out.length;
    if (content->length == 0)
        return;
    if (buffer_append_text(&call->out, ",\"partial\":") < 0 ||
        json_append_string(&call->out, content->data, content->length) < 0 ||
        buffer_reserve(&call->out, 1) < 0)
        buffer_truncate(&call->out, before); /* too long for a line: better an error without */
}

void call_put_error(struct call *call, const struct failure *failure, const char *text)
{
    call->service->failed++;
    open_line(call, "error");
    add_string(call, "class", failure_class_name(failure->class),
        strlen(failure_class_name(failure->class)));
    check(buffer_printf(
        &call->out, ",\"retryable\":%s", failure_retryable(failure->class) ? "true" : "false"));
    add_message(call, text);
    if (failure->status > 0)
        add_integer(call, "status", failure->status);
    if (failure->context_window > 0)
        add_integer(call, "context_window", failure->context_window);
    if (failure->prompt_tokens > 0)
        add_integer(call, "prompt_tokens", failure->prompt_tokens);
    add_partial(call);
    close_line(call);
}
