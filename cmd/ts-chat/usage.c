/* What calls of the model cost: counted per answer, per turn and for the whole run. */
#include "chat.h"
#include "common/program.h"

cJSON *usage_object(const struct usage *usage)
{
    cJSON *object = cJSON_CreateObject();
    if (object == NULL || json_add_integer(object, "calls", usage->calls) < 0 ||
        json_add_integer(object, "prompt_tokens", usage->prompt_tokens) < 0 ||
        json_add_integer(object, "completion_tokens", usage->completion_tokens) < 0 ||
        json_add_integer(object, "total_tokens", usage->total_tokens) < 0) {
        json_free(object);
        return NULL;
    }
    return object;
}

void usage_add(struct usage *total, const struct usage *part)
{
    total->calls += part->calls;
    total->prompt_tokens += part->prompt_tokens;
    total->completion_tokens += part->completion_tokens;
    total->total_tokens += part->total_tokens;
}

/* What the answer says it cost; a call whose cost is not told is counted, not guessed. */
void usage_take(struct chat *chat, const cJSON *done)
{
    const cJSON *reported = json_object(done, "usage");
    struct usage call = {0};
    if (json_integer(reported, "prompt_tokens", &call.prompt_tokens) &&
        json_integer(reported, "completion_tokens", &call.completion_tokens)) {
        call.calls = 1;
        if (!json_integer(reported, "total_tokens", &call.total_tokens))
            call.total_tokens = call.prompt_tokens + call.completion_tokens;
    }
    chat->turn.last_call = call;
    chat->turn.own_calls++;
    call.calls = 1;
    usage_add(&chat->turn.usage, &call);
    usage_add(&chat->usage, &call);
    if (reported != NULL)
        keep_usage(chat, &call, json_string(done, "model"));
    agent_report_usage(chat, &call);
}

void usage_show(struct chat *chat)
{
    const struct usage *last = &chat->turn.last_call;
    if (last->calls == 0)
        return;
    double window = (double)chat->context_window;
    double used = (double)(last->prompt_tokens + last->completion_tokens);
    double percent = window > 0 ? (double)(int64_t)(used / window * 1000 + 0.5) / 10 : 0;
    const char *effort = config_text(chat->config, "model.reasoning_effort");
    cJSON *event = event_make("status", chat->turn.correlation_id);
    if (event == NULL || json_add_integer(event, "prompt_tokens", last->prompt_tokens) < 0 ||
        json_add_integer(event, "completion_tokens", last->completion_tokens) < 0 ||
        json_add_integer(event, "total_tokens", last->total_tokens) < 0 ||
        json_add_integer(event, "context_window", chat->context_window) < 0 ||
        json_add_number(event, "pct", percent) < 0 ||
        json_add_string(event, "effort", effort != NULL ? effort : "") < 0 ||
        (chat->turn.agents.calls > 0 &&
            json_add(event, "agents", usage_object(&chat->turn.agents)) < 0)) {
        json_free(event);
        event = NULL;
    }
    output_event(chat, event);
}
