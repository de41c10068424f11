/*
 * The tool pipeline: ts-tool-prep, ts-approve and ts-tool-exec in a ring of
 * pipes that begins and ends here. Started with the first batch, it lives as
 * long as we do; when a stage dies, the calls under way get a result that says
 * so, and the next batch starts a new ring.
 */
#include "chat.h"
#include "common/program.h"
#include "io/paths.h"

#include "base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STAGE_END_MS = 3000,         /* for the stages to end their work after the end of input */
    ROOM_CHARACTERS = 3,         /* a careful guess at the characters in a token */
    ROOM_LEAST = 4096,           /* characters: what a batch may say even in a full window */
    ANSWER_RESERVE_PERCENT = 15, /* of the window, kept for the model's own words */
    DEFAULT_WINDOW = 131072,     /* tokens, when nobody knows */
};

static const char ended_text[] = "unknown: the tool pipeline ended before this call reported; "
                                 "whether it had an effect is not known";

static void give_up_missing(struct chat *chat, const char *status, const char *text);

bool pipeline_running(const struct chat *chat)
{
    return line_channel_is_open(&chat->pipeline);
}

static bool is_person_asked(const cJSON *decision)
{
    const char *by = json_string(decision, "decided_by");
    return by == NULL || (strcmp(by, "nobody") != 0 && strcmp(by, "timeout") != 0);
}

static void approval_requested(struct chat *chat, const cJSON *line)
{
    const char *request = json_string(line, "request_id");
    snprintf(
        chat->pending_request, sizeof chat->pending_request, "%s", request != NULL ? request : "");
    output_state(chat, "attention");
}

/* A person who cancels at the question (Ctrl-D, or Ctrl-C) cancels the turn. */
static void approval_resolved(struct chat *chat, const cJSON *line)
{
    const cJSON *decision;
    chat->pending_request[0] = '\0';
    output_state(chat, "running");
    cJSON_ArrayForEach(decision, json_array(line, "decisions"))
    {
        const char *by = json_string(decision, "decided_by");
        if (by != NULL && strcmp(by, "cancelled") == 0 && chat->turn.stop == STOP_NONE)
            turn_stop(chat, STOP_CANCEL);
    }
}

static void review_requested(struct chat *chat, const cJSON *line)
{
    const char *request = json_string(line, "request_id");
    snprintf(
        chat->pending_review, sizeof chat->pending_review, "%s", request != NULL ? request : "");
    output_state(chat, "attention");
}

/* How a review ended only its tool is told; what it does then shows that it has. */
static void review_over(struct chat *chat)
{
    if (chat->pending_review[0] == '\0')
        return;
    chat->pending_review[0] = '\0';
    output_state(chat, "running");
}

/* Who has left accepts no plan. */
static void refuse_review(struct chat *chat)
{
    char line[160];
    int length = snprintf(line, sizeof line,
        "{\"type\":\"plan_feedback\",\"request_id\":\"%s\",\"feedback\":\"reject\"}",
        chat->pending_review);
    pipeline_send(chat, line, (size_t)length);
}

static void refuse_pending(struct chat *chat)
{
    char line[160];
    int length = snprintf(line, sizeof line,
        "{\"type\":\"approve\",\"request_id\":\"%s\",\"approved\":false,\"nobody\":true,"
        "\"feedback\":\"nobody is left to ask: the input has ended\"}",
        chat->pending_request);
    pipeline_send(chat, line, (size_t)length);
}

/* An approval that only stdin could answer is refused once stdin has ended. */
void pipeline_input_ended(struct chat *chat)
{
    if (chat->pending_request[0] != '\0')
        refuse_pending(chat);
    if (chat->pending_review[0] != '\0')
        refuse_review(chat);
}

static void keep_result(struct chat *chat, const char *call, const char *name, const char *output)
{
    struct error error;
    chat->result_of = name;
    chat_must(chat, conversation_add_result(&chat->conversation, call, output, &error), &error);
    chat->result_of = NULL;
    chat->tool_calls++;
}

