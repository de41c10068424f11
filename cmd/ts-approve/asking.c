/*
 * What waits for an answer, and who is asked.
 *
 * Batches come before plans; of each kind the first that came is asked first.
 * A request is a row in the store before anybody is asked, and whoever answers
 * it decides it there: who comes too late is told so.
 */
#include "base/clock.h"
#include "common/program.h"
#include "data/json.h"
#include "ts-approve/approve.h"
#include "ts-approve/record.h"

#include <stdlib.h>
#include <string.h>

static const char cancelled_reason[] = "[cancelled by user]";

enum way { WAY_NOBODY, WAY_FILTER, WAY_PEER, WAY_LINES, WAY_TERMINAL, WAY_DEFER };

static const char *setting(const struct approver *approver, const char *key)
{
    const char *text = config_text(approver->config, key);
    return text != NULL ? text : "";
}

/* How the next request is asked, before it is announced. */
static enum way find_way(const struct approver *approver)
{
    const char *mode = setting(approver, "approve.ask");
    if (strcmp(mode, "never") == 0)
        return WAY_NOBODY;
    if (setting(approver, "approve.approve_with")[0] != '\0')
        return WAY_FILTER;
    if (setting(approver, "approve.socket")[0] != '\0')
        return WAY_PEER;
    if (strcmp(mode, "lines") == 0)
        return approver->stage.input_ended ? WAY_NOBODY : WAY_LINES;
    if (strcmp(mode, "defer") == 0)
        return WAY_DEFER;
    return terminal_available() ? WAY_TERMINAL : WAY_NOBODY;
}

static int start_way(struct approver *approver, enum way way, struct error *error)
{
    switch (way) {
    case WAY_FILTER:
        return filter_ask(approver, setting(approver, "approve.approve_with"), error);
    case WAY_PEER:
        return peer_ask(approver, setting(approver, "approve.socket"), error);
    case WAY_TERMINAL:
        return terminal_ask(
            approver, approver->asking == ASKING_BATCH ? &batch_talk : &review_talk, error);
    default:
        return 0;
    }
}

static void set_timer(struct approver *approver)
{
    if (approver->timeout > 0)
        loop_timer_set(approver->stage.loop, &approver->timer,
            clock_monotonic_ms() + (int64_t)(approver->timeout * 1000));
}

/* Take back every question that stands. */
static void stop_asking(struct approver *approver, const char *why)
{
    loop_timer_cancel(approver->stage.loop, &approver->timer);
    terminal_close(approver, why);
    filter_close(approver);
    peer_close(approver);
    approver->asking = ASKING_NOTHING;
}

/* Batches. */

static void remember_resolved(struct approver *approver, const char *request_id)
{
    size_t at = approver->resolved_count++ % RESOLVED_KEPT;
    memcpy(approver->resolved[at], request_id, RANDOM_REQUEST_ID_SIZE);
}

bool asking_is_resolved(const struct approver *approver, const char *request_id)
{
    size_t kept =
        approver->resolved_count < RESOLVED_KEPT ? approver->resolved_count : RESOLVED_KEPT;
    for (size_t i = 0; i < kept; i++) {
        if (strcmp(approver->resolved[i], request_id) == 0)
            return true;
    }
    return false;
}

static void put_and_free(struct approver *approver, struct batch *batch)
{
    batch_put_decided(&approver->stage, batch);
    batch_free(batch);
}

/* Without asking; what was answered while nobody waited is told now. */
static void put_unasked(struct approver *approver, struct batch *batch)
{
    batch_put_info(&approver->stage, batch);
    if (batch->waits)
        record_settle(approver, batch);
    if (batch->stored)
        batch_put_resolved(&approver->stage, batch);
    put_and_free(approver, batch);
}

static struct batch *take_first(struct approver *approver)
{
    struct batch *batch = approver->first;
    approver->first = batch->next;
    if (approver->first == NULL)
        approver->last = &approver->first;
    return batch;
}

/* Nobody is there: say what was wanted of whom, since the model can only guess. */
static void deny_unasked(struct approver *approver, struct batch *batch, const char *detail)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct entry *entry = &batch->entries[i];
        char reason[2048];
        if (entry->verdict != VERDICT_OPEN)
            continue;
        if (detail != NULL)
            snprintf(reason, sizeof reason, "Denied: nobody could be asked (%s).", detail);
        else
            snprintf(reason, sizeof reason,
                "Denied: nobody could be asked. This run has no terminal and no approver, and no "
                "rule allows the call%s%.1000s. Do without it, or say what you would need.",
                entry->why != NULL ? "; it is asked because " : "",
                entry->why != NULL ? entry->why : "");
        entry_decide(entry, VERDICT_DENY, "nobody", reason);
    }
    record_unasked(approver, batch);
}

