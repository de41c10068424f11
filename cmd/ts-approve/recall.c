/* A batch that comes again: its request was put off, or a process died over it. */
#include "base/buffer.h"
#include "common/program.h"
#include "data/json.h"
#include "io/doorbell.h"
#include "ts-approve/record.h"

#include <stdlib.h>
#include <string.h>

/* What the rows of a batch say together. */
struct recall {
    struct approver *approver;
    struct batch *batch;
    struct store *store;
    const char *session;
    bool released;  /* some of it was handed out before */
    size_t waiting; /* open calls that stand in the request */
};

static bool is_same_member(const cJSON *item, const cJSON *other, const char *key)
{
    const cJSON *one = json_get(item, key), *two = json_get(other, key);
    return one == NULL || two == NULL ? one == two : cJSON_Compare(one, two, true);
}

/* Whether a row is about this very call: its tool, as that was defined, its arguments, and where
 * and how it would run. */
static bool is_same_call(const struct approver *approver, const struct store_approval_call *call,
    const struct entry *entry)
{
    static const char *const members[] = {
        "func_name", "arguments", "definition_hash", "paths", "sandbox", "network"};
    cJSON *item = json_parse_object(call->item, strlen(call->item), NULL);
    const char *project = json_string(item, "project");
    bool same = project != NULL && strcmp(project, approver->project) == 0;
    for (size_t i = 0; same && i < sizeof members / sizeof members[0]; i++)
        same = is_same_member(item, entry->item, members[i]);
    json_free(item);
    return same;
}

/* Ids of calls are the model's and may come again: a row counts for its batch. By hand, without a
 * session, only what was put off counts, also in another batch while it waits to be used. */
static bool is_meant(const struct recall *recall, const struct store_approval *approval,
    const struct store_approval_call *call)
{
    bool same_batch =
        approval->batch_id != NULL && strcmp(approval->batch_id, recall->batch->batch_id) == 0;
    if (recall->session[0] != '\0')
        return same_batch;
    return approval->deferred && (same_batch || call->claimed == NULL);
}

/* Nobody can answer it any more, or an answer would be of no use. */
static void close_request(const struct recall *recall, const char *request_id)
{
    struct error error;
    if (store_approval_resolve(
            recall->store, request_id, "cancelled", "cancelled", NULL, 0, &error) < 0)
        warn("close a request that was abandoned: %s", error.text);
}

/* 1 when the decision is ours to use. */
static int claim(const struct recall *recall, const struct store_approval *approval,
    const struct store_approval_call *call)
{
    struct error error;
    int claimed = store_approval_claim(recall->store, approval->request_id, call->call_id, &error);
    if (claimed < 0)
        warn("note that a call is handed out: %s", error.text);
    return claimed;
}

static bool has_error(const struct entry *entry)
{
    return json_string(entry->item, "error") != NULL;
}

/* The call has become another one: its tool, or the place. What was asked and said does not count
 * for it. */
static void drop_request(const struct recall *recall, const struct store_approval *approval,
    const struct store_approval_call *call)
{
    if (strcmp(approval->status, "pending") == 0)
        close_request(recall, approval->request_id);
    (void)claim(recall, approval, call);
}

static void use_decision(struct recall *recall, struct entry *entry,
    const struct store_approval *approval, const struct store_approval_call *call)
{
    recall->released |= call->claimed != NULL;
    int claimed = claim(recall, approval, call);
    if (entry->verdict == VERDICT_DENY || has_error(entry))
        return; /* an answer does not change that, but it is used up */
    if (claimed == 1)
        record_apply(entry, call);
    else
        entry_decide(entry, VERDICT_DENY, "nobody", record_maybe_ran);
}

static void take_call(struct recall *recall, struct entry *entry,
    const struct store_approval *approval, const struct store_approval_call *call)
{
    struct batch *batch = recall->batch;
    bool pending = strcmp(approval->status, "pending") == 0;
    if (!is_meant(recall, approval, call))
        return;
    if (!approval->deferred && pending) {
        if (approval->doorbell == NULL || !doorbell_is_attended(approval->doorbell))
            close_request(recall, approval->request_id);
        return;
    }
    /* Decided, but the process died before it handed anything out: it is asked anew. */
    if (!approval->deferred && call->claimed == NULL)
        return;
    if (!is_same_call(recall->approver, call, entry) && !has_error(entry)) {
        if (recall->session[0] != '\0')
            drop_request(recall, approval, call);
        return;
    }
    memcpy(batch->request_id, approval->request_id,
        strnlen(approval->request_id, sizeof batch->request_id - 1) + 1);
    batch->stored = true;
    batch->waits |= pending;
    entry->asked = true;
    recall->waiting += pending && entry->verdict == VERDICT_OPEN;
    if (!pending)
        use_decision(recall, entry, approval, call);
}

static void look_up(struct recall *recall, struct entry *entry)
{
    struct store_approval approval = {0};
    struct error error;
    size_t position = 0;
    const char *call_id = json_string(entry->item, "call_id");
    if (call_id == NULL)
        return;
    int found = store_approval_find_call(
        recall->store, recall->session, call_id, &approval, &position, &error);
    if (found < 0)
        warn("look for an earlier request: %s", error.text);
    if (found == 1 && position < approval.call_count)
        take_call(recall, entry, &approval, &approval.calls[position]);
    if (found == 1)
        store_approval_release(&approval);
}

/* Whether running it a second time could do harm. */
static bool has_effects(const struct entry *entry)
{
    return !json_boolean(entry->item, "read_only", false) && !has_error(entry);
}

static bool is_worth_a_look(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct entry *entry = &batch->entries[i];
        if (entry->verdict != VERDICT_ALLOW || has_error(entry) || has_effects(entry))
            return true;
    }
    return false;
}

/* A call is open that the request does not name, because the policy has changed, or the call: all
 * that is asked is asked in a new request. */
static void ask_anew(const struct recall *recall)
{
    struct batch *batch = recall->batch;
    if (!batch->stored || batch_open_count(batch) == recall->waiting)
        return;
    if (batch->waits)
        close_request(recall, batch->request_id);
    batch->stored = batch->waits = false;
    random_hex(batch->request_id, sizeof batch->request_id);
}

void record_recall(struct approver *approver, struct batch *batch)
{
    struct recall recall = {.approver = approver, .batch = batch};
    if (!is_worth_a_look(batch) || batch_is_nested(batch))
        return;
    recall.store = record_store(approver, true, &recall.session);
    if (recall.store == NULL)
        return;
    for (size_t i = 0; i < batch->count; i++)
        look_up(&recall, &batch->entries[i]);
    /* What needed no approval has no row, but went out together with what has. */
    for (size_t i = 0; recall.released && i < batch->count; i++) {
        struct entry *entry = &batch->entries[i];
        if (!entry->asked && entry->verdict == VERDICT_ALLOW && has_effects(entry))
            entry_decide(entry, VERDICT_DENY, "nobody", record_maybe_ran);
    }
    ask_anew(&recall);
}
