/*
 * ts-tool-prep: tool-call batches in, the same prepared for a decision out.
 *
 * Lines leave in the order they came. A batch whose previews are still being
 * made holds back what came behind it, but never the reading: stdin is always
 * taken, and a cancel line acts at once on the batches that wait.
 */
#include "agent/project_tools.h"
#include "base/random.h"
#include "common/mcp_tools.h"
#include "common/program.h"
#include "common/stage.h"
#include "data/config.h"
#include "data/json.h"
#include "ts-tool-prep/check.h"
#include "ts-tool-prep/item.h"
#include "ts-tool-prep/preview.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALLS_MOST = 256,          /* of one batch */
    PREVIEWS_AT_ONCE = 4,      /* programs of one batch that run at the same time */
    PREVIEW_LIMIT = 256 << 10, /* bytes of one preview */
    PREVIEWS_LIMIT = 1 << 20,  /* bytes of all previews of a batch */
    PREVIEW_LEAST = 2 << 10,   /* what each preview gets in the largest batch */
    HELD_LIMIT = 64 << 20,     /* bytes of lines behind a batch that is not ready */
    PREPARE_MS = 1000,         /* time for one preview, unless an option says otherwise */
};

enum option_id {
    OPTION_CHECK = OPTION_LONG,
    OPTION_CONFIG,
    OPTION_PROJECT,
    OPTION_PREPARE_TIMEOUT,
};

static const struct option_spec options[] = {
    {OPTION_CHECK, "check", "DIR", "check the tool definitions in DIR, list them, and exit"},
    {OPTION_CONFIG, "config", "FILE", "read FILE instead of the user's configuration"},
    {OPTION_PROJECT, "project", "DIR", "the project; paths begin there (default: here)"},
    {OPTION_PREPARE_TIMEOUT, "prepare-timeout", "MS", "time for one preview (default: 1000)"},
    {0},
};

struct prep;

struct batch {
    struct prep *prep;
    cJSON *line; /* the prepared line, still without its items */
    struct batch_item *items;
    size_t count;
    size_t next;    /* the first item whose preview was not started */
    size_t running; /* previews under way */
    bool cancelled;
};

struct batch_item {
    struct item item;
    struct batch *batch;
    struct preview *preview; /* under way; NULL otherwise */
};

/* What leaves, in order: a line as it came, or a batch. */
struct output {
    struct output *next;
    struct batch *batch;
    char *line;
    size_t length;
};

struct prep {
    struct stage stage;
    struct config *config;
    struct tool_set tools;
    struct scope scope;
    struct item_setting items;
    struct preview_setting previews;
    char **environment;
    struct output *first, **last;
    size_t held; /* bytes of lines that wait behind a batch */
};

/* Output in order. */

static bool batch_ready(const struct batch *batch)
{
    return batch->running == 0 && (batch->cancelled || batch->next == batch->count);
}

static void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        item_release(&batch->items[i].item);
    free(batch->items);
    json_free(batch->line);
    free(batch);
}

static size_t preview_share(const struct batch *batch)
{
    size_t share = PREVIEWS_LIMIT / (batch->count > 0 ? batch->count : 1);
    return share < PREVIEW_LEAST ? PREVIEW_LEAST : share > PREVIEW_LIMIT ? PREVIEW_LIMIT : share;
}

static cJSON *item_list(const struct batch *batch)
{
    cJSON *list = stage_need(cJSON_CreateArray());
    for (size_t i = 0; i < batch->count; i++) {
        cJSON *item = item_line(&batch->items[i].item, &batch->prep->items, preview_share(batch));
        if (!cJSON_AddItemToArray(list, item))
            die(EXIT_SYSTEM, "out of memory");
    }
    return list;
}

static void put_text(struct prep *prep, struct batch *batch, struct buffer *text)
{
    if (json_add(batch->line, "items", item_list(batch)) < 0 || json_append(text, batch->line) < 0)
        die(EXIT_SYSTEM, "write a batch: %s", strerror(errno));
    if (text->length <= LINE_LIMIT) {
        stage_put(&prep->stage, text->data, text->length);
        return;
    }
    /* Nobody could read the line: every call is answered with a sentence instead. */
    for (size_t i = 0; i < batch->count; i++) {
        struct item *item = &batch->items[i].item;
        buffer_clear(&item->preview);
        item_fail(
            item, "Error: the calls of this batch are larger than %d bytes together", LINE_LIMIT);
    }
    cJSON_DeleteItemFromObjectCaseSensitive(batch->line, "items");
    if (json_add(batch->line, "items", item_list(batch)) < 0)
        die(EXIT_SYSTEM, "out of memory");
    stage_put_tree(&prep->stage, batch->line);
    batch->line = NULL;
}

static void put_batch(struct prep *prep, struct batch *batch)
{
    struct buffer text;
    buffer_init(&text, (size_t)LINE_LIMIT * 8);
    if (batch->cancelled && json_add_boolean(batch->line, "cancelled", true) < 0)
        die(EXIT_SYSTEM, "out of memory");
    put_text(prep, batch, &text);
    buffer_release(&text);
    batch_free(batch);
}