/* The batch waits in the store; the turn is over, the calls stay open. */
static void approval_deferred(struct chat *chat, const cJSON *line)
{
    char text[ERROR_TEXT_SIZE];
    const char *batch = json_string(line, "batch_id");
    const char *request = json_string(line, "request_id");
    if (chat->phase != PHASE_TOOLS || batch == NULL || strcmp(batch, chat->turn.batch_id) != 0)
        return;
    snprintf(text, sizeof text,
        "waiting for approval: 'ts-approve %.12s allow' or 'ts-approve %.12s deny', then "
        "'ts-chat --resume %s'",
        request != NULL ? request : "", request != NULL ? request : "", chat->session_id);
    output_message(chat, "info", text);
    if (chat->one_shot && chat->renderer.pid <= 0)
        warn("%s", text);
    chat->pending = true;
    snprintf(chat->pending_batch, sizeof chat->pending_batch, "%s", batch);
    turn_end(chat, TURN_PENDING, NULL);
}

static void result_arrived(struct chat *chat, const cJSON *line)
{
    const char *call = json_string(line, "call_id");
    const char *output = json_string(line, "output");
    const char *status = json_string(line, "status");
    if (call != NULL)
        call = agent_inner_id(chat, call);
    if (chat->phase != PHASE_TOOLS || !conversation_call_is_open(&chat->conversation, call))
        return;
    keep_result(chat, call, json_string(line, "name"), output != NULL ? output : "");
    if (status != NULL && strcmp(status, "denied") == 0) {
        chat->denied++;
        if (!is_person_asked(line))
            chat->unasked++;
    }
}

static void batch_completed(struct chat *chat, const cJSON *line)
{
    const char *batch = json_string(line, "batch_id");
    const char *feedback = json_string(line, "feedback");
    if (chat->phase != PHASE_TOOLS || batch == NULL || strcmp(batch, chat->turn.batch_id) != 0)
        return;
    if (feedback != NULL && feedback[0] != '\0') {
        free(chat->turn.feedback);
        chat->turn.feedback = strdup(feedback);
    }
    give_up_missing(chat, "unknown", ended_text);
    batch_done(chat);
}

/* What a stage says that is meant for nobody but us, and what everybody sees. */
static void take_line(struct chat *chat, const char *text, size_t length, const cJSON *line)
{
    static const char *const commands[] = {
        "approve", "plan_feedback", "cancel", "tool_batch", "prepared", "decided", "ping", NULL};
    const char *type = json_string(line, "type");
    if (type == NULL)
        return;
    if (nested_line(chat, text, length, line))
        return;
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(type, commands[i]) == 0)
            return; /* it has been round once and everybody has seen it */
    }
    if (strcmp(type, "batch_complete") == 0) {
        batch_completed(chat, line);
        return;
    }
    if (strcmp(type, "approval_request") == 0)
        approval_requested(chat, line);
    else if (strcmp(type, "plan_review") == 0)
        review_requested(chat, line);
    else if (strcmp(type, "tool_result") == 0)
        review_over(chat);
    output_line(chat, text, length);
    if (strcmp(type, "approval_resolved") == 0) {
        approval_resolved(chat, line);
    } else if (strcmp(type, "tool_result") == 0) {
        result_arrived(chat, line);
    } else if (strcmp(type, "approval_deferred") == 0) {
        approval_deferred(chat, line);
    } else if (strcmp(type, "approval_request") == 0 && chat->input_ended && chat->ndjson) {
        refuse_pending(chat);
    } else if (strcmp(type, "plan_review") == 0 && chat->input_ended && chat->ndjson) {
        refuse_review(chat);
    }
}

static void pipeline_line(void *context, char *line, size_t length)
{
    struct chat *chat = context;
    const char *type;
    if (line == NULL) {
        output_message(chat, "error", "tool pipeline: a line over the limit was dropped");
        return;
    }
    if (json_peek_type(line, length, &type) == strlen("tool_output_chunk") &&
        memcmp(type, "tool_output_chunk", strlen("tool_output_chunk")) == 0 &&
        json_check(line, length, NULL) == 0) {
        output_line(chat, line, length);
        return;
    }
    struct error error;
    cJSON *parsed = json_parse_object(line, length, &error);
    if (parsed == NULL) {
        error_prefix(&error, "a line from the tool pipeline: ");
        output_message(chat, "error", error.text);
        return;
    }
    take_line(chat, line, length, parsed);
    json_free(parsed);
}

static void pipeline_ended(void *context)
{
    struct chat *chat = context;
    pipeline_stop(chat);
    if (chat->phase != PHASE_TOOLS)
        return;
    if (chat->turn.stop == STOP_NONE)
        output_message(chat, "error", "the tool pipeline ended while calls were running");
    give_up_missing(chat, "unknown", ended_text);
    batch_done(chat);
}