/* The rules may have changed since the batch came in line. */
static void decide_again(struct approver *approver, struct batch *batch)
{
    always_forget(approver);
    for (size_t i = 0; i < batch->count; i++) {
        struct entry *entry = &batch->entries[i];
        if (entry->verdict == VERDICT_OPEN && entry->why == NULL && always_covers(approver, entry))
            entry_decide(entry, VERDICT_ALLOW, "always", NULL);
    }
}

static void close_first(struct approver *approver, const char *why)
{
    stop_asking(approver, why);
    struct batch *batch = take_first(approver);
    remember_resolved(approver, batch->request_id);
    batch_put_resolved(&approver->stage, batch);
    put_and_free(approver, batch);
}

/* Decided here: the row is asked whether somebody was faster. */
static void close_decided(struct approver *approver, const char *why)
{
    if (record_resolve(approver, approver->first) == RECORD_LOST) {
        stream_put_info(
            approver, "the request %s is already resolved", approver->first->request_id);
        close_first(approver, "This was already resolved by another process.");
    } else {
        close_first(approver, why);
    }
}

/* It stays in the store, and nothing of it runs. */
static void defer(struct approver *approver, struct batch *batch)
{
    struct error error;
    if (batch_is_nested(batch)) {
        deny_unasked(approver, batch, "an agent's call cannot wait for a later answer");
        put_unasked(approver, batch);
    } else if (!batch->stored && record_defer(approver, batch, &error) < 0) {
        deny_unasked(approver, batch, error.text);
        put_unasked(approver, batch);
    } else {
        batch_put_deferred(&approver->stage, batch);
        batch_free(batch);
    }
}

/* Returns false when the question stands. */
static bool ask_batch(struct approver *approver, struct batch *batch)
{
    struct error error;
    decide_again(approver, batch);
    enum way way = find_way(approver);
    if (way == WAY_NOBODY && batch->stored)
        way = WAY_DEFER; /* it waits as before */
    if (batch_open_count(batch) > 0 && way == WAY_NOBODY)
        deny_unasked(approver, batch, NULL);
    if (batch_open_count(batch) == 0) {
        put_unasked(approver, take_first(approver));
        return true;
    }
    if (way == WAY_DEFER) {
        defer(approver, take_first(approver));
        return true;
    }
    approver->asking = ASKING_BATCH;
    record_open(approver, batch);
    stage_put_tree(&approver->stage, batch_request(approver, batch));
    if (start_way(approver, way, &error) < 0) {
        char reason[ERROR_TEXT_SIZE + 64];
        snprintf(reason, sizeof reason, "Denied: nobody could be asked (%s).", error.text);
        batch_decide_rest(batch, VERDICT_DENY, "nobody", reason);
        close_decided(approver, reason);
        return true;
    }
    set_timer(approver);
    return false;
}

/* Plans. */

static void close_review(struct approver *approver, const char *verdict, const char *feedback)
{
    struct review *review = approver->first_review;
    approver->first_review = review->next;
    if (approver->first_review == NULL)
        approver->last_review = &approver->first_review;
    review_put(&approver->stage, review, verdict, feedback);
    review_free(review);
}

static bool plans_pass(const struct approver *approver)
{
    if (config_boolean(approver->config, "tools.skip_permissions"))
        return true;
    for (size_t i = 0; i < config_list_size(approver->config, "tools.auto_approve"); i++) {
        if (strcmp(config_list_item(approver->config, "tools.auto_approve", i), "plan") == 0)
            return true;
    }
    return false;
}

static bool ask_review(struct approver *approver, struct review *review)
{
    struct error error;
    if (plans_pass(approver)) {
        close_review(approver, "accepted", NULL);
        return true;
    }
    enum way way = find_way(approver);
    if (way == WAY_NOBODY || way == WAY_DEFER) {
        close_review(approver, "unreviewed", NULL);
        return true;
    }
    approver->asking = ASKING_REVIEW;
    stage_put_tree(&approver->stage, review_request(review));
    if (start_way(approver, way, &error) < 0) {
        asking_end(approver, "nobody", error.text);
        return true;
    }
    set_timer(approver);
    return false;
}

/* Both. */

static void ask_next(struct approver *approver)
{
    bool more = approver->asking == ASKING_NOTHING;
    while (more && approver->asking == ASKING_NOTHING) {
        if (approver->first != NULL)
            more = ask_batch(approver, approver->first);
        else if (approver->first_review != NULL)
            more = ask_review(approver, approver->first_review);
        else
            more = false;
    }
    if (approver->first == NULL && approver->first_review == NULL && approver->stage.input_ended)
        stage_finish(&approver->stage, EXIT_DONE);
}

void asking_take(struct approver *approver, struct batch *batch)
{
    if (batch_open_count(batch) == 0) {
        put_unasked(approver, batch);
        return;
    }
    *approver->last = batch;
    approver->last = &batch->next;
    ask_next(approver);
}

void asking_take_review(struct approver *approver, struct review *review)
{
    *approver->last_review = review;
    approver->last_review = &review->next;
    ask_next(approver);
}

