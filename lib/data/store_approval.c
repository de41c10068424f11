/* Requests for approval: stored, found. Answering them is store_decision.c. */
#include "data/store_approval.h"

#include "data/store_internal.h"

#include <stdlib.h>
#include <string.h>

enum { CALLS_MOST = 10000 }; /* of one request; far above what a batch may hold */

#define COLUMNS                                                                                    \
    "SELECT request_id, session_id, batch_id, parent_call_id, correlation_id, status, decided_by," \
    " created, decided, doorbell, deferred FROM approvals "

static void release_call(struct store_approval_call *call)
{
    free((char *)call->call_id);
    free((char *)call->tool);
    free((char *)call->item);
    free((char *)call->decision);
    free((char *)call->decided_by);
    free((char *)call->reason);
    free((char *)call->feedback);
    free((char *)call->claimed);
}

void store_approval_release(struct store_approval *approval)
{
    free((char *)approval->request_id);
    free((char *)approval->session_id);
    free((char *)approval->batch_id);
    free((char *)approval->parent_call_id);
    free((char *)approval->correlation_id);
    free((char *)approval->status);
    free((char *)approval->decided_by);
    free((char *)approval->created);
    free((char *)approval->decided);
    free((char *)approval->doorbell);
    for (size_t i = 0; i < approval->call_count; i++)
        release_call(&approval->calls[i]);
    free(approval->calls);
    *approval = (struct store_approval){0};
}

/* Storing. */

static int put_call(struct store *store, const char *request_id, size_t position,
    const struct store_approval_call *call, struct error *error)
{
    return store_change(store, error, "store a request for approval",
        "INSERT INTO approval_calls(request_id, position, call_id, tool, item)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
        STORE_VALUES(store_text(request_id), store_number((int64_t)position),
            store_text(call->call_id), store_text(call->tool), store_text(call->item)));
}

static int put(struct store *store, const struct store_approval *approval, struct error *error)
{
    if (store_change(store, error, "store a request for approval",
            "INSERT INTO approvals(request_id, session_id, batch_id, parent_call_id,"
            " correlation_id, deferred, doorbell) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            STORE_VALUES(store_text(approval->request_id), store_text(approval->session_id),
                store_text(approval->batch_id), store_text(approval->parent_call_id),
                store_text(approval->correlation_id), store_number(approval->deferred),
                store_text(approval->doorbell))) < 0)
        return -1;
    for (size_t i = 0; i < approval->call_count; i++) {
        if (put_call(store, approval->request_id, i, &approval->calls[i], error) < 0)
            return -1;
    }
    return 0;
}

int store_approval_put(
    struct store *store, const struct store_approval *approval, struct error *error)
{
    if (store_begin(store, error) < 0)
        return -1;
    if (put(store, approval, error) < 0) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error);
}

int store_approval_set_doorbell(
    struct store *store, const char *request_id, const char *doorbell, struct error *error)
{
    int changed = store_change(store, error, "note who waits for an answer",
        "UPDATE approvals SET doorbell = ?2 WHERE request_id = ?1",
        STORE_VALUES(store_text(request_id), store_text(doorbell)));
    return changed < 0 ? -1 : 0;
}

/* Reading. */

static int copy_columns(sqlite3_stmt *row, const char **const texts[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (store_column_copy(row, (int)i, texts[i]) < 0)
            return -1;
    }
    return 0;
}

static int fill_call(struct store_approval_call *call, sqlite3_stmt *row)
{
    const char **const texts[] = {&call->call_id, &call->tool, &call->item, &call->decision,
        &call->decided_by, &call->reason, &call->feedback, &call->claimed};
    size_t count = sizeof texts / sizeof texts[0];
    call->seen = store_column_number(row, (int)count) != 0;
    return copy_columns(row, texts, count);
}

/* Room for the next call, zeroed; NULL: no memory. */
static struct store_approval_call *next_call(struct store_approval *approval, size_t *room)
{
    if (approval->call_count == *room) {
        size_t more = *room > 0 ? *room * 2 : 8;
        void *calls =
            more <= CALLS_MOST ? realloc(approval->calls, more * sizeof *approval->calls) : NULL;
        if (calls == NULL)
            return NULL;
        approval->calls = calls;
        *room = more;
    }
    struct store_approval_call *call = &approval->calls[approval->call_count++];
    *call = (struct store_approval_call){0};
    return call;
}

static int fill_calls(struct store *store, struct store_approval *approval, struct error *error)
{
    size_t room = 0;
    int row;
    sqlite3_stmt *query = store_query(store, error, "read a request for approval",
        "SELECT call_id, tool, item, decision, decided_by, reason, feedback, claimed, seen"
        " FROM approval_calls WHERE request_id = ?1 ORDER BY position",
        STORE_VALUES(store_text(approval->request_id)));
    if (query == NULL)
        return -1;
    while ((row = store_row(store, query, error)) > 0) {
        struct store_approval_call *call = next_call(approval, &room);
        if (call == NULL || fill_call(call, query) < 0) {
            store_done(query);
            return error_set(error, "read a request for approval: out of memory");
        }
    }
    return row;
}

