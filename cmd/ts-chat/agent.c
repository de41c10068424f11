/*
 * Agent mode: what --agent changes about a run that another conversation
 * started for one task, or for a plan (ts-chat(1)).
 *
 * It has fewer tools, is told what an agent is, may be given another model,
 * and answers within a number of model calls: then it is asked once more,
 * without tools, for all it knows. Its approver asks the conversation that
 * started it, and its calls have names that no other conversation uses.
 */
#include "chat.h"
#include "common/program.h"

#include "agent/system_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_LIMIT = 64 << 10, DESCRIPTOR_MOST = 1024 };

static enum tool_group group_of(const struct chat *chat)
{
    return chat->agent == AGENT_TASK ? TOOL_GROUP_TASK : TOOL_GROUP_AGENT;
}

void agent_read_option(struct chat *chat, const char *value)
{
    if (strcmp(value, "task") == 0)
        chat->agent = AGENT_TASK;
    else if (strcmp(value, "plan") == 0)
        chat->agent = AGENT_PLAN;
    else
        die_usage("--agent: '%s' is neither task nor plan", value);
}

const char *agent_word(const struct chat *chat)
{
    return chat->agent == AGENT_TASK ? "task" : chat->agent == AGENT_PLAN ? "plan" : "chat";
}

/* One of the descriptors that lead to the conversation that started us; -1: nobody is there. */
static int open_descriptor(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    long number = text != NULL ? strtol(text, &end, 10) : -1;
    if (end == NULL || end == text || *end != '\0' || number < 3 || number > DESCRIPTOR_MOST ||
        fcntl((int)number, F_GETFD) < 0)
        return -1;
    return (int)number;
}

/* They become ts-approve's 3 and 4. */
static void find_parent(struct chat *chat)
{
    chat->to_parent = open_descriptor("TS_EVENT_FD");
    chat->from_parent = open_descriptor("TS_ANSWER_FD");
    if (setenv("TS_EVENT_FD", "3", 1) < 0 || setenv("TS_ANSWER_FD", "4", 1) < 0)
        die(EXIT_SYSTEM, "start an agent: %s", strerror(errno));
}

void agent_start(struct chat *chat)
{
    if (chat->agent == AGENT_NONE)
        return;
    if (chat->ndjson)
        die_usage("--agent answers one prompt: it contradicts --ndjson");
    const char *given = getenv("TS_AGENT");
    if (given != NULL && given[0] != '\0')
        die(EXIT_FAILED, "agents cannot start agents");
    if (setenv("TS_AGENT", agent_word(chat), 1) < 0)
        die(EXIT_SYSTEM, "start an agent: %s", strerror(errno));
    find_parent(chat);
    /* The model of the conversation that started it, unless agents have their own. */
    chat->alias = config_text(chat->config, "model.agent_model");
}

/* What is left after the group, and after what the conversation itself was given. */
void agent_keep_tools(struct chat *chat)
{
    struct error error;
    struct buffer names;
    const char *given = getenv("TS_TOOLS");
    if (chat->agent == AGENT_NONE)
        return;
    if (given != NULL && tool_set_keep(&chat->tools, given, &error) < 0)
        die(EXIT_CONFIG, "TS_TOOLS: %s", error.text);
    tool_set_keep_group(&chat->tools, group_of(chat));
    buffer_init(&names, NAMES_LIMIT);
    for (size_t i = 0; i < chat->tools.count; i++) {
        if (buffer_printf(&names, "%s%s", i > 0 ? "," : "", chat->tools.tools[i].name) < 0)
            die(EXIT_SYSTEM, "keep the tool list: %s", strerror(errno));
    }
    if (chat->tools.count == 0 && buffer_append_text(&names, "none") < 0)
        die(EXIT_SYSTEM, "keep the tool list: %s", strerror(errno));
    chat->tool_names = buffer_take(&names);
}

int agent_append_system_text(const struct chat *chat, struct buffer *text)
{
    if (chat->agent == AGENT_NONE)
        return 0;
    return system_text_append_agent(
        text, chat->agent == AGENT_TASK ? SYSTEM_TEXT_TASK : SYSTEM_TEXT_PLAN);
}

/* Planning is worth thinking about, where the model is known to take an effort. */
const char *agent_effort(const struct chat *chat)
{
    return chat->agent == AGENT_PLAN && config_text(chat->config, "model.reasoning_effort") != NULL
               ? "high"
               : NULL;
}

bool agent_turns_used_up(const struct chat *chat)
{
    int64_t most = config_integer(chat->config, "tools.agent_max_turns");
    return chat->agent != AGENT_NONE && !chat->turn.synthesis && most >= 0 &&
           chat->turn.own_calls >= most;
}

static void demand_answer(struct chat *chat, const char *why)
{
    char text[512];
    struct error error;
    snprintf(text, sizeof text,
        "%s No tools are left to you. Give the complete answer now, from what was gathered above; "
        "say what is missing or was not finished.",
        why);
    output_message(chat, "info", "the agent is asked for its answer without further tools");
    chat_must(chat, conversation_add_user(&chat->conversation, text, &error), &error);
}

void agent_synthesise(struct chat *chat, const char *why)
{
    chat->turn.synthesis = true;
    demand_answer(chat, why);
    chat->phase = PHASE_MODEL;
    output_state(chat, "thinking");
    model_request(chat);
}

void agent_report_usage(struct chat *chat, const struct usage *call)
{
    cJSON *event;
    if (chat->agent == AGENT_NONE)
        return;
    event = event_make("usage", chat->turn.correlation_id);
    if (event == NULL || json_add_integer(event, "calls", 1) < 0 ||
        json_add_integer(event, "prompt_tokens", call->prompt_tokens) < 0 ||
        json_add_integer(event, "completion_tokens", call->completion_tokens) < 0 ||
        json_add_integer(event, "total_tokens", call->total_tokens) < 0) {
        json_free(event);
        event = NULL;
    }
    output_event(chat, event);
}

/* Models count their calls from the beginning in every conversation: outside ours, an agent's call
 * is known by both names. */
char *agent_outer_id(const struct chat *chat, const char *id)
{
    char *outer = NULL;
    if (chat->agent == AGENT_NONE)
        return strdup(id);
    return asprintf(&outer, "%s.%s", chat->session_id, id) < 0 ? NULL : outer;
}

const char *agent_inner_id(const struct chat *chat, const char *id)
{
    size_t length = strlen(chat->session_id);
    if (chat->agent == AGENT_NONE || strncmp(id, chat->session_id, length) != 0 ||
        id[length] != '.')
        return id;
    return id + length + 1;
}

bool agent_has_parent(const struct chat *chat)
{
    return chat->agent != AGENT_NONE && chat->to_parent >= 0 && chat->from_parent >= 0;
}
