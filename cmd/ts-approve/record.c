#include "ts-approve/record.h"

#include "base/buffer.h"
#include "common/program.h"
#include "data/json.h"
#include "data/store_approval.h"
#include "io/doorbell.h"
#include "io/paths.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ITEM_LIMIT = 64 << 20 }; /* bytes of one prepared item */

const char record_maybe_ran[] =
    "Denied: this call was handed out before, and it may have run already. Look at what it would "
    "have changed before trying again.";

struct record {
    struct store *store;
    bool refused; /* it could not be opened, or is not wanted */
    const char *session;
    struct doorbell bell;
    char open[RANDOM_REQUEST_ID_SIZE]; /* the request that has a row; "": none */
};

void record_start(struct approver *approver)
{
    const char *session = getenv("TS_SESSION_ID");
    const char *off = getenv("TS_NO_STORE");
    struct record *record = stage_need(calloc(1, sizeof *record));
    record->session = session != NULL ? session : "";
    record->refused = off != NULL && strcmp(off, "1") == 0;
    record->bell.fd = -1;
    approver->record = record;
}

static void take_down_bell(struct approver *approver)
{
    struct record *record = approver->record;
    if (record->bell.fd < 0)
        return;
    loop_unwatch(approver->stage.loop, record->bell.fd);
    doorbell_close(&record->bell);
}

void record_stop(struct approver *approver)
{
    if (approver->record == NULL)
        return;
    take_down_bell(approver);
    store_close(approver->record->store);
    free(approver->record);
    approver->record = NULL;
}

/* NULL: nothing is kept; the first failure is told to a person. */
static struct store *open_store(struct approver *approver)
{
    struct record *record = approver->record;
    struct error error;
    if (record == NULL || record->refused)
        return NULL;
    if (record->store == NULL &&
        store_open(
            &record->store, config_text(approver->config, "store.path"), STORE_WRITE, &error) < 0) {
        record->refused = true;
        warn("requests are not kept: %s", error.text);
    }
    return record->store;
}

/* A look does not make a database. */
static bool store_exists(const struct approver *approver)
{
    char path[PATH_MAX];
    const char *given = config_text(approver->config, "store.path");
    if (approver->record == NULL || approver->record->refused)
        return false;
    if (approver->record->store != NULL)
        return true;
    if (given == NULL && store_default_path(path, sizeof path, NULL) < 0)
        return false;
    return access(given != NULL ? given : path, F_OK) == 0;
}

struct store *record_store(struct approver *approver, bool only_look, const char **session)
{
    struct record *record = approver->record;
    *session = record != NULL ? record->session : "";
    return only_look && !store_exists(approver) ? NULL : open_store(approver);
}

/* Something failed: go on without rows, and say so once. */
static void give_up(struct approver *approver, const struct error *error)
{
    approver->record->refused = true;
    approver->record->open[0] = '\0';
    warn("requests are not kept: %s", error->text);
}

/* Making rows. */

/* With the place that it is about: an answer holds for no other. */
static char *item_text(const struct approver *approver, const cJSON *item)
{
    struct buffer text;
    cJSON *copy = stage_need(cJSON_Duplicate(item, true));
    buffer_init(&text, ITEM_LIMIT);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "project");
    if (json_add_string(copy, "project", approver->project) < 0 || json_append(&text, copy) < 0)
        die(EXIT_SYSTEM, "keep a request: %s", strerror(errno));
    json_free(copy);
    return stage_need(buffer_take(&text));
}

/* The calls that somebody is asked about. */
static int put(struct approver *approver, const struct batch *batch, bool deferred,
    const char *doorbell, struct error *error)
{
    struct store_approval_call *calls = stage_need(calloc(batch->count + 1, sizeof *calls));
    struct store_approval approval = {
        .request_id = batch->request_id,
        .session_id = approver->record->session,
        .batch_id = batch->batch_id,
        .parent_call_id = json_string(batch->line, "parent_call_id"),
        .correlation_id = json_string(batch->line, "correlation_id"),
        .deferred = deferred,
        .doorbell = doorbell,
        .calls = calls,
    };
    for (size_t i = 0; i < batch->count; i++) {
        const struct entry *entry = &batch->entries[i];
        if (!entry->asked)
            continue;
        struct store_approval_call *call = &calls[approval.call_count++];
        call->call_id = json_string(entry->item, "call_id");
        call->tool = json_string(entry->item, "func_name");
        call->item = item_text(approver, entry->item);
    }
    int result = store_approval_put(approver->record->store, &approval, error);
    for (size_t i = 0; i < approval.call_count; i++)
        free((char *)calls[i].item);
    free(calls);
    return result;
}

