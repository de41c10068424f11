/* Command lines on stdin (--ndjson): sends that queue, answers, cancel, ping. */
#include "chat.h"
#include "common/program.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    QUEUE_LIMIT = 4096,           /* prompts that wait for their turn */
    QUEUE_BYTES_LIMIT = 64 << 20, /* of their texts together */
};

static void input_ended(struct chat *chat);

/* An event that answers a command, with the command's own correlation id. */
static void answer(struct chat *chat, const char *type, const char *correlation_id,
    const char *status, const char *detail)
{
    cJSON *event = event_make(type, correlation_id);
    if (event == NULL || (status != NULL && json_add_string(event, "status", status) < 0) ||
        (detail != NULL && json_add_string(event, "detail", detail) < 0)) {
        json_free(event);
        event = NULL;
    }
    output_event(chat, event);
}

static void tell_queued(struct chat *chat, const char *correlation_id)
{
    cJSON *event = event_make("queued", correlation_id);
    if (event != NULL && json_add_integer(event, "position", (int64_t)chat->queued) < 0) {
        json_free(event);
        event = NULL;
    }
    output_event(chat, event);
}

void send_queue(struct chat *chat, char *message, const char *correlation_id)
{
    struct send *send = calloc(1, sizeof *send);
    if (send == NULL)
        chat_die_system(chat, "keep a prompt");
    send->message = message;
    snprintf(send->correlation_id, sizeof send->correlation_id, "%s", correlation_id);
    struct send **link = &chat->queue;
    while (*link != NULL)
        link = &(*link)->next;
    *link = send;
    chat->queued++;
    chat->queued_bytes += strlen(message);
    if (chat->phase == PHASE_IDLE)
        send_next(chat);
    else if (!chat->one_shot)
        tell_queued(chat, correlation_id);
}

void send_continue(struct chat *chat)
{
    char correlation_id[RANDOM_SESSION_ID_SIZE];
    char *nothing = strdup("");
    if (nothing == NULL)
        chat_die_system(chat, "go on with a batch");
    random_hex(correlation_id, sizeof correlation_id);
    send_queue(chat, nothing, correlation_id);
}

/* A turn that ends at once calls this again from within: a loop, so that a long queue of them
 * does not become as deep a stack. */
void send_next(struct chat *chat)
{
    if (chat->starting_turns)
        return;
    chat->starting_turns = true;
    while (chat->phase == PHASE_IDLE && chat->queue != NULL) {
        struct send *send = chat->queue;
        chat->queue = send->next;
        chat->queued--;
        chat->queued_bytes -= strlen(send->message);
        turn_begin(chat, send);
        free(send->message);
        free(send);
    }
    chat->starting_turns = false;
    if (chat->phase == PHASE_IDLE && chat->input_ended)
        chat_finish(chat);
}

static bool plain_identifier(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] < 0x20 || text[i] == '"' || text[i] == '\\' || text[i] == 0x7F)
            return false;
    }
    return length < IDENTIFIER_LIMIT;
}

static void take_send(struct chat *chat, const cJSON *line, const char *correlation_id)
{
    char minted[RANDOM_SESSION_ID_SIZE];
    const char *message = json_string(line, "message");
    if (message == NULL || message[strspn(message, " \t\r\n")] == '\0') {
        answer(chat, "ack", correlation_id, "error", "send: the message is missing or empty");
        return;
    }
    size_t size = strlen(message);
    if (chat->queued >= QUEUE_LIMIT || chat->queued_bytes + size > QUEUE_BYTES_LIMIT) {
        answer(chat, "ack", correlation_id, "error", "send: too many prompts are waiting");
        return;
    }
    if (correlation_id[0] == '\0') {
        random_hex(minted, sizeof minted);
        correlation_id = minted;
    }
    char *copy = strdup(message);
    if (copy == NULL)
        chat_die_system(chat, "keep a prompt");
    answer(chat, "ack", correlation_id, "ok", NULL);
    send_queue(chat, copy, correlation_id);
}

static void take_answer(
    struct chat *chat, const char *text, size_t length, const char *correlation_id)
{
    if (pipeline_running(chat))
        pipeline_send(chat, text, length);
    else
        answer(chat, "ack", correlation_id, "error", "nothing is waiting for an answer");
}

static void take_command(struct chat *chat, const char *text, size_t length, const cJSON *line)
{
    const char *type = json_string(line, "type");
    const char *correlation_id = json_string(line, "correlation_id");
    if (correlation_id == NULL || !plain_identifier(correlation_id))
        correlation_id = "";
    if (type == NULL) {
        answer(chat, "ack", correlation_id, "error", "a command needs a type");
    } else if (strcmp(type, "send") == 0) {
        take_send(chat, line, correlation_id);
    } else if (strcmp(type, "approve") == 0 || strcmp(type, "plan_feedback") == 0) {
        take_answer(chat, text, length, correlation_id);
    } else if (strcmp(type, "cancel") == 0) {
        if (chat->phase == PHASE_MODEL || chat->phase == PHASE_TOOLS)
            turn_stop(chat, STOP_CANCEL);
        else if (correlation_id[0] != '\0')
            answer(chat, "ack", correlation_id, "ok", "nothing to cancel");
    } else if (strcmp(type, "ping") == 0) {
        answer(chat, "pong", correlation_id, NULL, NULL);
    } else {
        answer(chat, "ack", correlation_id, "error", "the type of this command is not known");
    }
}

static void bad_line(struct chat *chat, const char *reason)
{
    char text[ERROR_TEXT_SIZE + 64];
    cJSON *event = event_make("error", NULL);
    snprintf(text, sizeof text, "ts-chat: line %lu: %s", chat->input.number, reason);
    if (event == NULL || json_add_string(event, "message", text) < 0)
        chat_die_system(chat, "make an event");
    output_event(chat, event);
}

static void input_ready(void *context, short events)
{
    (void)events;
    struct chat *chat = context;
    struct error error;
    char *text;
    size_t length;
    enum line_status status;
    ssize_t got = line_reader_fill(&chat->input);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got < 0) {
        bad_line(chat, strerror(errno));
        input_ended(chat);
        return;
    }
    while ((status = line_reader_next(&chat->input, &text, &length)) != LINE_NONE) {
        if (status == LINE_TOO_LONG) {
            bad_line(chat, "longer than 8 MiB");
            continue;
        }
        if (length == 0)
            continue;
        cJSON *line = json_parse_object(text, length, &error);
        if (line == NULL) {
            bad_line(chat, error.text);
            continue;
        }
        take_command(chat, text, length, line);
        json_free(line);
    }
    if (chat->input.ended)
        input_ended(chat);
}

/* What was sent is still answered; what would need an answer from the input is denied. */
static void input_ended(struct chat *chat)
{
    loop_unwatch(chat->loop, STDIN_FILENO);
    chat->input_ended = true;
    pipeline_input_ended(chat);
    send_next(chat);
}

int commands_open(struct chat *chat, struct error *error)
{
    line_reader_init(&chat->input, STDIN_FILENO, LINE_LIMIT);
    if (loop_watch(chat->loop, STDIN_FILENO, POLLIN, input_ready, chat) < 0)
        return error_set(error, "watch stdin: out of memory");
    return 0;
}
