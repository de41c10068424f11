#include "nested.h"

#include "call.h"
#include "common/program.h"
#include "data/json.h"

#include <errno.h>
#include <string.h>

enum {
    BYTES_MOST = 32 << 20, /* put out for one call: four of them fit into what a stage queues */
    LINES_MOST = 50000,
};

static const char nobody_left[] = "the input has ended, so nobody can be asked";
static const char too_much[] = "[more is reported, but not shown here]";

static bool is_one_of(const char *type, const char *const *types)
{
    for (; *types != NULL; types++) {
        if (strcmp(type, *types) == 0)
            return true;
    }
    return false;
}

static void need(int result)
{
    if (result < 0)
        die(EXIT_SYSTEM, "pass on what a tool reports: %s", strerror(errno));
}

/* Whose line it is, whatever the tool says, and without what only ts-chat may say. */
static void mark(const struct call *call, cJSON *tree)
{
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "parent_call_id");
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "correlation_id");
    need(json_add_string(tree, "parent_call_id", call->id));
}

static bool within_bounds(const struct nested *nested)
{
    return nested->put < BYTES_MOST && nested->lines < LINES_MOST;
}

static void put(struct call *call, cJSON *tree)
{
    struct buffer text;
    mark(call, tree);
    buffer_init(&text, (size_t)LINE_LIMIT * 8);
    need(json_append(&text, tree));
    call->nested.put += text.length;
    call->nested.lines++;
    stage_put(call->setting->stage, text.data, text.length);
    buffer_release(&text);
    json_free(tree);
}

/* What is shown to a person: up to a bound, which is said once. */
static void show(struct call *call, cJSON *tree)
{
    if (within_bounds(&call->nested)) {
        put(call, tree);
        if (within_bounds(&call->nested))
            return;
        tree = stage_need(cJSON_CreateObject());
        need(json_add_string(tree, "type", "info"));
        need(json_add_string(tree, "message", too_much));
        put(call, tree);
    } else {
        json_free(tree);
    }
}

/* Requests. */

static const char *request_id(const cJSON *tree, bool review)
{
    return json_string(tree, review ? "request_id" : "batch_id");
}

static int find_open(const struct nested *nested, const char *id, bool review)
{
    for (int i = 0; i < NESTED_OPEN_MOST; i++) {
        if (strcmp(nested->open[i].id, id) == 0 &&
            (id[0] == '\0' || nested->open[i].review == review))
            return i;
    }
    return -1;
}

static void answer_tree(struct call *call, const cJSON *tree)
{
    struct buffer text;
    buffer_init(&text, (size_t)LINE_LIMIT * 8);
    need(json_append(&text, tree));
    call_answer(call, text.data, text.length);
    buffer_release(&text);
}

/* What nobody can decide is denied. */
static void deny(struct call *call, const cJSON *request, bool review, const char *reason)
{
    cJSON *answer = stage_need(cJSON_Duplicate(request, true));
    cJSON *item;
    cJSON_DeleteItemFromObjectCaseSensitive(answer, "type");
    need(json_add_string(answer, "type", review ? "reviewed" : "decided"));
    if (review)
        need(json_add_string(answer, "verdict", "unreviewed"));
    cJSON_ArrayForEach(item, json_array(answer, "items"))
    {
        if (!cJSON_IsObject(item))
            continue;
        static const char *const decided[] = {"decision", "decided_by", "reason"};
        const char *const values[] = {"deny", "nobody", reason};
        for (size_t i = 0; i < sizeof decided / sizeof decided[0]; i++) {
            cJSON_DeleteItemFromObjectCaseSensitive(item, decided[i]);
            need(json_add_string(item, decided[i], values[i]));
        }
    }
    answer_tree(call, answer);
    json_free(answer);
}

/* Takes tree. A request without an id can have no answer, and is none. */
static void ask(struct call *call, cJSON *tree, bool review)
{
    struct nested *nested = &call->nested;
    const char *id = request_id(tree, review);
    bool formed = id != NULL && id[0] != '\0' && strlen(id) < NESTED_ID_SIZE &&
                  (review || json_array(tree, "items") != NULL) &&
                  find_open(nested, id, review) < 0;
    int slot = formed ? find_open(nested, "", false) : -1;
    bool anybody = !call->setting->stage->input_ended;
    if (formed && slot >= 0 && anybody && within_bounds(nested)) {
        memcpy(nested->open[slot].id, id, strlen(id) + 1);
        nested->open[slot].review = review;
        nested->open[slot].request = stage_need(cJSON_Duplicate(tree, true));
        put(call, tree);
        return;
    }
    if (formed)
        deny(call, tree, review, anybody ? "the call has asked for too much at once" : nobody_left);
    json_free(tree);
}

bool nested_take(struct call *call, cJSON *tree)
{
    static const char *const shown[] = {"tool_result", "tool_info", "info", "usage", NULL};
    const char *type = json_string(tree, "type");
    if (call->tool->sandbox != TOOL_SANDBOX_SELF || type == NULL)
        return false;
    if (strcmp(type, "prepared") == 0)
        ask(call, tree, false);
    else if (strcmp(type, "review") == 0)
        ask(call, tree, true);
    else if (is_one_of(type, shown) ||
             (strcmp(type, "tool_output_chunk") == 0 && json_string(tree, "call_id") != NULL))
        show(call, tree);
    else
        return false;
    return true;
}

static void forget(struct nested *nested, int slot)
{
    json_free(nested->open[slot].request);
    nested->open[slot].request = NULL;
    nested->open[slot].id[0] = '\0';
}

/* Whether the call waits for this; it does not any longer. */
static bool close_request(struct call *call, const cJSON *tree, bool review)
{
    const char *id = request_id(tree, review);
    int slot = id != NULL && id[0] != '\0' ? find_open(&call->nested, id, review) : -1;
    if (slot < 0)
        return false;
    forget(&call->nested, slot);
    return true;
}

void nested_answer(struct call *call, const cJSON *tree, const char *line, size_t length)
{
    const char *type = json_string(tree, "type");
    if (close_request(call, tree, strcmp(type, "reviewed") == 0))
        call_answer(call, line, length);
}

void nested_unanswered(struct call *call, const cJSON *tree)
{
    bool review = strcmp(json_string(tree, "type"), "review") == 0;
    if (close_request(call, tree, review))
        deny(call, tree, review, "nobody decides on what a tool asks");
}

void nested_abandon(struct call *call)
{
    for (int i = 0; i < NESTED_OPEN_MOST; i++) {
        if (call->nested.open[i].id[0] == '\0')
            continue;
        deny(call, call->nested.open[i].request, call->nested.open[i].review, nobody_left);
        forget(&call->nested, i);
    }
}

void nested_end(struct call *call)
{
    for (int i = 0; i < NESTED_OPEN_MOST; i++) {
        const char *id = call->nested.open[i].id;
        if (id[0] == '\0')
            continue;
        cJSON *cancel = stage_need(cJSON_CreateObject());
        need(json_add_string(cancel, "type", "cancel"));
        need(json_add_string(cancel, "batch_id", id));
        if (call->nested.open[i].review)
            need(json_add_string(cancel, "request_id", id));
        put(call, cancel);
        forget(&call->nested, i);
    }
}

void nested_release(struct nested *nested)
{
    for (int i = 0; i < NESTED_OPEN_MOST; i++)
        forget(nested, i);
}
