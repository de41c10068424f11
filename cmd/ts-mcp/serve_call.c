#include "serve.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "common/program.h"
#include "data/json.h"
#include "io/paths.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PROGRESS_MS = 100,    /* between two reports of one call */
    PROGRESS_SHOWN = 300, /* bytes of one */
    END_MS = 3000,        /* for the stages to end what they run */
    KILL_MS = 2000,       /* and then once more, after SIGTERM */
};

/* Calls. */

static void free_call(struct serve *serve, struct serve_call *call)
{
    struct serve_call **at = &serve->calls;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    serve->call_count--;
    json_free(call->id);
    json_free(call->token);
    free(call);
}

/* A failure is a result too: the model reads why. */
static void answer(
    struct serve *serve, struct serve_call *call, const char *output, const char *status)
{
    cJSON *result = cJSON_CreateObject(), *list = cJSON_CreateArray();
    cJSON *item = cJSON_CreateObject(), *meta = cJSON_CreateObject();
    bool failed = json_add_string(item, "type", "text") < 0 ||
                  json_add_string(item, "text", output) < 0 || list == NULL ||
                  !cJSON_AddItemToArray(list, item);
    failed = json_add(result, "content", list) < 0 || failed;
    failed = json_add_boolean(result, "isError", strcmp(status, "ok") != 0) < 0 || failed;
    failed = json_add_string(meta, "turnstone/status", status) < 0 || failed;
    failed = json_add(result, "_meta", meta) < 0 || failed;
    if (failed)
        die(EXIT_SYSTEM, "out of memory");
    if (call->cancelled)
        json_free(result);
    else
        serve_result(serve, call->id, result);
    free_call(serve, call);
}

static struct serve_call *find_batch(struct serve *serve, const char *batch)
{
    struct serve_call *call = serve->calls;
    while (call != NULL && (batch == NULL || strcmp(call->batch, batch) != 0))
        call = call->next;
    return call;
}

static struct serve_call *find_request(struct serve *serve, const cJSON *id)
{
    struct serve_call *call = serve->calls;
    while (call != NULL && (call->cancelled || !cJSON_Compare(call->id, id, true)))
        call = call->next;
    return call;
}

/* What the stages say. */

static void tell_progress(struct serve *serve, struct serve_call *call, const char *chunk)
{
    char message[PROGRESS_SHOWN];
    int64_t now = clock_monotonic_ms();
    call->progress++;
    if (call->token == NULL || call->cancelled || now < call->next_progress)
        return;
    call->next_progress = now + PROGRESS_MS;
    snprintf(message, sizeof message, "%s", chunk);
    message[strcspn(message, "\r\n")] = '\0';
    cJSON *params = cJSON_CreateObject();
    if (json_add(params, "progressToken", cJSON_Duplicate(call->token, true)) < 0 ||
        json_add_integer(params, "progress", call->progress) < 0 ||
        json_add_string(params, "message", message) < 0) {
        json_free(params);
        return;
    }
    serve_notify(serve, "notifications/progress", params);
}

/* What a tool asks for its own calls goes round once more, where it is decided. */
static bool is_nested(const char *type, const cJSON *line)
{
    return json_get(line, "parent_call_id") != NULL &&
           (strcmp(type, "prepared") == 0 || strcmp(type, "review") == 0 ||
               strcmp(type, "cancel") == 0);
}

static void take_event(
    struct serve *serve, const char *type, const cJSON *line, const char *text, size_t length)
{
    if (is_nested(type, line)) {
        (void)line_channel_send(&serve->pipeline, text, length);
        return;
    }
    if (json_get(line, "parent_call_id") != NULL)
        return;
    struct serve_call *call = find_batch(serve, json_string(line, "call_id"));
    const char *chunk = json_string(line, "chunk"), *output = json_string(line, "output");
    const char *status = json_string(line, "status"), *message = json_string(line, "message");
    if (strcmp(type, "error") == 0 && message != NULL)
        warn("%s", message);
    else if (call != NULL && strcmp(type, "tool_output_chunk") == 0 && chunk != NULL)
        tell_progress(serve, call, chunk);
    else if (call != NULL && strcmp(type, "tool_result") == 0)
        answer(serve, call, output != NULL ? output : "", status != NULL ? status : "unknown");
}

