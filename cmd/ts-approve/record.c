#include "ts-approve/record.h"

void record_start(struct approver *approver)
{
    (void)approver;
}

void record_stop(struct approver *approver)
{
    (void)approver;
}

void record_open(struct approver *approver, const struct batch *batch)
{
    (void)approver;
    (void)batch;
}

enum record_outcome record_resolve(struct approver *approver, struct batch *batch)
{
    (void)approver;
    (void)batch;
    return RECORD_WON;
}

void record_unasked(struct approver *approver, const struct batch *batch)
{
    (void)approver;
    (void)batch;
}

int record_defer(struct approver *approver, struct batch *batch, struct error *error)
{
    (void)approver;
    (void)batch;
    return error_set(error, "there is no store to keep the request in");
}

enum record_recall record_recall(struct approver *approver, struct batch *batch)
{
    (void)approver;
    (void)batch;
    return RECALL_NEW;
}
