#include "agent/tool.h"

#include "base/clock.h"
#include "io/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 << 10,   /* bytes asked for at once */
    EVENT_LIMIT = 8 << 20,  /* bytes of an event line, as ts-events(5) has it */
    EVENT_WAIT_MS = 10000,  /* patience with a runner that does not read */
    FIRST_FREE_FD = 3,      /* an event descriptor below this would be stdout's */
    TIMEOUT_MOST_S = 86400, /* a limit beyond a day is none */
};

static int read_everything(int fd, struct buffer *buffer, struct error *error)
{
    for (;;) {
        if (buffer_reserve(buffer, READ_SIZE) < 0)
            return errno == EMSGSIZE
                       ? error_set(error, "read arguments: over %d bytes", TOOL_ARGUMENTS_LIMIT)
                       : error_system(error, "read arguments");
        ssize_t got = read(fd, buffer->data + buffer->length, READ_SIZE);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return error_system(error, "read arguments");
        if (got > 0) {
            buffer->length += (size_t)got;
            buffer->data[buffer->length] = '\0';
        }
    }
}

static bool blank(const struct buffer *buffer)
{
    return strspn(buffer->data, " \t\r\n") == buffer->length;
}

/* A whole number from the environment; fallback when it is absent or something else. */
static long environment_number(const char *name, long least, long most, long fallback)
{
    const char *text = getenv(name);
    char *end = NULL;
    if (text == NULL || *text == '\0')
        return fallback;
    errno = 0;
    long number = strtol(text, &end, 10);
    return *end == '\0' && errno == 0 && number >= least && number <= most ? number : fallback;
}

static const char *environment_text(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? text : NULL;
}

int tool_call_init(struct tool_call *call, const char *name, int fd, struct error *error)
{
    *call = (struct tool_call){
        .name = name,
        .state_directory = environment_text("TS_STATE_DIR"),
        .call_id = environment_text("TS_CALL_ID"),
        .event_fd = (int)environment_number("TS_EVENT_FD", FIRST_FREE_FD, INT_MAX, -1),
    };
    if (call->event_fd >= 0 && fcntl(call->event_fd, F_SETFD, FD_CLOEXEC) < 0)
        call->event_fd = -1;
    long seconds = environment_number("TS_TOOL_TIMEOUT", 1, TIMEOUT_MOST_S, 0);
    if (seconds > 0)
        call->deadline = clock_monotonic_ms() + seconds * 1000;
    buffer_init(&call->output, TOOL_OUTPUT_LIMIT);
    buffer_init(&call->details, TOOL_DETAILS_LIMIT);

    struct buffer text;
    buffer_init(&text, TOOL_ARGUMENTS_LIMIT);
    int result = read_everything(fd, &text, error);
    if (result == 0) {
        call->arguments =
            blank(&text) ? cJSON_CreateObject() : json_parse_object(text.data, text.length, error);
        if (call->arguments == NULL)
            result = error_prefix(error, "arguments: ");
    }
    buffer_release(&text);
    return result;
}

void tool_call_release(struct tool_call *call)
{
    json_free(call->arguments);
    call->arguments = NULL;
    buffer_release(&call->output);
    buffer_release(&call->details);
}

void tool_preview_init(struct tool_preview *preview)
{
    buffer_init(&preview->header, TOOL_PREVIEW_LIMIT);
    buffer_init(&preview->text, TOOL_PREVIEW_LIMIT);
    buffer_init(&preview->warning, TOOL_PREVIEW_LIMIT);
    preview->approval_label = NULL;
    preview->truncated = false;
}

void tool_preview_release(struct tool_preview *preview)
{
    buffer_release(&preview->header);
    buffer_release(&preview->text);
    buffer_release(&preview->warning);
}

static int print_member(struct buffer *buffer, const char *key, const char *text, size_t length)
{
    if (length == 0)
        return 0;
    const char *separator = buffer->data[buffer->length - 1] == '{' ? "" : ",";
    return buffer_printf(buffer, "%s\"%s\":", separator, key) < 0 ||
                   json_append_string(buffer, text, length) < 0
               ? -1
               : 0;
}

int tool_preview_print(struct buffer *buffer, const struct tool_call *call,
    const struct tool_preview *preview, const char *failure)
{
    struct buffer reason;
    buffer_init(&reason, TOOL_DETAILS_LIMIT + ERROR_TEXT_SIZE + 2);
    int result = 0;
    if (failure != NULL &&
        (buffer_append_text(&reason, failure) < 0 ||
            (call->details.length > 0 &&
                (buffer_append_byte(&reason, '\n') < 0 ||
                    buffer_append(&reason, call->details.data, call->details.length) < 0))))
        result = -1;
    const char *label = preview->approval_label != NULL ? preview->approval_label : "";
    if (result < 0 || buffer_append_byte(buffer, '{') < 0 ||
        print_member(buffer, "header", preview->header.data, preview->header.length) < 0 ||
        print_member(buffer, "preview", preview->text.data, preview->text.length) < 0 ||
        print_member(buffer, "approval_label", label, strlen(label)) < 0 ||
        print_member(buffer, "warning", preview->warning.data, preview->warning.length) < 0 ||
        print_member(buffer, "error", reason.data, reason.length) < 0 ||
        (preview->truncated && buffer_printf(buffer, "%s\"truncated_preview\":true",
                                   buffer->data[buffer->length - 1] == '{' ? "" : ",") < 0) ||
        buffer_append_text(buffer, "}\n") < 0)
        result = -1;
    buffer_release(&reason);
    return result;
}

