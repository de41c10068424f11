/* Rules that come from 'always'. */
#include "data/store_approval.h"
#include "data/store_internal.h"

static int add(struct store *store, const struct store_rule *rule, int64_t *id, struct error *error)
{
    const struct store_value values[] = {store_text(rule->session_id), store_text(rule->tool),
        store_text(rule->pattern), store_number(rule->is_path)};
    int found = store_get_number(store, error, "look for a rule",
        "SELECT id FROM rules WHERE session_id = ?1 AND tool = ?2 AND pattern IS ?3"
        " AND is_path = ?4",
        values, 4, id);
    if (found != 0)
        return found;
    if (store_change(store, error, "keep a rule",
            "INSERT INTO rules(session_id, tool, pattern, is_path) VALUES (?1, ?2, ?3, ?4)", values,
            4) < 0)
        return -1;
    *id = sqlite3_last_insert_rowid(store->db);
    return 1;
}

int64_t store_rule_add(struct store *store, const struct store_rule *rule, struct error *error)
{
    int64_t id = 0;
    if (store_begin(store, error) < 0)
        return -1;
    if (add(store, rule, &id, error) < 0) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error) < 0 ? -1 : id;
}

int store_rule_list(struct store *store, const char *session_id,
    int (*visit)(void *context, const struct store_rule *rule, struct error *error), void *context,
    struct error *error)
{
    sqlite3_stmt *query = store_query(store, error, "list the rules",
        "SELECT id, session_id, tool, pattern, is_path, created FROM rules"
        " WHERE ?1 IS NULL OR session_id = ?1 ORDER BY id",
        STORE_VALUES(store_text(session_id)));
    int result = query != NULL ? 0 : -1;
    int row = 0;
    while (result == 0 && (row = store_row(store, query, error)) > 0) {
        const struct store_rule rule = {
            .id = store_column_number(query, 0),
            .session_id = store_column_text(query, 1),
            .tool = store_column_text(query, 2),
            .pattern = store_column_text(query, 3),
            .is_path = store_column_number(query, 4) != 0,
            .created = store_column_text(query, 5),
        };
        result = visit(context, &rule, error);
    }
    store_done(query);
    return row < 0 ? -1 : result;
}

int store_rule_delete(struct store *store, int64_t id, struct error *error)
{
    return store_change(store, error, "remove a rule", "DELETE FROM rules WHERE id = ?1",
        STORE_VALUES(store_number(id)));
}
