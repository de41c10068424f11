/* The result line, the exit code, and the children taken down. */
#include "chat.h"
#include "common/program.h"

#include "base/clock.h"

#include <stdlib.h>

/* When several apply, the first of these: 130, 143, 124, 3, 4, 6, 1, 5, 0. */
int chat_exit_code(const struct chat *chat)
{
    if (chat->died != EXIT_DONE)
        return (int)chat->died;
    if (chat->ended_by == STOP_INTERRUPT)
        return EXIT_INTERRUPTED;
    if (chat->ended_by == STOP_TERMINATE)
        return EXIT_TERMINATED;
    if (chat->timed_out)
        return EXIT_TIMED_OUT;
    if (chat->config_failed)
        return EXIT_CONFIG;
    if (chat->backend_failed)
        return EXIT_BACKEND;
    if (chat->limited)
        return EXIT_LIMIT;
    if (chat->failed)
        return EXIT_FAILED;
    if (chat->unasked > 0 || chat->pending)
        return EXIT_DENIED;
    return EXIT_DONE;
}

static const char *status_word(const struct chat *chat, int code)
{
    switch (code) {
    case EXIT_DONE:
        return "ok";
    case EXIT_INTERRUPTED:
        return "interrupted";
    case EXIT_TERMINATED:
        return "terminated";
    case EXIT_TIMED_OUT:
        return "timeout";
    case EXIT_BACKEND:
        return "backend";
    case EXIT_LIMIT:
        return "limit";
    case EXIT_DENIED:
        return chat->pending ? "pending" : "denied";
    default:
        return "error";
    }
}

static const char *reason(const struct chat *chat, int code)
{
    switch (code) {
    case EXIT_DONE:
        return "done";
    case EXIT_INTERRUPTED:
        return "interrupted";
    case EXIT_TERMINATED:
        return "terminated";
    case EXIT_TIMED_OUT:
        return "the time given was used up";
    case EXIT_DENIED:
        if (chat->pending)
            return "a tool call waits for approval";
        return "a tool call was denied because nobody could be asked";
    default:
        return chat->failure;
    }
}

void chat_write_result(struct chat *chat)
{
    int code = chat_exit_code(chat);
    cJSON *event = event_make("result", NULL);
    if (event == NULL || json_add_string(event, "status", status_word(chat, code)) < 0 ||
        json_add_integer(event, "exit_code", code) < 0 ||
        json_add_string(event, "exit_reason", reason(chat, code)) < 0 ||
        json_add_string(event, "session_id", chat->session_id) < 0 ||
        json_add_string(event, "model", chat->model_name) < 0 ||
        json_add_integer(event, "turns", chat->turns) < 0 ||
        json_add_integer(event, "tool_calls", chat->tool_calls) < 0 ||
        json_add_integer(event, "denied", chat->denied) < 0 ||
        json_add(event, "usage", usage_object(&chat->usage)) < 0 ||
        json_add_integer(event, "duration_ms", clock_monotonic_ms() - chat->started) < 0 ||
        json_add_string(event, "text", chat->answer != NULL ? chat->answer : "") < 0) {
        json_free(event);
        event = NULL;
    }
    output_event(chat, event);
}

void chat_finish(struct chat *chat)
{
    if (chat->phase == PHASE_ENDED)
        return;
    chat->phase = PHASE_ENDED;
    model_announce(chat);
    chat_write_result(chat);
    loop_stop(chat->loop);
}

void chat_take_down(struct chat *chat)
{
    struct error error;
    model_stop(chat);
    pipeline_stop(chat);
    mcp_close(chat);
    if (state_directory_release(&chat->state_directory, &error) < 0)
        warn("%s", error.text);
}
