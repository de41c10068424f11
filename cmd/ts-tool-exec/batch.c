#include "batch.h"

#include "common/program.h"
#include "data/json.h"
#include "result.h"

#include <stdlib.h>
#include <string.h>

enum {
    CALLS_AT_ONCE = 4,
    CALLS_MOST = 256,          /* of one batch */
    OUTPUT_DEFAULT = 32768,    /* characters of one result when nobody knows the room */
    OUTPUT_AUTO_MOST = 131072, /* characters of one result, however much room there is */
};

struct batch {
    struct batches *owner;
    cJSON *tree; /* owned: the "decided" line */
    struct call *calls;
    size_t count;
    size_t done;
    size_t room; /* characters that are left for results, when that is known */
    bool room_known;
    int denied;
    struct batch *next;
};

/* The room for results. */

static bool will_run(const struct call *call)
{
    return !call->denied && call->tool != NULL && json_string(call->item, "error") == NULL;
}

/* What no call of the batch gets more than; how much is there is another question. */
static size_t most_of_one(const struct batch *batch)
{
    size_t chosen = batch->owner->setting->truncation;
    if (chosen > 0)
        return chosen;
    return batch->room_known ? OUTPUT_AUTO_MOST : OUTPUT_DEFAULT;
}

static size_t room_of(const struct batch *batch)
{
    size_t most = most_of_one(batch);
    return batch->room_known && batch->room < most ? batch->room : most;
}

/* What is left of the context is shared by the calls whose results are still to come: each has its
 * part, and what one does not need is for those after it. */
static void share_room(void *context, struct call *call)
{
    const struct batch *batch = context;
    size_t sharing = 0;
    for (size_t i = 0; i < batch->count; i++)
        sharing += batch->calls[i].stage != CALL_DONE && will_run(&batch->calls[i]);
    size_t most = most_of_one(batch);
    size_t share = batch->room / (sharing > 0 ? sharing : 1);
    call->scarce = batch->room_known && share < most;
    call->limit = call->scarce ? share : most;
}

static void start_sharing(struct batch *batch)
{
    int64_t room;
    batch->room_known = json_integer(batch->tree, "room_chars", &room);
    batch->room = batch->room_known && room > 0 ? (size_t)room : 0;
    for (size_t i = 0; i < batch->count; i++)
        batch->calls[i].most = room_of(batch);
}

/* One batch. */

static void put_complete(const struct batch *batch)
{
    cJSON *line = stage_need(cJSON_CreateObject());
    const char *id = json_string(batch->tree, "batch_id");
    const char *feedback = json_string(batch->tree, "feedback");
    const char *correlation = json_string(batch->tree, "correlation_id");
    if (json_add_string(line, "type", "batch_complete") < 0 ||
        json_add_string(line, "batch_id", id != NULL ? id : "") < 0 ||
        (correlation != NULL && json_add_string(line, "correlation_id", correlation) < 0) ||
        (feedback != NULL && json_add_string(line, "feedback", feedback) < 0) ||
        json_add_integer(line, "denied", batch->denied) < 0)
        die(EXIT_SYSTEM, "out of memory");
    stage_put_tree(batch->owner->setting->stage, line);
}

static void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        call_release(&batch->calls[i]);
    free(batch->calls);
    json_free(batch->tree);
    free(batch);
}

/* Whether call i has to wait: for a place, or for an earlier call that it must follow. */
static bool must_wait(const struct batch *batch, size_t i)
{
    int running = 0;
    for (size_t j = 0; j < batch->count; j++) {
        const struct call *other = &batch->calls[j];
        running += other->stage == CALL_RUNNING;
        if (j < i && other->stage != CALL_DONE && call_conflicts(&batch->calls[i], other))
            return true;
    }
    return running >= CALLS_AT_ONCE;
}

static void start_ready(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct call *call = &batch->calls[i];
        if (call->stage == CALL_WAITING && (!will_run(call) || !must_wait(batch, i)))
            call_start(call);
    }
}

/* Go on as far as it goes without waiting. */
static void dispatch(struct batches *batches)
{
    if (batches->dispatching)
        return;
    batches->dispatching = true;
    while (batches->first != NULL) {
        struct batch *batch = batches->first;
        size_t before;
        do {
            before = batch->done;
            start_ready(batch);
        } while (batch->done != before);
        if (batch->done < batch->count)
            break;
        put_complete(batch);
        batches->first = batch->next;
        batch_free(batch);
    }
    batches->dispatching = false;
    if (batches->first == NULL)
        batches->idle(batches->context);
}

