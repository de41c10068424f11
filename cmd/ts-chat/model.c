/*
 * ts-llm, the only way to a model: started at once, so that it loads while the
 * prompt is read, and kept for its warm connections. When it dies it is started
 * again and the call repeated, once per turn.
 */
#include "chat.h"
#include "common/program.h"
#include "io/paths.h"

#include "base/clock.h"
#include "version.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RESTARTS_PER_TURN = 1,
    REQUEST_LIMIT = LINE_LIMIT_MODEL,
    PARTIAL_LIMIT = LINE_LIMIT_MODEL, /* raw lines kept of a call, in case it is cut off */
    ANNOUNCE_AFTER_MS = 5000,         /* a backend that is slow to name its model */
};

static void send_text(struct chat *chat, const struct buffer *line)
{
    /* A ts-llm that is gone is noticed by model_ended. */
    (void)line_channel_send(&chat->model, line->data, line->length);
}

void model_announce(struct chat *chat)
{
    if (chat->announced)
        return;
    chat->announced = true;
    cJSON *event = event_make("session", NULL);
    bool skip = config_boolean(chat->config, "tools.skip_permissions");
    if (event == NULL || json_add_string(event, "session_id", chat->session_id) < 0 ||
        json_add_string(event, "model", chat->model_name) < 0 ||
        json_add_string(event, "model_alias", chat->model_alias) < 0 ||
        json_add_integer(event, "context_window", chat->context_window) < 0 ||
        json_add_string(event, "sandbox", config_text(chat->config, "tools.sandbox")) < 0 ||
        json_add_boolean(event, "skip_permissions", skip) < 0 ||
        json_add_string(event, "directory", chat->directory) < 0 ||
        (chat->before.session_id != NULL &&
            (json_add_boolean(event, "resumed", true) < 0 ||
                json_add_integer(event, "messages", chat->messages_before) < 0)) ||
        json_add_string(event, "version", TURNSTONE_VERSION) < 0) {
        json_free(event);
        event = NULL;
    }
    output_event(chat, event);
    resume_tell(chat);
    if (chat->held_info[0] != '\0')
        output_message(chat, "info", chat->held_info);
    for (char *line = chat->tool_notes.data; line != NULL && *line != '\0';) {
        size_t length = strcspn(line, "\n");
        bool more = line[length] == '\n';
        line[length] = '\0';
        output_message(chat, "info", line);
        line += length + (more ? 1 : 0);
    }
    buffer_release(&chat->tool_notes);
    mcp_say_notes(chat);
}

/* The session is announced; what was held back until then begins. */
static void ready(struct chat *chat)
{
    loop_timer_cancel(chat->loop, &chat->announce_timer);
    model_announce(chat);
    if (chat->phase != PHASE_STARTING)
        return;
    chat->phase = PHASE_IDLE;
    struct error error;
    if (chat->one_shot)
        send_next(chat);
    else if (commands_open(chat, &error) < 0)
        chat_die(chat, EXIT_SYSTEM, error.text);
    else if (chat->pending)
        send_continue(chat);
}

static void announce_late(void *context)
{
    ready(context);
}

static void model_known(struct chat *chat, const cJSON *line)
{
    const char *name = json_string(line, "model");
    const char *alias = json_string(line, "alias");
    snprintf(chat->model_name, sizeof chat->model_name, "%s", name != NULL ? name : "");
    snprintf(chat->model_alias, sizeof chat->model_alias, "%s", alias != NULL ? alias : "default");
    if (!json_integer(line, "context_window", &chat->context_window))
        chat->context_window = 0;
    chat->resolved = true;
    keep_model(chat);
    ready(chat);
}

/* Ask for the name and window of the model that is to be used. */
void model_resolve(struct chat *chat)
{
    struct buffer *line = &chat->request;
    buffer_clear(line);
    if (buffer_append_text(line, "{\"type\":\"resolve\",\"id\":\"resolve\"") < 0 ||
        (chat->alias != NULL &&
            (buffer_append_text(line, ",\"model\":") < 0 ||
                json_append_string(line, chat->alias, strlen(chat->alias)) < 0)) ||
        buffer_append_byte(line, '}') < 0)
        chat_die_system(chat, "make a request");
    send_text(chat, line);
}

static bool resolve_fallback(struct chat *chat, const cJSON *line, const char *message)
{
    chat->turn.alias = chat->alias;
    const char *alias = json_boolean(line, "retryable", false) ? turn_next_fallback(chat) : NULL;
    if (alias == NULL)
        return false;
    snprintf(
        chat->held_info, sizeof chat->held_info, "%s; falling back to model '%s'", message, alias);
    chat->alias = alias;
    model_resolve(chat);
    return true;
}

/* Asking for the model's name failed: a single prompt ends here, a long-lived one may yet work. */
static void model_unknown(struct chat *chat, const cJSON *line)
{
    const char *message = json_string(line, "message");
    if (chat->phase != PHASE_STARTING)
        return; /* the request under way tells */
    if (resolve_fallback(chat, line, message != NULL ? message : "the model is not known"))
        return;
    model_announce(chat);
    if (!chat->one_shot) {
        output_message(chat, "info", message != NULL ? message : "the model is not known");
        ready(chat);
        return;
    }
    loop_timer_cancel(chat->loop, &chat->announce_timer);
    turn_model_failed(chat, line);
}

