/*
 * Approvals: what a person was asked, and what was answered; and the rules that
 * come from 'always'.
 *
 * A request is stored before anybody is asked. Whoever answers, and by
 * whichever way, goes through store_approval_resolve, which lets exactly one
 * answer win. A decision is used up by store_approval_claim, which lets exactly
 * one process run the call.
 */
#ifndef DATA_STORE_APPROVAL_H
#define DATA_STORE_APPROVAL_H

#include "data/store.h"

#include <stdbool.h>
#include <stdint.h>

enum { STORE_APPROVALS_MOST = 1000 }; /* requests of one list */

/* One call of a request. Texts are NULL where there is none. */
struct store_approval_call {
    const char *call_id;
    const char *tool;
    const char *item;     /* the prepared item, JSON */
    const char *decision; /* "allow", "deny"; NULL: open */
    const char *decided_by;
    const char *reason;
    const char *feedback;
    bool seen;           /* a person saw all of it */
    const char *claimed; /* when it was taken to be run; NULL: not yet */
};

struct store_approval {
    const char *request_id;
    const char *session_id; /* "": outside of any */
    const char *batch_id;
    const char *parent_call_id; /* NULL: asked by the session itself, not by an agent in it */
    const char *correlation_id;
    bool deferred;
    const char
        *status; /* "pending", "approved", "denied", "mixed", "timeout", "cancelled", "nobody" */
    const char *decided_by;
    const char *created;
    const char *decided;  /* when */
    const char *doorbell; /* Unix datagram socket of the process that waits; NULL: nobody does */
    struct store_approval_call *calls;
    size_t call_count;
};

/* Free the texts and calls of one that was filled here; one made by hand is its maker's. */
void store_approval_release(struct store_approval *approval);

/* Store a new request with its calls, in their order, all open. status, decided_by, created,
 * decided and what is decided of the calls are not looked at. The texts stay the caller's. */
int store_approval_put(
    struct store *store, const struct store_approval *approval, struct error *error);

/* The request of an id or of at least four first characters of exactly one. Returns 1 and fills
 * approval; 0 with a sentence when there is none, or several; -1. */
int store_approval_get(
    struct store *store, const char *name, struct store_approval *approval, struct error *error);

/* Requests, the oldest first: of one session or all (NULL), open or all. */
int store_approval_list(struct store *store, const char *session_id, bool pending_only,
    int (*visit)(void *context, const struct store_approval *approval, struct error *error),
    void *context, struct error *error);

/*
 * The request in which a call of a session was asked last, with all its calls:
 * 1, 0 (it never was), -1. *position tells which of the calls it is.
 */
int store_approval_find_call(struct store *store, const char *session_id, const char *call_id,
    struct store_approval *approval, size_t *position, struct error *error);

struct store_decision {
    const char *call_id;
    bool allow;
    bool seen;
    const char *reason;   /* NULL: none */
    const char *feedback; /* NULL: none */
};

/*
 * Answer a request that is pending. Calls that decisions does not name are
 * denied; one that names no call of the request is an error, nothing is then
 * stored. status is one of those above but "pending". Returns 1
 * when this answer won, 0 with a sentence when it was resolved before, or is
 * not there; -1.
 */
int store_approval_resolve(struct store *store, const char *request_id, const char *status,
    const char *decided_by, const struct store_decision *decisions, size_t count,
    struct error *error);

/* Pending requests of a session become "cancelled", their calls denied for the reason; those its
 * agents asked through it are among them. Returns how many, or -1. */
int store_approval_cancel(
    struct store *store, const char *session_id, const char *reason, struct error *error);

/* Whether the process that asked still waits for the answer, and where to ring; NULL: it does not.
 */
int store_approval_set_doorbell(
    struct store *store, const char *request_id, const char *doorbell, struct error *error);

/* Take a decided call to run it, or to tell that it was denied: 1 when it is ours, 0 when it was
 * taken before or is still open, -1. */
int store_approval_claim(
    struct store *store, const char *request_id, const char *call_id, struct error *error);

/* Rules from 'always'. */

struct store_rule {
    int64_t id; /* 0 for a new one */
    const char *session_id;
    const char *tool;
    const char *pattern; /* what commands begin with, or a path; NULL: any call of the tool */
    bool is_path;
    const char *created;
};

/* Add, unless the session has the very rule. Returns its id, or -1. */
int64_t store_rule_add(struct store *store, const struct store_rule *rule, struct error *error);

/* Of one session, or all (NULL), the oldest first. */
int store_rule_list(struct store *store, const char *session_id,
    int (*visit)(void *context, const struct store_rule *rule, struct error *error), void *context,
    struct error *error);

/* 1; 0 when there is no such rule; -1. */
int store_rule_delete(struct store *store, int64_t id, struct error *error);

#endif
