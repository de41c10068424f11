/* What model calls cost: a row each, which outlives its session. */
#ifndef DATA_STORE_USAGE_H
#define DATA_STORE_USAGE_H

#include "data/store.h"

#include <stdint.h>

struct store_usage {
    const char *session_id;
    const char *parent_session; /* NULL: a session of its own */
    const char *model;          /* NULL: unknown */
    const char *model_alias;    /* NULL: unknown */
    const char *purpose;        /* "turn", "task", "compaction", ... */
    int64_t prompt_tokens;
    int64_t completion_tokens;
    int64_t total_tokens;
};

struct store_usage_total {
    int64_t calls;
    int64_t prompt_tokens;
    int64_t completion_tokens;
    int64_t total_tokens;
};

int store_usage_add(struct store *store, const struct store_usage *usage, struct error *error);

/* The sum for a session and its agents; NULL: for everything. */
int store_usage_sum(struct store *store, const char *session_id, struct store_usage_total *total,
    struct error *error);

#endif
