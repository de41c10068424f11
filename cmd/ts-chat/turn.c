/*
 * One prompt to its answer: where a turn begins, is stopped, and ends. Every way
 * out of it leads through turn_end.
 */
#include "chat.h"
#include "common/program.h"

#include "agent/system_text.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    STOP_WITHIN_MS = 5000, /* for a cancelled call or batch to stop by itself */
    SURROUNDINGS_LIMIT = 64 << 20,
};

void turn_release(struct turn *turn)
{
    struct buffer partial = turn->partial;
    json_free(turn->message);
    free(turn->feedback);
    free(turn->prompt);
    free(turn->previous_batch);
    buffer_clear(&partial);
    *turn = (struct turn){.partial = partial};
}

/* AGENTS.md is text somebody wrote: it is used, and the person is told that it is. */
static void add_project_instructions(struct chat *chat, struct buffer *text)
{
    char message[ERROR_TEXT_SIZE];
    struct error error;
    if (!config_boolean(chat->config, "session.project_instructions"))
        return;
    long taken = system_text_append_project(text, chat->directory, &error);
    if (taken == 0)
        return;
    if (taken > 0)
        snprintf(message, sizeof message,
            "using AGENTS.md of this project (%ld bytes; --no-project-instructions leaves it out)",
            taken);
    if (taken < 0 || chat->agent == AGENT_NONE) /* an agent's person has been told */
        output_message(chat, "info", taken > 0 ? message : error.text);
}

static void add_prompt(struct chat *chat, const char *message)
{
    struct error error;
    bool first = chat->conversation.count <= 1;
    if (!first) {
        chat_must(chat, conversation_add_user(&chat->conversation, message, &error), &error);
        return;
    }
    struct buffer text;
    buffer_init(&text, SURROUNDINGS_LIMIT);
    if (system_text_append_surroundings(&text, chat->directory) < 0)
        chat_die_system(chat, "make the first message");
    add_project_instructions(chat, &text);
    if (buffer_append_text(&text, message) < 0)
        chat_die_system(chat, "make the first message");
    int result = conversation_add_user(&chat->conversation, text.data, &error);
    buffer_release(&text);
    chat_must(chat, result, &error);
    keep_beginning(chat, message);
}

static void turn_timed_out(void *context)
{
    turn_stop(context, STOP_TIMEOUT);
}

/* Calls that wait for approval come first: with no prompt, or when they have been decided. */
static bool go_on_first(struct chat *chat, const char *message)
{
    if (!chat->pending)
        return false;
    if (message[0] != '\0') {
        if (resume_give_up(chat))
            return false;
        chat->turn.prompt = strdup(message);
        if (chat->turn.prompt == NULL)
            chat_die_system(chat, "keep a prompt");
    }
    resume_continue(chat);
    return true;
}

void turn_begin(struct chat *chat, const struct send *send)
{
    turn_release(&chat->turn);
    memcpy(chat->turn.correlation_id, send->correlation_id, sizeof chat->turn.correlation_id);
    free(chat->answer);
    chat->answer = NULL;
    chat->turn.alias = chat->alias;
    chat->turns++;
    double seconds = config_number(chat->config, "session.timeout");
    if (seconds > 0) {
        chat->turn_timer.call = turn_timed_out;
        chat->turn_timer.context = chat;
        loop_timer_set(
            chat->loop, &chat->turn_timer, clock_monotonic_ms() + (int64_t)(seconds * 1000));
    }
    if (go_on_first(chat, send->message))
        return;
    /* The prompt is on the disk before anything is told; the model need not wait for that. */
    keep_begin(chat);
    add_prompt(chat, send->message);
    turn_call_model(chat);
    line_channel_flush(&chat->model);
    keep_commit(chat);
}

static void stop_overdue(void *context)
{
    struct chat *chat = context;
    if (chat->phase == PHASE_MODEL)
        model_abandon(chat);
    else if (chat->phase == PHASE_TOOLS)
        pipeline_abandon(chat);
}

void turn_stop(struct chat *chat, enum stop stop)
{
    if (chat->phase != PHASE_MODEL && chat->phase != PHASE_TOOLS)
        return;
    bool stronger = stop == STOP_INTERRUPT && chat->turn.stop == STOP_CANCEL;
    if (chat->turn.stop == STOP_NONE || stop == STOP_TERMINATE || stronger)
        chat->turn.stop = stop;
    chat->stop_timer.call = stop_overdue;
    chat->stop_timer.context = chat;
    loop_timer_set(chat->loop, &chat->stop_timer, clock_monotonic_ms() + STOP_WITHIN_MS);
    if (chat->phase == PHASE_MODEL)
        model_cancel(chat);
    else
        pipeline_cancel(chat);
}

static const char *status_word(const struct chat *chat, enum turn_status status)
{
    switch (status) {
    case TURN_OK:
        return "ok";
    case TURN_LIMIT:
        return "limit";
    case TURN_PENDING:
        return "pending";
    case TURN_STOPPED:
        return chat->turn.stop == STOP_TIMEOUT ? "timeout" : "cancelled";
    default:
        return "error";
    }
}

static void note_outcome(struct chat *chat, enum turn_status status, const char *reason)
{
    chat->failed |= status == TURN_ERROR;
    chat->backend_failed |= status == TURN_BACKEND;
    chat->limited |= status == TURN_LIMIT;
    chat->timed_out |= status == TURN_STOPPED && chat->turn.stop == STOP_TIMEOUT;
    if (reason != NULL)
        snprintf(chat->failure, sizeof chat->failure, "%s", reason);
}

void turn_end(struct chat *chat, enum turn_status status, const char *reason)
{
    struct error error;
    loop_timer_cancel(chat->loop, &chat->turn_timer);
    loop_timer_cancel(chat->loop, &chat->stop_timer);
    if (status != TURN_PENDING)
        chat_must(chat,
            conversation_close_calls(&chat->conversation, "not run: the turn ended", &error),
            &error);
    note_outcome(chat, status, reason);
    if (status == TURN_LIMIT && reason != NULL)
        output_message(chat, "info", reason);
    if (status == TURN_STOPPED)
        output_event(chat, event_make("cancelled", chat->turn.correlation_id));
    usage_show(chat);
    chat->phase = PHASE_IDLE;
    output_state(chat, "idle");
    cJSON *event = event_make("turn_complete", chat->turn.correlation_id);
    if (event == NULL || json_add_string(event, "status", status_word(chat, status)) < 0 ||
        json_add(event, "usage", usage_object(&chat->turn.usage)) < 0)
        chat_die_system(chat, "make an event");
    output_event(chat, event);
    enum stop stop = chat->turn.stop;
    turn_release(&chat->turn);
    if (stop == STOP_INTERRUPT || stop == STOP_TERMINATE)
        chat->ended_by = stop;
    else if (stop == STOP_CANCEL && chat->one_shot)
        chat->ended_by = STOP_INTERRUPT;
    if (chat->one_shot || stop == STOP_TERMINATE)
        chat_finish(chat);
    else
        send_next(chat);
}