static void put_ready(struct prep *prep)
{
    while (prep->first != NULL && (prep->first->batch == NULL || batch_ready(prep->first->batch))) {
        struct output *output = prep->first;
        prep->first = output->next;
        if (prep->first == NULL)
            prep->last = &prep->first;
        if (output->batch != NULL) {
            put_batch(prep, output->batch);
        } else {
            stage_put(&prep->stage, output->line, output->length);
            prep->held -= output->length;
        }
        free(output->line);
        free(output);
    }
    if (prep->first == NULL && prep->stage.input_ended)
        stage_finish(&prep->stage, EXIT_DONE);
}

static void hold(struct prep *prep, struct output output)
{
    struct output *copy = stage_need(malloc(sizeof *copy));
    *copy = output;
    *prep->last = copy;
    prep->last = &copy->next;
}

static void forward(struct prep *prep, const char *line, size_t length)
{
    if (prep->first == NULL) {
        stage_put(&prep->stage, line, length);
        return;
    }
    prep->held += length;
    if (prep->held > HELD_LIMIT)
        die(EXIT_SYSTEM, "more than %d bytes of lines wait behind a batch", HELD_LIMIT);
    char *copy = stage_need(malloc(length + 1));
    memcpy(copy, line, length);
    hold(prep, (struct output){.line = copy, .length = length});
}

/* Batches. */

static void start_previews(struct batch *batch);

static void preview_ended(
    void *context, enum preview_outcome outcome, cJSON *answer, const struct error *error)
{
    struct batch_item *item = context;
    struct batch *batch = item->batch;
    item->preview = NULL;
    if (outcome == PREVIEW_MADE)
        item_take_answer(&item->item, answer);
    else if (outcome == PREVIEW_JAILED_NOT)
        item_show_arguments(&item->item, error->text);
    else
        item_fail(&item->item, "Error: %s", error->text);
    json_free(answer);
    batch->running--;
    start_previews(batch);
    put_ready(batch->prep);
}

static void start_previews(struct batch *batch)
{
    while (batch->next < batch->count && batch->running < PREVIEWS_AT_ONCE && !batch->cancelled) {
        struct batch_item *item = &batch->items[batch->next++];
        const struct tool_definition *tool = item->item.tool;
        struct error error;
        if (item->item.has_error || tool->preview_kind != TOOL_PREVIEW_PROGRAM)
            continue;
        item->preview = preview_start(&batch->prep->previews, tool, item->item.call_id,
            item->item.arguments, item->item.paths, preview_ended, item, &error);
        if (item->preview == NULL)
            item_fail(&item->item, "Error: %s", error.text);
        else
            batch->running++;
    }
}

/* Two results for one id could not be told apart. */
static void refuse_repeated(const struct batch *batch, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(batch->items[i].item.call_id, batch->items[index].item.call_id) == 0)
            item_fail(&batch->items[index].item, "Error: the call id '%s' is given twice",
                batch->items[index].item.call_id);
    }
}

/* Everything of the line but its calls and the type, which is another one now. */
static cJSON *prepared_line(cJSON *tree)
{
    char minted[RANDOM_SESSION_ID_SIZE + 6] = "batch_";
    random_hex(minted + 6, sizeof minted - 6);
    cJSON *line = stage_need(cJSON_CreateObject());
    const char *id = json_string(tree, "batch_id");
    if (json_add_string(line, "type", "prepared") < 0 ||
        json_add_string(line, "batch_id", id != NULL && id[0] != '\0' ? id : minted) < 0)
        die(EXIT_SYSTEM, "out of memory");
    static const char *const replaced[] = {
        "type", "batch_id", "calls", "tool_calls", "items", "cancelled"};
    for (size_t i = 0; i < sizeof replaced / sizeof replaced[0]; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(tree, replaced[i]);
    cJSON *next;
    for (cJSON *member = tree->child; member != NULL; member = next) {
        next = member->next;
        cJSON_DetachItemViaPointer(tree, member);
        if (!cJSON_AddItemToObject(line, member->string, member))
            die(EXIT_SYSTEM, "out of memory");
    }
    return line;
}

static void take_batch(struct prep *prep, cJSON *tree)
{
    cJSON *calls = json_array(tree, "calls");
    if (calls == NULL)
        calls = json_array(tree, "tool_calls");
    if (!cJSON_IsArray(calls)) {
        stage_put_error(&prep->stage, "tool_batch without a list 'calls'");
        return;
    }
    struct batch *batch = stage_need(calloc(1, sizeof *batch));
    batch->prep = prep;
    batch->count = (size_t)cJSON_GetArraySize(calls);
    batch->items = stage_need(calloc(batch->count + 1, sizeof *batch->items));
    size_t index = 0;
    const cJSON *call;
    cJSON_ArrayForEach(call, calls)
    {
        struct batch_item *item = &batch->items[index];
        item->batch = batch;
        item_init(&item->item, &prep->items, call);
        if (index >= CALLS_MOST)
            item_fail(&item->item, "Error: more than %d calls in one batch", CALLS_MOST);
        refuse_repeated(batch, index++);
    }
    batch->line = prepared_line(tree);
    hold(prep, (struct output){.batch = batch});
    start_previews(batch);
    put_ready(prep);
}

/* Cancelling. */

static void cancel_batch(struct batch *batch)
{
    batch->cancelled = true;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].preview == NULL)
            continue;
        preview_cancel(batch->items[i].preview);
        batch->items[i].preview = NULL;
        batch->running--;
    }
}