void asking_close(struct approver *approver)
{
    close_decided(approver, NULL);
    ask_next(approver);
}

void asking_close_review(struct approver *approver, const char *verdict, const char *feedback)
{
    stop_asking(approver, NULL);
    close_review(approver, verdict, feedback);
    ask_next(approver);
}

void asking_end(struct approver *approver, const char *decided_by, const char *reason)
{
    if (approver->asking == ASKING_REVIEW) {
        stop_asking(approver, reason);
        close_review(
            approver, strcmp(decided_by, "cancelled") == 0 ? "rejected" : "unreviewed", reason);
    } else {
        batch_decide_rest(approver->first, VERDICT_DENY, decided_by, reason);
        close_decided(approver, reason);
    }
    ask_next(approver);
}

void asking_decided_elsewhere(struct approver *approver)
{
    close_first(approver, "This was resolved by another process.");
    ask_next(approver);
}

static void put_cancel(struct approver *approver, const char *batch_id)
{
    cJSON *line = stage_need(cJSON_CreateObject());
    if (json_add_string(line, "type", "cancel") < 0 ||
        json_add_string(line, "batch_id", batch_id) < 0)
        die(EXIT_SYSTEM, "out of memory");
    stage_put_tree(&approver->stage, line);
}

void asking_cancel(struct approver *approver)
{
    if (approver->asking == ASKING_REVIEW) {
        asking_close_review(approver, "rejected", NULL);
        return;
    }
    char *batch_id = stage_need(strdup(approver->first->batch_id));
    batch_decide_rest(approver->first, VERDICT_DENY, "cancelled", cancelled_reason);
    close_decided(approver, "");
    put_cancel(approver, batch_id);
    free(batch_id);
    ask_next(approver);
}

/* A batch that waits in line has not been announced: it is decided without a request. */
static void cancel_waiting(struct approver *approver, struct batch **link)
{
    struct batch *batch = *link;
    *link = batch->next;
    if (*link == NULL)
        approver->last = link;
    batch_decide_rest(batch, VERDICT_DENY, "cancelled", cancelled_reason);
    if (batch->waits)
        record_settle(approver, batch);
    put_and_free(approver, batch);
}

void asking_cancel_waiting(struct approver *approver, const char *batch_id)
{
    /* Which batch a plan belongs to is not said: its tool is ended by the cancel. A tool that ended
     * before takes its plan back by the request's id. */
    while (approver->first_review != NULL &&
           (batch_id == NULL || strcmp(approver->first_review->request_id, batch_id) == 0)) {
        if (approver->asking == ASKING_REVIEW)
            stop_asking(approver, "");
        close_review(approver, "unreviewed", cancelled_reason);
    }
    struct batch **link = &approver->first;
    if (approver->asking == ASKING_BATCH)
        link = &approver->first->next;
    while (*link != NULL) {
        if (batch_id == NULL || strcmp((*link)->batch_id, batch_id) == 0)
            cancel_waiting(approver, link);
        else
            link = &(*link)->next;
    }
    if (approver->asking == ASKING_BATCH &&
        (batch_id == NULL || strcmp(approver->first->batch_id, batch_id) == 0))
        asking_end(approver, "cancelled", cancelled_reason);
    ask_next(approver);
}

void asking_input_ended(struct approver *approver)
{
    bool lines = strcmp(setting(approver, "approve.ask"), "lines") == 0;
    if (approver->asking != ASKING_NOTHING && lines && approver->filter == NULL &&
        approver->peer == NULL)
        asking_end(approver, "nobody", "Denied: nobody answered before the input ended.");
    else
        ask_next(approver);
}

/* Programs that are asked. */

cJSON *asking_line(const struct approver *approver)
{
    return approver->asking == ASKING_REVIEW ? review_request(approver->first_review)
                                             : batch_request(approver, approver->first);
}

const char *asking_answer_type(const struct approver *approver)
{
    return approver->asking == ASKING_REVIEW ? "plan_feedback" : "approve";
}

const char *asking_request_id(const struct approver *approver)
{
    return approver->asking == ASKING_REVIEW ? approver->first_review->request_id
                                             : approver->first->request_id;
}

void asking_program_answered(struct approver *approver, cJSON *answer, const struct error *error)
{
    struct error unclear = *error;
    if (answer != NULL && approver->asking == ASKING_REVIEW) {
        const char *text = json_string(answer, "feedback");
        asking_close_review(approver, review_verdict(text), text);
    } else if (answer != NULL &&
               answer_apply(approver, approver->first, answer, "filter", &unclear) == 0) {
        asking_close(approver);
    } else {
        char reason[ERROR_TEXT_SIZE + 32];
        snprintf(reason, sizeof reason, "Denied: %s.", unclear.text);
        asking_end(approver, "filter", reason);
    }
    json_free(answer);
}
