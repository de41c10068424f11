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

#include "ts-approve/approve.h"

enum record_outcome { RECORD_WON, RECORD_LOST };

/* Before the first batch, and at the end. Opens nothing yet. */
void record_start(struct approver *approver);
void record_stop(struct approver *approver);

/* A request that is about to be asked. The store failing is told once, and it is asked anyway. */
void record_open(struct approver *approver, const struct batch *batch);

/* All its calls are decided. LOST: another process was first, and its decisions are now in the
 * batch. A decision that cannot be written down is a denial. */
enum record_outcome record_resolve(struct approver *approver, struct batch *batch);

/* Nobody was asked: keep what was wanted, and that nobody decided. */
void record_unasked(struct approver *approver, const struct batch *batch);

/* Keep it for a later answer. 0, or -1 with a sentence. */
int record_defer(struct approver *approver, struct batch *batch, struct error *error);

/* A batch that was asked before, by us or by a process that is gone. */
enum record_recall {
    RECALL_NEW,     /* unknown: decide it as any other */
    RECALL_DECIDED, /* its calls are decided now: claimed, or refused because they were already */
    RECALL_PENDING, /* it still waits, and has its request's id again */
};
enum record_recall record_recall(struct approver *approver, struct batch *batch);

#endif