/* The stages share one place for what they know about this conversation. */
static int set_stage_variables(const struct chat *chat, struct error *error)
{
    if (setenv("TS_STATE_DIR", chat->state_directory.path, 1) < 0 ||
        setenv("TS_SESSION_ID", chat->session_id, 1) < 0 ||
        (chat->tool_names != NULL && setenv("TS_TOOLS", chat->tool_names, 1) < 0) ||
        (chat->store == NULL && setenv("TS_NO_STORE", "1", 1) < 0))
        return error_set(error, "start the tool pipeline: out of memory");
    return 0;
}

static int start_stage(struct chat *chat, int index, int input, int output, struct error *error)
{
    static const char *const names[STAGES] = {"ts-tool-prep", "ts-approve", "ts-tool-exec"};
    /* The last one hands keys to the tools that are made for them, and to no other. */
    static const unsigned secrets[STAGES] = {[2] = CONFIG_MODEL_SECRETS | CONFIG_SEARCH_SECRETS};
    char path[PATH_MAX];
    char *argv[4] = {(char *)names[index], NULL};
    bool approver = index == 1;
    if (paths_helper(path, sizeof path, names[index], error) < 0)
        return -1;
    bool nested = approver && agent_has_parent(chat);
    if (nested) {
        argv[1] = (char *)"--ask";
        argv[2] = (char *)"parent";
    } else if (approver && chat->ndjson &&
               config_origin(chat->config, "approve.ask") == CONFIG_DEFAULT) {
        argv[1] = (char *)"--ask";
        argv[2] = (char *)"lines";
    }
    char **environment = config_export(chat->config, secrets[index]);
    if (environment == NULL)
        return error_set(error, "start %s: out of memory", names[index]);
    struct spawn spawn = {
        .path = path,
        .argv = argv,
        .environment = environment,
        .descriptors = {input, output, STDERR_FILENO, chat->to_parent, chat->from_parent},
        .descriptor_count = nested ? 5 : 3,
        /* The approver reads the terminal: in the background it would be stopped. */
        .group = approver ? SPAWN_SAME_GROUP : SPAWN_OWN_GROUP,
    };
    return process_spawn(&chat->stages[index], &spawn, error);
}

static int start_stages(struct chat *chat, int *ends, struct error *error)
{
    /* ends: read and write end of the pipe before each stage, then of the one behind the last. */
    for (int i = 0; i <= STAGES; i++) {
        if (process_pipe(&ends[2 * i], &ends[2 * i + 1]) < 0)
            return error_system(error, "make a pipe");
    }
    for (int i = 0; i < STAGES; i++) {
        if (start_stage(chat, i, ends[2 * i], ends[2 * i + 3], error) < 0)
            return -1;
    }
    return 0;
}

static int start_pipeline(struct chat *chat, struct error *error)
{
    int ends[2 * (STAGES + 1)];
    for (int i = 0; i < 2 * (STAGES + 1); i++)
        ends[i] = -1;
    if (chat->state_directory.path[0] == '\0' &&
        state_directory_make(&chat->state_directory, error) < 0)
        return -1;
    mcp_open(chat);
    if (set_stage_variables(chat, error) < 0)
        return -1;
    int result = start_stages(chat, ends, error);
    int to_first = ends[1];
    int from_last = ends[2 * STAGES];
    for (int i = 0; i < 2 * (STAGES + 1); i++) {
        if (i != 1 && i != 2 * STAGES)
            close_descriptor(&ends[i]);
    }
    if (result < 0) {
        close_descriptor(&to_first);
        close_descriptor(&from_last);
        for (int i = 0; i < STAGES; i++)
            process_kill(&chat->stages[i]);
        return -1;
    }
    if (line_channel_open(&chat->pipeline, chat->loop, to_first, from_last, LINE_LIMIT,
            pipeline_line, pipeline_ended, chat) < 0)
        return error_set(error, "watch the tool pipeline: out of memory");
    return 0;
}

/* How much all results of the next batch may say together, in characters. */
static int64_t room_left(const struct chat *chat)
{
    int64_t window = chat->context_window > 0 ? chat->context_window : DEFAULT_WINDOW;
    int64_t used = chat->turn.last_call.calls > 0 ? chat->turn.last_call.total_tokens
                                                  : (int64_t)chat->conversation.characters / 4;
    int64_t room = (window - used - window * ANSWER_RESERVE_PERCENT / 100) * ROOM_CHARACTERS;
    return room > ROOM_LEAST ? room : ROOM_LEAST;
}