static void keep_partial(struct chat *chat, const char *line, size_t length)
{
    struct buffer *partial = &chat->turn.partial;
    if (buffer_append(partial, line, length) < 0 || buffer_append_byte(partial, '\n') < 0)
        buffer_clear(partial); /* an answer larger than any window: it is not worth keeping */
}

static void call_ended(struct chat *chat)
{
    cJSON *event = event_make("stream_end", chat->turn.correlation_id);
    if (event != NULL && json_add_string(event, "id", chat->turn.call_id) < 0) {
        json_free(event);
        event = NULL;
    }
    output_event(chat, event);
    chat->calling = false;
}

static void take_parsed(struct chat *chat, const char *text, size_t length, const cJSON *line)
{
    const char *type = json_string(line, "type");
    const char *id = json_string(line, "id");
    if (type == NULL || id == NULL)
        return;
    if (strcmp(id, "resolve") == 0) {
        if (strcmp(type, "model") == 0) {
            model_known(chat, line);
        } else if (strcmp(type, "error") == 0) {
            model_unknown(chat, line);
        } else if (strcmp(type, "info") == 0) {
            model_announce(chat); /* it takes longer: the model's name is not known yet */
            output_line(chat, text, length);
        }
        return;
    }
    if (!chat->calling || strcmp(id, chat->turn.call_id) != 0)
        return; /* the rest of a call that was given up */
    if (strcmp(type, "content") == 0 || strcmp(type, "reasoning") == 0) {
        chat->turn.streamed = true;
        keep_partial(chat, text, length);
        output_line(chat, text, length);
    } else if (strcmp(type, "discard") == 0) {
        buffer_clear(&chat->turn.partial);
        output_line(chat, text, length);
    } else if (strcmp(type, "info") == 0) {
        output_line(chat, text, length);
    } else if (strcmp(type, "done") == 0) {
        call_ended(chat);
        turn_model_done(chat, line);
    } else if (strcmp(type, "error") == 0) {
        call_ended(chat);
        turn_model_failed(chat, line);
    }
}

static bool begins_with(const char *line, size_t length, const char *beginning, size_t size)
{
    return length > size && memcmp(line, beginning, size) == 0;
}

/*
 * Text deltas are the bulk of everything: exactly the line that ts-llm writes,
 * {"type":"content","id":"m1","text":"..."}, is recognised by its beginning and
 * by one string and a brace behind it, and passed on as it is.
 */
static bool take_delta(struct chat *chat, const char *line, size_t length)
{
    size_t size = chat->content_size;
    if (!chat->calling)
        return false;
    if (!begins_with(line, length, chat->content_beginning, size)) {
        size = chat->reasoning_size;
        if (!begins_with(line, length, chat->reasoning_beginning, size))
            return false;
    }
    if (line[size] != '"' || line[length - 1] != '}' ||
        json_check(line + size, length - size - 1, NULL) < 0)
        return false;
    chat->turn.streamed = true;
    keep_partial(chat, line, length);
    output_delta(chat, line, length);
    return true;
}

static void expect_deltas(struct chat *chat)
{
    static const char form[] = "{\"type\":\"%s\",\"id\":\"%s\",\"text\":";
    chat->content_size = (size_t)snprintf(chat->content_beginning, sizeof chat->content_beginning,
        form, "content", chat->turn.call_id);
    chat->reasoning_size = (size_t)snprintf(chat->reasoning_beginning,
        sizeof chat->reasoning_beginning, form, "reasoning", chat->turn.call_id);
}

static void model_line(void *context, char *line, size_t length)
{
    struct chat *chat = context;
    if (line == NULL) {
        output_message(chat, "error", "ts-llm: a line over the limit was dropped");
        return;
    }
    if (take_delta(chat, line, length))
        return;
    struct error error;
    cJSON *parsed = json_parse_object(line, length, &error);
    if (parsed == NULL) {
        error_prefix(&error, "a line from ts-llm: ");
        output_message(chat, "error", error.text);
        return;
    }
    take_parsed(chat, line, length, parsed);
    json_free(parsed);
}

/* An error line as ts-llm would write it, for failures of ts-llm itself. */
static void fail_call(struct chat *chat, const char *message)
{
    cJSON *line = event_make("error", NULL);
    if (line == NULL || json_add_string(line, "class", "protocol") < 0 ||
        json_add_boolean(line, "retryable", false) < 0 ||
        json_add_string(line, "message", message) < 0)
        chat_die_system(chat, "make an error");
    if (chat->calling)
        call_ended(chat);
    turn_model_failed(chat, line);
    json_free(line);
}

static void repeat_call(struct chat *chat)
{
    output_message(chat, "info", "ts-llm ended in the middle of a call: started again");
    turn_discard(chat);
    chat->turn.restarts++;
    model_request(chat);
}

