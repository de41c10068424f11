/*
 * The rows of requests in the store (data/store_approval.h): put there before
 * anybody is asked, decided exactly once by whoever is first, and claimed once
 * before anything of them runs.
 *
 * Without a session (TS_SESSION_ID) rows are kept too; without a store
 * (TS_NO_STORE, or one that cannot be opened) requests live in memory alone.
 * While a request stands a doorbell hangs beside it: a Unix datagram socket
 * that another process rings when it has decided the row. What rings it is not
 * believed; the row is read.
 */
#ifndef TS_APPROVE_RECORD_H
#define TS_APPROVE_RECORD_H

#include "data/store_approval.h"
#include "ts-approve/approve.h"

enum record_outcome { RECORD_WON, RECORD_LOST };

/* Before the first batch, and at the end. Nothing is opened before it is needed. */
void record_start(struct approver *approver);
void record_stop(struct approver *approver);

/* A request that is about to be asked. The store failing is told once, and it is asked anyway. */
void record_open(struct approver *approver, const struct batch *batch);

/* All its calls are decided. LOST: another process was first, and its decisions are now in the
 * batch. A decision that cannot be written down is a denial. */
enum record_outcome record_resolve(struct approver *approver, struct batch *batch);

/* The same for a request that waits in the store, when something else than an answer decided all
 * its calls. A rule that denies holds also against an answer that was first. */
void record_settle(struct approver *approver, struct batch *batch);

/* Nobody was asked: keep what was wanted, and that nobody decided. */
void record_unasked(struct approver *approver, const struct batch *batch);

/* Keep it for a later answer. 0, or -1 with a sentence. */
int record_defer(struct approver *approver, struct batch *batch, struct error *error);

/* The store and the session, for the rules. NULL: there is none; only_look makes none. */
struct store *record_store(struct approver *approver, bool only_look, const char **session);

/* What a row says of a call. */
void record_apply(struct entry *entry, const struct store_approval_call *call);
extern const char record_maybe_ran[];

/* recall.c */

/*
 * A batch that may have been asked before. Decisions that were made meanwhile
 * are taken, once: a call that was handed out before is refused, because it may
 * have run. What still waits has its request's id again, and stored set.
 */
void record_recall(struct approver *approver, struct batch *batch);

#endif