static void pipeline_line(void *context, char *text, size_t length)
{
    struct error error;
    cJSON *line = text != NULL ? json_parse_object(text, length, &error) : NULL;
    const char *type = json_string(line, "type");
    if (type != NULL)
        take_event(context, type, line, text, length);
    else
        warn("the tool pipeline sent a line that is none of its own");
    json_free(line);
}

static void stop_stages(struct serve *serve)
{
    int64_t deadline = clock_monotonic_ms() + END_MS;
    int status;
    line_channel_close(&serve->pipeline);
    for (int i = 0; i < SERVE_STAGES; i++) {
        if (serve->stages[i].pid != 0 && !process_wait(&serve->stages[i], deadline, &status))
            process_signal(&serve->stages[i], SIGTERM);
    }
    deadline = clock_monotonic_ms() + KILL_MS;
    for (int i = 0; i < SERVE_STAGES; i++) {
        if (serve->stages[i].pid != 0 && !process_wait(&serve->stages[i], deadline, &status))
            process_kill(&serve->stages[i]);
    }
}

static void pipeline_ended(void *context)
{
    struct serve *serve = context;
    stop_stages(serve);
    while (serve->calls != NULL)
        answer(serve, serve->calls,
            "unknown: the tool pipeline ended before this call reported; whether it had an effect "
            "is not known",
            "unknown");
}

/* Starting them. */

static int start_stage(struct serve *serve, int index, int input, int output, struct error *error)
{
    static const char *const names[SERVE_STAGES] = {"ts-tool-prep", "ts-approve", "ts-tool-exec"};
    /* The last one hands keys to the tools that are made for them, and to no other. */
    static const unsigned secrets[SERVE_STAGES] = {
        [2] = CONFIG_MODEL_SECRETS | CONFIG_SEARCH_SECRETS};
    char path[PATH_MAX];
    char *argv[] = {(char *)names[index], NULL, NULL, NULL};
    if (index == 1) {
        argv[1] = (char *)"--ask";
        argv[2] = (char *)"never";
    }
    if (paths_helper(path, sizeof path, names[index], error) < 0)
        return -1;
    char **environment = config_export(serve->config, secrets[index]);
    if (environment == NULL)
        return error_set(error, "start %s: out of memory", names[index]);
    const struct spawn spawn = {
        .path = path,
        .argv = argv,
        .environment = environment,
        .descriptors = {input, output, STDERR_FILENO},
        .descriptor_count = 3,
        .group = SPAWN_OWN_GROUP,
    };
    return process_spawn(&serve->stages[index], &spawn, error);
}

static int start_stages(struct serve *serve, int *ends, struct error *error)
{
    if (serve->state.path[0] == '\0' && state_directory_make(&serve->state, error) < 0)
        return -1;
    if (setenv("TS_STATE_DIR", serve->state.path, 1) < 0 || setenv("TS_TOOLS", serve->names, 1) < 0)
        return error_set(error, "out of memory");
    /* ends: read and write end of the pipe before each stage, then of the one behind the last. */
    for (int i = 0; i <= SERVE_STAGES; i++) {
        if (process_pipe(&ends[2 * i], &ends[2 * i + 1]) < 0)
            return error_system(error, "make a pipe");
    }
    for (int i = 0; i < SERVE_STAGES; i++) {
        if (start_stage(serve, i, ends[2 * i], ends[2 * i + 3], error) < 0)
            return -1;
    }
    return 0;
}

static int start_pipeline(struct serve *serve, struct error *error)
{
    int ends[2 * (SERVE_STAGES + 1)];
    for (int i = 0; i < 2 * (SERVE_STAGES + 1); i++)
        ends[i] = -1;
    int result = start_stages(serve, ends, error);
    int to_first = ends[1], from_last = ends[2 * SERVE_STAGES];
    for (int i = 0; i < 2 * (SERVE_STAGES + 1); i++) {
        if (i != 1 && i != 2 * SERVE_STAGES)
            close_descriptor(&ends[i]);
    }
    if (result < 0) {
        close_descriptor(&to_first);
        close_descriptor(&from_last);
    } else if (line_channel_open(&serve->pipeline, serve->loop, to_first, from_last, LINE_LIMIT,
                   pipeline_line, pipeline_ended, serve) < 0) {
        result = error_set(error, "out of memory");
    }
    for (int i = 0; i < SERVE_STAGES && result < 0; i++)
        process_kill(&serve->stages[i]);
    return result;
}

/* Requests. */