static int fill(
    struct store *store, struct store_approval *approval, sqlite3_stmt *row, struct error *error)
{
    *approval = (struct store_approval){0};
    const char **const texts[] = {&approval->request_id, &approval->session_id, &approval->batch_id,
        &approval->parent_call_id, &approval->correlation_id, &approval->status,
        &approval->decided_by, &approval->created, &approval->decided, &approval->doorbell};
    size_t count = sizeof texts / sizeof texts[0];
    approval->deferred = store_column_number(row, (int)count) != 0;
    int result = copy_columns(row, texts, count);
    if (result < 0)
        error_set(error, "read a request for approval: out of memory");
    else
        result = fill_calls(store, approval, error);
    if (result < 0)
        store_approval_release(approval);
    return result;
}

static int take_one(
    struct store *store, sqlite3_stmt *query, struct store_approval *approval, struct error *error)
{
    int row = query != NULL ? store_row(store, query, error) : -1;
    if (row <= 0)
        return row;
    int result = fill(store, approval, query, error);
    store_done(query);
    return result < 0 ? -1 : 1;
}

static int is_ambiguous(struct store *store, const char *name, struct error *error)
{
    int64_t count = 0, whole = 0;
    if (store_get_number(store, error, "look for a request",
            "SELECT count(*) FROM approvals WHERE request_id = ?1", STORE_VALUES(store_text(name)),
            &whole) < 0 ||
        store_get_number(store, error, "look for a request",
            "SELECT count(*) FROM approvals WHERE substr(request_id, 1, length(?1)) = ?1",
            STORE_VALUES(store_text(name)), &count) < 0)
        return -1;
    if (whole > 0 || count <= 1)
        return 0;
    error_set(error, "%lld requests begin with '%s': give more of the id", (long long)count, name);
    return 1;
}

int store_approval_get(
    struct store *store, const char *name, struct store_approval *approval, struct error *error)
{
    size_t length = strlen(name);
    *approval = (struct store_approval){0};
    int found = 0;
    if (length >= 4 && length < STORE_ID_SIZE) {
        int ambiguous = is_ambiguous(store, name, error);
        if (ambiguous != 0)
            return ambiguous < 0 ? -1 : 0;
        found = take_one(store,
            store_query(store, error, "look for a request",
                COLUMNS "WHERE substr(request_id, 1, length(?1)) = ?1"
                        " ORDER BY request_id <> ?1 LIMIT 1",
                STORE_VALUES(store_text(name))),
            approval, error);
    }
    if (found == 0)
        error_set(error, "there is no request '%.80s'", name);
    return found;
}

int store_approval_list(struct store *store, const char *session_id, bool pending_only,
    int (*visit)(void *context, const struct store_approval *approval, struct error *error),
    void *context, struct error *error)
{
    /* The newest of many, in the order of their making. */
    sqlite3_stmt *query = store_query(store, error, "list the requests",
        COLUMNS "WHERE id IN (SELECT id FROM approvals WHERE (?1 IS NULL OR session_id = ?1)"
                " AND (NOT ?2 OR status = 'pending') ORDER BY id DESC LIMIT ?3) ORDER BY id",
        STORE_VALUES(store_text(session_id), store_number(pending_only),
            store_number(STORE_APPROVALS_MOST)));
    int result = query != NULL ? 0 : -1;
    int row = 0;
    while (result == 0 && (row = store_row(store, query, error)) > 0) {
        struct store_approval approval;
        result = fill(store, &approval, query, error);
        if (result == 0) {
            result = visit(context, &approval, error);
            store_approval_release(&approval);
        }
    }
    store_done(query);
    return row < 0 ? -1 : result;
}

int store_approval_find_call(struct store *store, const char *session_id, const char *call_id,
    struct store_approval *approval, size_t *position, struct error *error)
{
    *approval = (struct store_approval){0};
    int found = take_one(store,
        store_query(store, error, "look for a call",
            COLUMNS "WHERE session_id = ?1 AND request_id IN"
                    " (SELECT request_id FROM approval_calls WHERE call_id = ?2)"
                    " ORDER BY id DESC LIMIT 1",
            STORE_VALUES(store_text(session_id), store_text(call_id))),
        approval, error);
    for (*position = 0; found > 0 && *position < approval->call_count; ++*position) {
        if (strcmp(approval->calls[*position].call_id, call_id) == 0)
            break;
    }
    return found;
}