/* The calls as the pipeline has them: flat, with our names. */
static cJSON *pipeline_calls(const struct chat *chat, const cJSON *tool_calls)
{
    cJSON *calls = cJSON_CreateArray();
    const cJSON *call;
    cJSON_ArrayForEach(call, tool_calls)
    {
        const cJSON *function = json_object(call, "function");
        const char *arguments = json_string(function, "arguments");
        cJSON *entry = cJSON_CreateObject();
        char *id = agent_outer_id(chat, json_string(call, "id"));
        bool failed = entry == NULL || id == NULL || json_add_string(entry, "call_id", id) < 0 ||
                      json_add_string(entry, "name", json_string(function, "name")) < 0 ||
                      json_add_string(entry, "arguments", arguments != NULL ? arguments : "") < 0 ||
                      !cJSON_AddItemToArray(calls, entry);
        free(id);
        if (failed) {
            json_free(entry);
            json_free(calls);
            return NULL;
        }
    }
    return calls;
}

static cJSON *batch_line(struct chat *chat)
{
    cJSON *line = event_make("tool_batch", chat->turn.correlation_id);
    if (line == NULL || json_add_string(line, "batch_id", chat->turn.batch_id) < 0 ||
        json_add_integer(line, "room_chars", room_left(chat)) < 0 ||
        json_add(line, "calls", pipeline_calls(chat, chat->turn.batch_calls)) < 0) {
        json_free(line);
        return NULL;
    }
    return line;
}

void pipeline_send(struct chat *chat, const char *line, size_t length)
{
    /* A ring that is gone is noticed by pipeline_ended. */
    (void)line_channel_send(&chat->pipeline, line, length);
}

void pipeline_send_batch(struct chat *chat)
{
    struct error error;
    struct buffer text;
    if (!pipeline_running(chat) && start_pipeline(chat, &error) < 0) {
        output_message(chat, "error", error.text);
        give_up_missing(chat, "error", "not run: the tool pipeline could not be started");
        batch_done(chat);
        return;
    }
    buffer_init(&text, LINE_LIMIT_MODEL);
    cJSON *line = batch_line(chat);
    if (line == NULL || json_append(&text, line) < 0)
        chat_die_system(chat, "make a tool batch");
    json_free(line);
    bool fits = text.length <= LINE_LIMIT;
    if (fits)
        pipeline_send(chat, text.data, text.length);
    buffer_release(&text);
    if (!fits) {
        give_up_missing(
            chat, "error", "not run: the arguments of this batch are longer than 8 MiB");
        batch_done(chat);
    }
}

/* Exactly one result per call, whatever happened to the ring. */
static void give_up_missing(struct chat *chat, const char *status, const char *text)
{
    bool cancelled = chat->turn.stop != STOP_NONE;
    if (cancelled) {
        status = "cancelled";
        text = "cancelled: whether it had an effect is not known";
    }
    const cJSON *call;
    cJSON_ArrayForEach(call, chat->turn.batch_calls)
    {
        const char *id = json_string(call, "id");
        if (!conversation_call_is_open(&chat->conversation, id))
            continue;
        cJSON *event = event_make("tool_result", chat->turn.correlation_id);
        char *outer = agent_outer_id(chat, id);
        if (event == NULL || outer == NULL || json_add_string(event, "call_id", outer) < 0 ||
            json_add_string(event, "name", json_string(json_object(call, "function"), "name")) <
                0 ||
            json_add_string(event, "status", status) < 0 ||
            json_add_string(event, "output", text) < 0 ||
            json_add_integer(event, "duration_ms", 0) < 0)
            chat_die_system(chat, "make a result");
        free(outer);
        output_event(chat, event);
        keep_result(chat, id, json_string(json_object(call, "function"), "name"), text);
    }
}

void pipeline_cancel(struct chat *chat)
{
    static const char cancel[] = "{\"type\":\"cancel\"}";
    pipeline_send(chat, cancel, sizeof cancel - 1);
}

void pipeline_stop(struct chat *chat)
{
    int status;
    int64_t deadline = clock_monotonic_ms() + STAGE_END_MS;
    /* The end of its input ends each stage; the first's ends the next one's. */
    line_channel_close(&chat->pipeline);
    for (int i = 0; i < STAGES; i++) {
        if (chat->stages[i].pid > 0 && !process_wait(&chat->stages[i], deadline, &status))
            process_kill(&chat->stages[i]);
    }
    chat->pending_request[0] = '\0';
    chat->pending_review[0] = '\0';
}

void pipeline_abandon(struct chat *chat)
{
    pipeline_ended(chat);
}