static struct serve_call *make_call(struct serve *serve, const cJSON *id, const cJSON *params)
{
    struct serve_call *call = calloc(1, sizeof *call);
    const cJSON *token = json_get(json_object(params, "_meta"), "progressToken");
    if (call == NULL || (call->id = cJSON_Duplicate(id, true)) == NULL ||
        (token != NULL && (call->token = cJSON_Duplicate(token, true)) == NULL))
        die(EXIT_SYSTEM, "out of memory");
    random_hex(call->batch, sizeof call->batch);
    call->next = serve->calls;
    serve->calls = call;
    serve->call_count++;
    return call;
}

/* The batch of one call, without newline. 0, or -1: it is too long. */
static int append_batch(
    struct buffer *text, const struct serve_call *call, const char *name, const cJSON *arguments)
{
    if (buffer_printf(text,
            "{\"type\":\"tool_batch\",\"batch_id\":\"%s\",\"calls\":[{\"call_id\":\"%s\","
            "\"name\":",
            call->batch, call->batch) < 0 ||
        json_append_string(text, name, strlen(name)) < 0 ||
        buffer_append_text(text, ",\"arguments\":") < 0 ||
        (arguments != NULL ? json_append(text, arguments) : buffer_append_text(text, "{}")) < 0)
        return -1;
    return buffer_append_text(text, "}]}");
}

static void begin(struct serve *serve, struct serve_call *call, const cJSON *params)
{
    struct error error;
    struct buffer text;
    if (!line_channel_is_open(&serve->pipeline) && start_pipeline(serve, &error) < 0) {
        error_prefix(&error, "not run: the tool pipeline could not be started: ");
        answer(serve, call, error.text, "error");
        return;
    }
    buffer_init(&text, LINE_LIMIT);
    if (append_batch(&text, call, json_string(params, "name"), json_object(params, "arguments")) <
        0)
        answer(serve, call, "not run: the arguments are too long", "error");
    else
        /* A pipeline that is gone is noticed by pipeline_ended. */
        (void)line_channel_send(&serve->pipeline, text.data, text.length);
    buffer_release(&text);
}

void serve_call(struct serve *serve, const cJSON *id, const cJSON *params)
{
    char text[160];
    const char *name = json_string(params, "name");
    const cJSON *arguments = json_get(params, "arguments");
    if (name == NULL || (arguments != NULL && !cJSON_IsObject(arguments))) {
        serve_error(
            serve, id, MCP_INVALID_PARAMS, "a call has a 'name', and 'arguments', an object");
    } else if (tool_set_find(&serve->tools, name) == NULL) {
        snprintf(text, sizeof text, "there is no tool '%.100s' here", name);
        serve_error(serve, id, MCP_INVALID_PARAMS, text);
    } else if (find_request(serve, id) != NULL) {
        serve_error(serve, id, -32600, "a request with this id is under way");
    } else if (serve->call_count >= SERVE_CALLS_MOST) {
        snprintf(text, sizeof text, "%d calls are under way", SERVE_CALLS_MOST);
        serve_error(serve, id, MCP_INTERNAL_ERROR, text);
    } else {
        begin(serve, make_call(serve, id, params), params);
    }
}

static void send_cancel(struct serve *serve, const struct serve_call *call)
{
    char line[RANDOM_REQUEST_ID_SIZE + 64];
    int length =
        snprintf(line, sizeof line, "{\"type\":\"cancel\",\"batch_id\":\"%s\"}", call->batch);
    (void)line_channel_send(&serve->pipeline, line, (size_t)length);
}

void serve_cancel(struct serve *serve, const cJSON *id)
{
    struct serve_call *call = id != NULL ? find_request(serve, id) : NULL;
    if (call == NULL)
        return; /* it has been answered meanwhile */
    call->cancelled = true;
    send_cancel(serve, call);
}

void serve_call_end(struct serve *serve)
{
    struct error error;
    int64_t deadline = clock_monotonic_ms() + END_MS;
    for (struct serve_call *call = serve->calls; call != NULL; call = call->next)
        send_cancel(serve, call);
    /* The stages end when they have ended what they run, and the reader of the last one stays
     * until then. */
    if (line_channel_is_open(&serve->pipeline))
        (void)line_writer_drain(&serve->pipeline.writer, deadline);
    stop_stages(serve);
    while (serve->calls != NULL)
        free_call(serve, serve->calls);
    (void)state_directory_release(&serve->state, &error);
}