static cJSON *present(const struct tool_call *call, const char *key)
{
    cJSON *value = json_get(call->arguments, key);
    return value == NULL || cJSON_IsNull(value) ? NULL : value;
}

bool tool_has(const struct tool_call *call, const char *key)
{
    return present(call, key) != NULL;
}

int tool_optional_text(
    const struct tool_call *call, const char *key, const char **text, struct error *error)
{
    const cJSON *value = present(call, key);
    if (value == NULL)
        return 0;
    if (!cJSON_IsString(value))
        return error_set(error, "argument '%s' must be a text", key);
    *text = value->valuestring;
    return 0;
}

int tool_text(const struct tool_call *call, const char *key, const char **text, struct error *error)
{
    *text = NULL;
    if (tool_optional_text(call, key, text, error) < 0)
        return -1;
    return *text == NULL ? error_set(error, "argument '%s' is missing", key) : 0;
}

int tool_optional_integer(const struct tool_call *call, const char *key, int64_t least,
    int64_t most, int64_t *number, struct error *error)
{
    const cJSON *value = present(call, key);
    int64_t got = 0;
    if (value == NULL)
        return 0;
    if (!json_value_integer(value, &got))
        return error_set(error, "argument '%s' must be a whole number", key);
    if (got < least)
        return error_set(error, "argument '%s' must be at least %lld, not %lld", key,
            (long long)least, (long long)got);
    *number = got > most ? most : got;
    return 0;
}

int tool_optional_boolean(
    const struct tool_call *call, const char *key, bool *truth, struct error *error)
{
    const cJSON *value = present(call, key);
    if (value == NULL)
        return 0;
    if (!cJSON_IsBool(value))
        return error_set(error, "argument '%s' must be true or false", key);
    *truth = cJSON_IsTrue(value);
    return 0;
}

int tool_path(const struct tool_call *call, const char *key, const char *fallback, char *path,
    struct error *error)
{
    const char *given = NULL;
    if (tool_optional_text(call, key, &given, error) < 0)
        return -1;
    if (given == NULL || *given == '\0')
        given = fallback;
    if (given == NULL)
        return error_set(error, "argument '%s' is missing", key);
    size_t length = strlen(given);
    if (length >= PATH_MAX)
        return error_set(error, "argument '%s' is too long for a path", key);
    /* What was shown and approved is what is opened: nothing is resolved a second time. */
    if (call->call_id != NULL && given[0] == '/') {
        memcpy(path, given, length + 1);
        return 0;
    }
    char here[PATH_MAX];
    if (getcwd(here, sizeof here) == NULL)
        return error_system(error, "find the working directory");
    return paths_resolve(path, PATH_MAX, here, given, error);
}

/* The whole line or nothing more: the runner's pipe may be full for a while, or be gone. */
static void send_line(struct tool_call *call, const struct buffer *line)
{
    size_t sent = 0;
    while (sent < line->length) {
        ssize_t wrote = write(call->event_fd, line->data + sent, line->length - sent);
        if (wrote >= 0) {
            sent += (size_t)wrote;
            continue;
        }
        if (errno == EINTR)
            continue;
        struct pollfd ready = {.fd = call->event_fd, .events = POLLOUT};
        if (errno == EAGAIN && poll(&ready, 1, EVENT_WAIT_MS) > 0)
            continue;
        call->event_fd = -1;
        return;
    }
}

static void send_event(
    struct tool_call *call, const char *type, const char *key, const char *text, size_t length)
{
    if (call->event_fd < 0)
        return;
    struct buffer line;
    buffer_init(&line, EVENT_LIMIT);
    if (buffer_printf(&line, "{\"type\":\"%s\",\"%s\":", type, key) == 0 &&
        json_append_string(&line, text, length) == 0 && buffer_append_text(&line, "}\n") == 0)
        send_line(call, &line);
    buffer_release(&line);
}

void tool_display(struct tool_call *call, const char *text, size_t length)
{
    send_event(call, "display", "text", text, length);
}

void tool_progress(struct tool_call *call, const char *text, size_t length)
{
    send_event(call, "progress", "message", text, length);
}

void tool_usage(struct tool_call *call, const cJSON *usage)
{
    static const char *const members[] = {"prompt_tokens", "completion_tokens", "total_tokens"};
    struct buffer line;
    if (call->event_fd < 0)
        return;
    buffer_init(&line, EVENT_LIMIT);
    int failed = buffer_append_text(&line, "{\"type\":\"usage\",\"calls\":1");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        int64_t tokens = 0;
        json_integer(usage, members[i], &tokens);
        if (failed == 0)
            failed = buffer_printf(&line, ",\"%s\":%lld", members[i], (long long)tokens);
    }
    if (failed == 0 && buffer_append_text(&line, "}\n") == 0)
        send_line(call, &line);
    buffer_release(&line);
}