/* A call without an id could not be decided by a row. */
static bool has_ids(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->entries[i].asked && json_string(batch->entries[i].item, "call_id") == NULL)
            return false;
    }
    return true;
}

int record_defer(struct approver *approver, struct batch *batch, struct error *error)
{
    if (open_store(approver) == NULL)
        return error_set(error, "there is no store that would keep the request");
    if (!has_ids(batch))
        return error_set(error, "a call without an id cannot be answered later");
    return put(approver, batch, true, NULL, error);
}

/* Deciding. */

/* What cannot run is not allowed by letting it through to be answered with its error. */
static bool is_allowed(const struct entry *entry)
{
    return entry->verdict == VERDICT_ALLOW && json_string(entry->item, "error") == NULL;
}

static const char *status_of(const struct batch *batch, const char **decided_by)
{
    size_t allowed = 0, asked = 0;
    *decided_by = "nobody";
    for (size_t i = 0; i < batch->count; i++) {
        const struct entry *entry = &batch->entries[i];
        if (!entry->asked)
            continue;
        if (asked++ == 0)
            *decided_by = entry->decided_by;
        allowed += is_allowed(entry);
    }
    if (allowed > 0)
        return allowed == asked ? "approved" : "mixed";
    static const char *const endings[] = {"timeout", "cancelled", "nobody"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (strcmp(*decided_by, endings[i]) == 0)
            return endings[i];
    }
    return "denied";
}

/* 1: won, 0: lost, -1. */
static int resolve(struct approver *approver, const struct batch *batch, struct error *error)
{
    struct store_decision *decisions = stage_need(calloc(batch->count + 1, sizeof *decisions));
    const char *decided_by;
    const char *status = status_of(batch, &decided_by);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct entry *entry = &batch->entries[i];
        if (!entry->asked)
            continue;
        decisions[count++] = (struct store_decision){
            .call_id = json_string(entry->item, "call_id"),
            .allow = is_allowed(entry),
            .seen = entry->seen,
            .reason = entry->reason,
            .feedback = entry->feedback,
        };
    }
    int result = store_approval_resolve(
        approver->record->store, batch->request_id, status, decided_by, decisions, count, error);
    free(decisions);
    return result;
}

void record_apply(struct entry *entry, const struct store_approval_call *call)
{
    bool allow = call->decision != NULL && strcmp(call->decision, "allow") == 0;
    const char *reason = call->reason;
    if (!allow && reason == NULL)
        reason = "Denied.";
    entry_decide(entry, allow ? VERDICT_ALLOW : VERDICT_DENY, decider_name(call->decided_by),
        allow ? NULL : reason);
    entry->seen = allow && call->seen;
    free(entry->feedback);
    entry->feedback = call->feedback != NULL ? stage_need(strdup(call->feedback)) : NULL;
}

static bool is_forbidden(const struct entry *entry)
{
    return entry->verdict == VERDICT_DENY && strcmp(entry->decided_by, "policy") == 0;
}

/* What the row says of the batch's calls. */
static void apply_row(struct batch *batch, const struct store_approval *approval)
{
    for (size_t i = 0; i < approval->call_count; i++) {
        const struct store_approval_call *call = &approval->calls[i];
        struct entry *entry = batch_find(batch, call->call_id);
        if (entry == NULL || !entry->asked || is_forbidden(entry))
            continue;
        record_apply(entry, call);
    }
    batch_decide_rest(batch, VERDICT_DENY, "nobody", "Denied: this call was not decided.");
}

static void deny_all(struct batch *batch, const char *decided_by, const char *reason)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->entries[i].asked && batch->entries[i].verdict == VERDICT_ALLOW)
            entry_decide(&batch->entries[i], VERDICT_DENY, decided_by, reason);
        batch->entries[i].seen = false;
    }
}

