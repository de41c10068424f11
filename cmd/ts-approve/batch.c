#include "data/json.h"
#include "common/program.h"
#include "ts-approve/approve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LIMIT = 8 << 20 }; /* bytes of all feedback of a batch together */

static void need(int result)
{
    if (result < 0)
        die(EXIT_SYSTEM, "write a decision: %s", strerror(errno));
}

static void add_item(cJSON *list, cJSON *item)
{
    if (!cJSON_AddItemToArray(list, stage_need(item)))
        die(EXIT_SYSTEM, "out of memory");
}

struct batch *batch_new(cJSON *tree)
{
    cJSON *items = json_array(tree, "items");
    if (!cJSON_IsArray(items))
        return NULL;
    struct batch *batch = stage_need(calloc(1, sizeof *batch));
    batch->entries =
        stage_need(calloc((size_t)cJSON_GetArraySize(items) + 1, sizeof(struct entry)));
    while (items->child != NULL) {
        cJSON *item = cJSON_DetachItemViaPointer(items, items->child);
        batch->entries[batch->count++].item = item;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "items");
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "type");
    batch->line = stage_need(cJSON_CreateObject());
    need(json_add_string(batch->line, "type", "decided"));
    while (tree->child != NULL) {
        cJSON *member = cJSON_DetachItemViaPointer(tree, tree->child);
        if (!cJSON_AddItemToObject(batch->line, member->string, member))
            die(EXIT_SYSTEM, "out of memory");
    }
    const char *id = json_string(batch->line, "batch_id");
    batch->batch_id = id != NULL ? id : "";
    random_hex(batch->request_id, sizeof batch->request_id);
    return batch;
}

void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        json_free(batch->entries[i].item);
        free(batch->entries[i].reason);
        free(batch->entries[i].feedback);
        free(batch->entries[i].why);
    }
    free(batch->entries);
    json_free(batch->line);
    free(batch);
}

size_t batch_open_count(const struct batch *batch)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++)
        count += batch->entries[i].verdict == VERDICT_OPEN;
    return count;
}

struct entry *batch_find(struct batch *batch, const char *call_id)
{
    for (size_t i = 0; i < batch->count; i++) {
        const char *id = json_string(batch->entries[i].item, "call_id");
        if (id != NULL && call_id != NULL && strcmp(id, call_id) == 0)
            return &batch->entries[i];
    }
    return NULL;
}

bool batch_is_nested(const struct batch *batch)
{
    return json_string(batch->line, "parent_call_id") != NULL;
}

const char *decider_name(const char *text)
{
    static const char *const names[] = {
        "person", "always", "policy", "auto", "flag", "filter", "timeout", "cancelled"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text != NULL && strcmp(text, names[i]) == 0)
            return names[i];
    }
    return "nobody";
}

void entry_decide(
    struct entry *entry, enum verdict verdict, const char *decided_by, const char *reason)
{
    entry->verdict = verdict;
    entry->decided_by = decided_by;
    free(entry->reason);
    entry->reason = reason != NULL ? stage_need(strdup(reason)) : NULL;
}

void batch_decide_rest(
    struct batch *batch, enum verdict verdict, const char *decided_by, const char *reason)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->entries[i].verdict == VERDICT_OPEN)
            entry_decide(&batch->entries[i], verdict, decided_by, reason);
    }
}

/* What the views get of a call: not its arguments, which the preview shows. */
static cJSON *wire_item(const struct entry *entry)
{
    static const char *const members[] = {"call_id", "func_name", "header", "preview",
        "approval_label", "needs_approval", "error", "repaired", "outside", "truncated_preview"};
    cJSON *wire = stage_need(cJSON_CreateObject());
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const cJSON *member = json_get(entry->item, members[i]);
        if (strcmp(members[i], "needs_approval") == 0)
            need(json_add_boolean(wire, members[i], entry->asked));
        else if (member != NULL)
            need(json_add(wire, members[i], stage_need(cJSON_Duplicate(member, true))));
    }
    return wire;
}

