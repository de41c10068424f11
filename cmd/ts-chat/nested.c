/*
 * Lines of the agents that tools of ours started: they carry the call that
 * started the agent as parent_call_id.
 *
 * What waits for a decision goes round the pipeline once more, where our own
 * approver decides it; the answer leaves the ring at ts-tool-exec, which knows
 * the tool. Everything else is shown, and counted. Nothing of it is ever a
 * result of our own calls.
 */
#include "chat.h"
#include "common/program.h"

#include <string.h>

/* A call of the batch under way that has no result yet. */
static bool is_running(const struct chat *chat, const char *call_id)
{
    return chat->phase == PHASE_TOOLS &&
           conversation_call_is_open(&chat->conversation, agent_inner_id(chat, call_id));
}

static void send_round(struct chat *chat, const char *text, size_t length)
{
    struct buffer line;
    buffer_init(&line, LINE_LIMIT_MODEL);
    if (event_append_spliced(&line, text, length, "correlation_id", chat->turn.correlation_id) < 0)
        chat_die_system(chat, "pass an agent's request on");
    pipeline_send(chat, line.data, line.length);
    buffer_release(&line);
}

static int64_t count_of(const cJSON *line, const char *key)
{
    int64_t number;
    return json_integer(line, key, &number) && number > 0 ? number : 0;
}

static void add_usage(struct chat *chat, const cJSON *line)
{
    const struct usage part = {
        .calls = count_of(line, "calls"),
        .prompt_tokens = count_of(line, "prompt_tokens"),
        .completion_tokens = count_of(line, "completion_tokens"),
        .total_tokens = count_of(line, "total_tokens"),
    };
    usage_add(&chat->turn.agents, &part);
    usage_add(&chat->turn.usage, &part);
    usage_add(&chat->usage, &part);
}

static void count_result(struct chat *chat, const cJSON *line)
{
    const char *status = json_string(line, "status");
    const char *by = json_string(line, "decided_by");
    chat->tool_calls++;
    if (status == NULL || strcmp(status, "denied") != 0)
        return;
    chat->denied++;
    if (by != NULL && (strcmp(by, "nobody") == 0 || strcmp(by, "timeout") == 0))
        chat->unasked++;
}

bool nested_line(struct chat *chat, const char *text, size_t length, const cJSON *line)
{
    static const char *const shown[] = {
        "tool_result", "tool_output_chunk", "tool_info", "info", "error", "usage", "discard", NULL};
    const char *parent = json_string(line, "parent_call_id");
    const char *type = json_string(line, "type");
    if (parent == NULL)
        return false;
    if (strcmp(type, "approval_request") == 0 || strcmp(type, "approval_resolved") == 0 ||
        strcmp(type, "plan_review") == 0)
        return false; /* our own approver asks, as it does for our own calls */
    if (strcmp(type, "cancel") == 0) {
        send_round(chat, text, length); /* its tool has ended: nobody need be asked any more */
        return true;
    }
    if (!is_running(chat, parent))
        return true; /* what comes late is nobody's any more */
    if (strcmp(type, "prepared") == 0 || strcmp(type, "review") == 0) {
        if (chat->turn.stop == STOP_NONE)
            send_round(chat, text, length);
        return true;
    }
    if (strcmp(type, "usage") == 0)
        add_usage(chat, line);
    else if (strcmp(type, "tool_result") == 0)
        count_result(chat, line);
    for (size_t i = 0; shown[i] != NULL; i++) {
        if (strcmp(type, shown[i]) == 0) {
            output_line(chat, text, length);
            break;
        }
    }
    return true;
}
