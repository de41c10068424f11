/* Answers to requests for approval: one wins, and is used once. */
#include "data/store_approval.h"
#include "data/store_internal.h"

#include <string.h>

#define NOW "strftime('%Y-%m-%d %H:%M:%f', 'now')"

static int decide_call(struct store *store, const char *request_id, const char *decided_by,
    const struct store_decision *decision, struct error *error)
{
    return store_change(store, error, "store an answer",
        "UPDATE approval_calls SET decision = ?3, decided_by = ?4, reason = ?5, feedback = ?6,"
        " seen = ?7 WHERE request_id = ?1 AND call_id = ?2",
        STORE_VALUES(store_text(request_id), store_text(decision->call_id),
            store_text(decision->allow ? "allow" : "deny"), store_text(decided_by),
            store_text(decision->reason), store_text(decision->feedback),
            store_number(decision->seen)));
}

static int decide_calls(struct store *store, const char *request_id, const char *decided_by,
    const struct store_decision *decisions, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        int decided = decide_call(store, request_id, decided_by, &decisions[i], error);
        if (decided <= 0)
            return decided < 0 ? -1
                               : error_set(error, "request '%s' has no call '%s'", request_id,
                                     decisions[i].call_id);
    }
    return store_change(store, error, "store an answer",
        "UPDATE approval_calls SET decision = 'deny', decided_by = ?2,"
        " reason = 'the answer did not name it' WHERE request_id = ?1 AND decision IS NULL",
        STORE_VALUES(store_text(request_id), store_text(decided_by)));
}

/* Only who changes the row from pending has answered. 1, 0, -1. */
static int win(struct store *store, const char *request_id, const char *status,
    const char *decided_by, struct error *error)
{
    return store_change(store, error, "store an answer",
        "UPDATE approvals SET status = ?2, decided_by = ?3, decided = " NOW
        " WHERE request_id = ?1 AND status = 'pending'",
        STORE_VALUES(store_text(request_id), store_text(status), store_text(decided_by)));
}

static int say_resolved(struct store *store, const char *request_id, struct error *error)
{
    sqlite3_stmt *query = store_query(store, error, "look for a request",
        "SELECT status, decided_by, decided FROM approvals WHERE request_id = ?1",
        STORE_VALUES(store_text(request_id)));
    int row = query != NULL ? store_row(store, query, error) : -1;
    if (row > 0) {
        const char *by = store_column_text(query, 1), *when = store_column_text(query, 2);
        error_set(error, "request '%s' is resolved already: %s%s%s%s%s", request_id,
            store_column_text(query, 0), by != NULL ? " by " : "", by != NULL ? by : "",
            when != NULL ? " at " : "", when != NULL ? when : "");
        store_done(query);
    } else if (row == 0) {
        error_set(error, "there is no request '%s'", request_id);
    }
    return row < 0 ? -1 : 0;
}

int store_approval_resolve(struct store *store, const char *request_id, const char *status,
    const char *decided_by, const struct store_decision *decisions, size_t count,
    struct error *error)
{
    if (strcmp(status, "pending") == 0)
        return error_set(error, "an answer cannot be 'pending'");
    if (store_begin(store, error) < 0)
        return -1;
    int won = win(store, request_id, status, decided_by, error);
    int result = won;
    if (won > 0 && decide_calls(store, request_id, decided_by, decisions, count, error) < 0)
        result = -1;
    if (won == 0)
        result = say_resolved(store, request_id, error);
    if (result < 0) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error) < 0 ? -1 : result;
}

static int cancel(
    struct store *store, const char *session_id, const char *reason, struct error *error)
{
    if (store_change(store, error, "cancel requests",
            "UPDATE approval_calls SET decision = 'deny', decided_by = 'cancelled', reason = ?2"
            " WHERE decision IS NULL AND request_id IN (SELECT request_id FROM approvals"
            " WHERE session_id = ?1 AND status = 'pending')",
            STORE_VALUES(store_text(session_id), store_text(reason))) < 0)
        return -1;
    return store_change(store, error, "cancel requests",
        "UPDATE approvals SET status = 'cancelled', decided = " NOW
        " WHERE session_id = ?1 AND status = 'pending'",
        STORE_VALUES(store_text(session_id)));
}

int store_approval_cancel(
    struct store *store, const char *session_id, const char *reason, struct error *error)
{
    if (store_begin(store, error) < 0)
        return -1;
    int cancelled = cancel(store, session_id, reason, error);
    if (cancelled < 0) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error) < 0 ? -1 : cancelled;
}

int store_approval_claim(
    struct store *store, const char *request_id, const char *call_id, struct error *error)
{
    return store_change(store, error, "take a decided call",
        "UPDATE approval_calls SET claimed = " NOW
        " WHERE request_id = ?1 AND call_id = ?2 AND decision IS NOT NULL AND claimed IS NULL",
        STORE_VALUES(store_text(request_id), store_text(call_id)));
}