static void model_ended(void *context)
{
    struct chat *chat = context;
    bool calling = chat->calling;
    line_channel_close(&chat->model);
    process_kill(&chat->model_process);
    if (chat->phase == PHASE_STARTING) {
        model_announce(chat);
        loop_timer_cancel(chat->loop, &chat->announce_timer);
        fail_call(chat, "ts-llm ended before it named the model");
        return;
    }
    if (!calling)
        return;
    if (chat->turn.stop != STOP_NONE || chat->turn.restarts >= RESTARTS_PER_TURN)
        fail_call(chat, "ts-llm ended in the middle of a call");
    else
        repeat_call(chat);
}

static int spawn_model(struct chat *chat, struct error *error)
{
    char path[PATH_MAX];
    int to_read, to_write, from_read, from_write;
    if (paths_helper(path, sizeof path, "ts-llm", error) < 0)
        return -1;
    char **environment = config_export(chat->config, CONFIG_MODEL_SECRETS);
    if (environment == NULL)
        return error_set(error, "start ts-llm: out of memory");
    if (process_pipe(&to_read, &to_write) < 0)
        return error_system(error, "make a pipe");
    if (process_pipe(&from_read, &from_write) < 0) {
        error_system(error, "make a pipe");
        close_descriptor(&to_read);
        close_descriptor(&to_write);
        return -1;
    }
    struct spawn spawn = {
        .path = path,
        .argv = (char *[]){(char *)"ts-llm", NULL},
        .environment = environment,
        .descriptors = {to_read, from_write, STDERR_FILENO},
        .descriptor_count = 3,
        .group = SPAWN_OWN_GROUP,
    };
    int result = process_spawn(&chat->model_process, &spawn, error);
    close_descriptor(&to_read);
    close_descriptor(&from_write);
    if (result < 0) {
        close_descriptor(&to_write);
        close_descriptor(&from_read);
        return -1;
    }
    if (line_channel_open(&chat->model, chat->loop, to_write, from_read, LINE_LIMIT_MODEL,
            model_line, model_ended, chat) < 0)
        return error_set(error, "watch ts-llm: out of memory");
    return 0;
}

int model_start(struct chat *chat, struct error *error)
{
    buffer_init(&chat->request, REQUEST_LIMIT);
    buffer_init(&chat->turn.partial, PARTIAL_LIMIT);
    if (spawn_model(chat, error) < 0)
        return -1;
    model_resolve(chat);
    if (!chat->one_shot) {
        chat->announce_timer.call = announce_late;
        chat->announce_timer.context = chat;
        loop_timer_set(chat->loop, &chat->announce_timer, clock_monotonic_ms() + ANNOUNCE_AFTER_MS);
    }
    return 0;
}

static int append_request(struct chat *chat, struct buffer *line)
{
    buffer_clear(line);
    if (buffer_printf(line, "{\"type\":\"request\",\"id\":\"%s\"", chat->turn.call_id) < 0)
        return -1;
    if (chat->turn.alias != NULL &&
        (buffer_append_text(line, ",\"model\":") < 0 ||
            json_append_string(line, chat->turn.alias, strlen(chat->turn.alias)) < 0))
        return -1;
    const char *effort = agent_effort(chat);
    if (effort != NULL && buffer_printf(line, ",\"reasoning_effort\":\"%s\"", effort) < 0)
        return -1;
    bool tools = chat->tools_json != NULL && !chat->turn.synthesis;
    if (tools && (buffer_append_text(line, ",\"tools\":") < 0 ||
                     buffer_append_text(line, chat->tools_json) < 0))
        return -1;
    if (buffer_append_text(line, ",\"messages\":") < 0 ||
        conversation_append_array(&chat->conversation, line) < 0)
        return -1;
    return buffer_append_byte(line, '}');
}

void model_request(struct chat *chat)
{
    struct error error;
    snprintf(chat->turn.call_id, sizeof chat->turn.call_id, "m%lu", ++chat->model_calls);
    chat->turn.streamed = false;
    buffer_clear(&chat->turn.partial);
    chat->calling = true;
    expect_deltas(chat);
    if (append_request(chat, &chat->request) < 0) {
        fail_call(chat, "the conversation is longer than a request may be");
        return;
    }
    if (!line_channel_is_open(&chat->model) && spawn_model(chat, &error) < 0) {
        fail_call(chat, error.text);
        return;
    }
    send_text(chat, &chat->request);
}

void model_cancel(struct chat *chat)
{
    buffer_clear(&chat->request);
    if (buffer_printf(&chat->request, "{\"type\":\"cancel\",\"id\":\"%s\"}", chat->turn.call_id) ==
        0)
        send_text(chat, &chat->request);
}

void model_stop(struct chat *chat)
{
    /* It keeps nothing that would have to be saved. */
    line_channel_close(&chat->model);
    process_kill(&chat->model_process);
}

void model_abandon(struct chat *chat)
{
    model_ended(chat);
}
