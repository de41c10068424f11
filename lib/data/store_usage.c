/* What model calls cost. */
#include "data/store_usage.h"

#include "data/store_internal.h"

int store_usage_add(struct store *store, const struct store_usage *usage, struct error *error)
{
    int added = store_change(store, error, "store what a model call cost",
        "INSERT INTO usage(session_id, parent_session, model, model_alias, purpose,"
        " prompt_tokens, completion_tokens, total_tokens)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        STORE_VALUES(store_text(usage->session_id), store_text(usage->parent_session),
            store_text(usage->model), store_text(usage->model_alias), store_text(usage->purpose),
            store_number(usage->prompt_tokens), store_number(usage->completion_tokens),
            store_number(usage->total_tokens)));
    return added < 0 ? -1 : 0;
}

int store_usage_sum(struct store *store, const char *session_id, struct store_usage_total *total,
    struct error *error)
{
    sqlite3_stmt *query = store_query(store, error, "add up what model calls cost",
        "SELECT count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0),"
        " coalesce(sum(total_tokens), 0) FROM usage"
        " WHERE ?1 IS NULL OR session_id = ?1 OR parent_session = ?1",
        STORE_VALUES(store_text(session_id)));
    if (query == NULL || store_row(store, query, error) <= 0)
        return -1;
    *total = (struct store_usage_total){
        .calls = store_column_number(query, 0),
        .prompt_tokens = store_column_number(query, 1),
        .completion_tokens = store_column_number(query, 2),
        .total_tokens = store_column_number(query, 3),
    };
    store_done(query);
    return 0;
}