/* Nothing runs that was not taken first: after a crash nobody can tell how far it came. */
static void claim(struct approver *approver, struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct entry *entry = &batch->entries[i];
        struct error error;
        if (!entry->asked)
            continue;
        int result = store_approval_claim(approver->record->store, batch->request_id,
            json_string(entry->item, "call_id"), &error);
        if (result < 0)
            warn("note that a call is handed out: %s", error.text);
        if (result != 1 && entry->verdict == VERDICT_ALLOW) {
            entry_decide(entry, VERDICT_DENY, "nobody",
                result == 0 ? record_maybe_ran
                            : "Denied: that it is handed out could not be written down.");
            entry->seen = false;
        }
    }
}

/* The doorbell. */

static void rung(void *context, short events)
{
    (void)events;
    struct approver *approver = context;
    struct record *record = approver->record;
    struct store_approval approval = {0};
    struct error error;
    doorbell_answer(&record->bell);
    if (approver->asking != ASKING_BATCH || record->open[0] == '\0')
        return;
    int found = store_approval_get(record->store, record->open, &approval, &error);
    if (found < 0)
        warn("look who answered: %s", error.text);
    if (found == 1 && strcmp(approval.status, "pending") != 0) {
        apply_row(approver->first, &approval);
        take_down_bell(approver);
        record->open[0] = '\0';
        claim(approver, approver->first);
        asking_decided_elsewhere(approver);
    }
    if (found == 1)
        store_approval_release(&approval);
}

/* Without a bell an answer from elsewhere is noticed when somebody answers here. */
static const char *hang_up_bell(struct approver *approver, const char *request_id)
{
    struct record *record = approver->record;
    struct error error;
    char directory[PATH_MAX], name[RANDOM_REQUEST_ID_SIZE + 8];
    snprintf(name, sizeof name, "%s.sock", request_id);
    if (paths_user(directory, sizeof directory, PATHS_RUNTIME, "approve", &error) < 0 ||
        paths_make_private(directory, &error) < 0 ||
        doorbell_open(&record->bell, directory, name, &error) < 0) {
        warn("other processes cannot answer this request: %s", error.text);
        return NULL;
    }
    if (loop_watch(approver->stage.loop, record->bell.fd, POLLIN, rung, approver) < 0)
        die(EXIT_SYSTEM, "out of memory");
    return record->bell.path;
}

void record_open(struct approver *approver, const struct batch *batch)
{
    struct record *record = approver->record;
    struct error error;
    if (open_store(approver) == NULL || !has_ids(batch))
        return;
    const char *doorbell = hang_up_bell(approver, batch->request_id);
    int result = batch->stored ? store_approval_set_doorbell(
                                     record->store, batch->request_id, doorbell, &error)
                               : put(approver, batch, false, doorbell, &error);
    if (result < 0)
        give_up(approver, &error);
    else
        memcpy(record->open, batch->request_id, sizeof record->open);
}

static enum record_outcome decide(struct approver *approver, struct batch *batch)
{
    struct record *record = approver->record;
    struct store_approval approval = {0};
    struct error error;
    int result = resolve(approver, batch, &error);
    if (result == 0 &&
        store_approval_get(record->store, batch->request_id, &approval, &error) == 1) {
        apply_row(batch, &approval);
        store_approval_release(&approval);
    } else if (result != 1) {
        warn("write a decision down: %s", error.text);
        deny_all(batch, "nobody", "Denied: the decision could not be written down.");
        return RECORD_WON;
    }
    claim(approver, batch);
    return result == 1 ? RECORD_WON : RECORD_LOST;
}

enum record_outcome record_resolve(struct approver *approver, struct batch *batch)
{
    struct record *record = approver->record;
    enum record_outcome outcome = RECORD_WON;
    if (record == NULL)
        return RECORD_WON;
    if (strcmp(record->open, batch->request_id) == 0) {
        record->open[0] = '\0';
        outcome = decide(approver, batch);
    }
    take_down_bell(approver); /* not before: without a bell a pending row looks abandoned */
    return outcome;
}

void record_settle(struct approver *approver, struct batch *batch)
{
    (void)decide(approver, batch);
}

void record_unasked(struct approver *approver, const struct batch *batch)
{
    struct error error;
    struct store *store = open_store(approver);
    if (store == NULL || !has_ids(batch))
        return;
    if (store_begin(store, &error) == 0 && put(approver, batch, false, NULL, &error) == 0 &&
        resolve(approver, batch, &error) == 1 && store_commit(store, &error) == 0)
        return;
    store_rollback(store);
    give_up(approver, &error);
}