static cJSON *event(const struct batch *batch, const char *type, bool with_request)
{
    static const char *const copied[] = {"batch_id", "correlation_id", "parent_call_id"};
    cJSON *line = stage_need(cJSON_CreateObject());
    need(json_add_string(line, "type", type));
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        const cJSON *member = json_get(batch->line, copied[i]);
        if (member != NULL)
            need(json_add(line, copied[i], stage_need(cJSON_Duplicate(member, true))));
    }
    if (with_request)
        need(json_add_string(line, "request_id", batch->request_id));
    return line;
}

static void put_items(struct stage *stage, const struct batch *batch, cJSON *line)
{
    cJSON *items = stage_need(cJSON_CreateArray());
    for (size_t i = 0; i < batch->count; i++)
        add_item(items, wire_item(&batch->entries[i]));
    need(json_add(line, "items", items));
    stage_put_tree(stage, line);
}

void batch_put_info(struct stage *stage, const struct batch *batch)
{
    put_items(stage, batch, event(batch, "tool_info", false));
}

void batch_put_deferred(struct stage *stage, const struct batch *batch)
{
    put_items(stage, batch, event(batch, "approval_deferred", true));
}

cJSON *batch_request(const struct approver *approver, const struct batch *batch)
{
    cJSON *line = event(batch, "approval_request", true);
    cJSON *items = stage_need(cJSON_CreateArray());
    for (size_t i = 0; i < batch->count; i++) {
        const struct entry *entry = &batch->entries[i];
        cJSON *item = wire_item(entry);
        char *covers = entry->asked ? always_describe(approver, entry) : NULL;
        if (covers != NULL)
            need(json_add_string(item, "always_covers", covers));
        if (entry->why != NULL)
            need(json_add_string(item, "why", entry->why));
        free(covers);
        add_item(items, item);
    }
    need(json_add(line, "items", items));
    return line;
}

static const char *verdict_name(const struct entry *entry)
{
    return entry->verdict == VERDICT_ALLOW ? "allow" : "deny";
}

static void add_decision(cJSON *line, const struct entry *entry)
{
    need(json_add_string(line, "decision", verdict_name(entry)));
    need(json_add_string(line, "decided_by", entry->decided_by));
    if (entry->reason != NULL)
        need(json_add_string(line, "reason", entry->reason));
    if (entry->place != NULL)
        need(json_add_string(line, "rule", entry->place));
}

void batch_put_resolved(struct stage *stage, const struct batch *batch)
{
    cJSON *line = event(batch, "approval_resolved", true);
    cJSON *decisions = stage_need(cJSON_CreateArray());
    for (size_t i = 0; i < batch->count; i++) {
        const char *id = json_string(batch->entries[i].item, "call_id");
        cJSON *decision = stage_need(cJSON_CreateObject());
        need(json_add_string(decision, "call_id", id != NULL ? id : ""));
        add_decision(decision, &batch->entries[i]);
        add_item(decisions, decision);
    }
    need(json_add(line, "decisions", decisions));
    stage_put_tree(stage, line);
}

/* What was said with approvals: one text for the whole batch, each message once. */
static void add_feedback(struct batch *batch)
{
    struct buffer text;
    buffer_init(&text, TEXT_LIMIT);
    for (size_t i = 0; i < batch->count; i++) {
        const char *feedback = batch->entries[i].feedback;
        if (feedback == NULL || strstr(text.data, feedback) != NULL)
            continue;
        if (text.length > 0)
            need(buffer_append_byte(&text, '\n'));
        need(buffer_append_text(&text, feedback));
    }
    if (text.length > 0)
        need(json_add_string(batch->line, "feedback", text.data));
    buffer_release(&text);
}

void batch_put_decided(struct stage *stage, struct batch *batch)
{
    cJSON *items = stage_need(cJSON_CreateArray());
    add_feedback(batch);
    for (size_t i = 0; i < batch->count; i++) {
        struct entry *entry = &batch->entries[i];
        add_decision(entry->item, entry);
        if (entry->feedback != NULL)
            need(json_add_string(entry->item, "feedback", entry->feedback));
        need(json_add_boolean(entry->item, "seen", entry->seen));
        if (entry->sandbox != NULL)
            need(json_add_string(entry->item, "sandbox_choice", entry->sandbox));
        add_item(items, entry->item);
        entry->item = NULL;
    }
    need(json_add(batch->line, "items", items));
    stage_put_tree(stage, batch->line);
    batch->line = NULL;
}