/* From a callback of the call itself, which must return before its batch may be freed. */
static void call_done(void *context, struct call *call)
{
    struct batch *batch = context;
    batch->done++;
    if (will_run(call))
        batch->room -= call->used < batch->room ? call->used : batch->room;
    batch->denied += call->denied && json_string(call->item, "error") == NULL;
    dispatch(batch->owner);
}

/* All of them. */

bool batches_take_nested(
    struct batches *batches, const cJSON *tree, const char *line, size_t length)
{
    const char *parent = json_string(tree, "parent_call_id");
    const char *type = json_string(tree, "type");
    struct batch *batch = batches->first;
    bool answer = strcmp(type, "decided") == 0 || strcmp(type, "reviewed") == 0;
    bool request = strcmp(type, "prepared") == 0 || strcmp(type, "review") == 0;
    if (parent == NULL || !(answer || request || strcmp(type, "cancel") == 0))
        return false;
    for (size_t i = 0; batch != NULL && i < batch->count; i++) {
        struct call *call = &batch->calls[i];
        if (call->stage != CALL_RUNNING || strcmp(call->id, parent) != 0)
            continue;
        if (answer)
            nested_answer(call, tree, line, length);
        else if (request)
            nested_unanswered(call, tree);
    }
    return true; /* a parent that has ended needs no answer */
}

/* Every call has a result, also when there are more than anybody means. */
static void refuse_excess(const struct batch *batch, const cJSON *item)
{
    struct outcome outcome = {.status = "error", .exit_code = -1};
    struct call call;
    snprintf(outcome.note, sizeof outcome.note, "It was not run: more than %d calls in one batch",
        CALLS_MOST);
    call_init(&call, batch->owner->setting, item);
    result_put(&call, &outcome);
    call_release(&call);
}

void batches_add(struct batches *batches, cJSON *tree)
{
    const cJSON *items = json_array(tree, "items");
    const cJSON *item;
    size_t count = 0;
    if (items == NULL) {
        stage_put_error(batches->setting->stage, "a decided batch without items");
        return;
    }
    struct batch *batch = stage_need(calloc(1, sizeof *batch));
    batch->owner = batches;
    batch->tree = stage_need(cJSON_Duplicate(tree, true));
    batch->count = (size_t)cJSON_GetArraySize(items);
    if (batch->count > CALLS_MOST)
        batch->count = CALLS_MOST;
    batch->calls = stage_need(calloc(batch->count + 1, sizeof *batch->calls));
    cJSON_ArrayForEach(item, json_array(batch->tree, "items"))
    {
        if (count == CALLS_MOST) {
            refuse_excess(batch, item);
            continue;
        }
        struct call *call = &batch->calls[count++];
        call_init(call, batches->setting, item);
        call->batch_id = json_string(batch->tree, "batch_id");
        call->share = share_room;
        call->done = call_done;
        call->context = batch;
    }
    start_sharing(batch);
    struct batch **last = &batches->first;
    while (*last != NULL)
        last = &(*last)->next;
    *last = batch;
    dispatch(batches);
    if (batches->stopping)
        batches_stop(batches, NULL, END_INTERRUPTED);
}

void batches_abandon_nested(struct batches *batches)
{
    struct batch *batch = batches->first;
    for (size_t i = 0; batch != NULL && i < batch->count; i++) {
        if (batch->calls[i].stage == CALL_RUNNING)
            nested_abandon(&batch->calls[i]);
    }
}

void batches_stop(struct batches *batches, const char *batch_id, enum call_end end)
{
    bool dispatching = batches->dispatching;
    batches->dispatching = true; /* nothing new starts, nothing is freed, until all are told */
    for (struct batch *batch = batches->first; batch != NULL; batch = batch->next) {
        const char *id = json_string(batch->tree, "batch_id");
        if (batch_id != NULL && (id == NULL || strcmp(id, batch_id) != 0))
            continue;
        for (size_t i = 0; i < batch->count; i++)
            call_stop(&batch->calls[i], end);
    }
    batches->dispatching = dispatching;
    dispatch(batches);
}

bool batches_idle(const struct batches *batches)
{
    return batches->first == NULL;
}

void batches_release(struct batches *batches)
{
    while (batches->first != NULL) {
        struct batch *batch = batches->first;
        batches->first = batch->next;
        batch_free(batch);
    }
}