static void cancel(struct prep *prep, const char *batch_id)
{
    for (struct output *output = prep->first; output != NULL; output = output->next) {
        if (output->batch != NULL &&
            (batch_id == NULL ||
                strcmp(json_string(output->batch->line, "batch_id"), batch_id) == 0))
            cancel_batch(output->batch);
    }
}

/* Lines. */

static void take_line(void *context, cJSON *tree, const char *line, size_t length)
{
    struct prep *prep = context;
    const char *type = json_string(tree, "type");
    if (type != NULL && strcmp(type, "tool_batch") == 0) {
        take_batch(prep, tree);
        return;
    }
    if (type != NULL && strcmp(type, "cancel") == 0)
        cancel(prep, json_string(tree, "batch_id"));
    forward(prep, line, length);
    put_ready(prep);
}

static void input_ended(void *context)
{
    put_ready(context);
}

static bool stopped(void *context, int signal)
{
    (void)signal;
    cancel(context, NULL);
    return true;
}

/* Start. */

static void set_up(struct prep *prep, const char *project, int64_t milliseconds)
{
    struct error error;
    if (tool_set_load(&prep->tools, config_text(prep->config, "tools.tools_dir"), &error) < 0 ||
        scope_init(&prep->scope, project, prep->config, &error) < 0 ||
        project_tools_add(&prep->tools, prep->scope.project, NULL, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
    mcp_tools_take(&prep->tools, prep->config);
    /* What was not offered is not there, whatever the model calls. */
    const char *offered = getenv("TS_TOOLS");
    if (offered != NULL && tool_set_keep(&prep->tools, offered, &error) < 0)
        die(EXIT_CONFIG, "TS_TOOLS: %s", error.text);
    prep->environment = stage_need(config_export(prep->config, CONFIG_NO_SECRETS));
    prep->items = (struct item_setting){
        .tools = &prep->tools,
        .scope = &prep->scope,
        .timeout = config_number(prep->config, "tools.timeout"),
    };
    prep->stage = (struct stage){
        .program = "ts-tool-prep",
        .line = take_line,
        .ended = input_ended,
        .signal = stopped,
        .context = prep,
    };
    prep->last = &prep->first;
    stage_start(&prep->stage);
    prep->previews = (struct preview_setting){
        .loop = prep->stage.loop,
        .project = prep->scope.project,
        .environment = prep->environment,
        .sandbox_off = strcmp(config_text(prep->config, "tools.sandbox"), "off") == 0,
        .milliseconds = milliseconds,
    };
}

int main(int argc, char **argv)
{
    const struct program program = {
        .name = "ts-tool-prep",
        .synopsis = "[options]",
        .purpose = "prepares batches of tool calls for a decision",
        .options = options,
        .shared_options = config_options(CONFIG_FOR_TOOLS),
    };
    struct {
        int id;
        const char *value;
    } settings[64];
    size_t count = 0;
    const char *value, *project = NULL, *file = NULL, *check = NULL;
    int64_t milliseconds = PREPARE_MS;
    int id;
    program_start(&program, argc, argv);
    while ((id = program_option(&value)) != OPTION_END) {
        switch (id) {
        case OPTION_CHECK:
            check = value;
            break;
        case OPTION_CONFIG:
            file = value;
            break;
        case OPTION_PROJECT:
            project = value;
            break;
        case OPTION_PREPARE_TIMEOUT:
            milliseconds = program_integer("prepare-timeout", value, 1, 60000);
            break;
        default:
            if (count == sizeof settings / sizeof settings[0])
                die_usage("too many options");
            settings[count].id = id;
            settings[count++].value = value;
        }
    }
    if (argv[program_operand()] != NULL)
        die_usage("unexpected operand '%s'", argv[program_operand()]);
    if (check != NULL)
        program_exit(check_definitions(check));

    struct prep prep = {0};
    struct error error;
    prep.config = config_load(file, warn, &error);
    if (prep.config == NULL)
        die_config(&error);
    for (size_t i = 0; i < count; i++) {
        if (config_set_option(prep.config, settings[i].id, settings[i].value, &error) < 0)
            die_usage("%s", error.text);
    }
    set_up(&prep, project, milliseconds);
    int code = stage_run(&prep.stage);
    tool_set_release(&prep.tools);
    scope_release(&prep.scope);
    config_free(prep.config);
    return code;
}
