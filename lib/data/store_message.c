/* Messages: appended, read in order. */
#include "data/store_message.h"

#include "data/store_internal.h"

static int insert(struct store *store, const struct store_value values[4], struct error *error)
{
    return store_change(store, error, "store a message",
        "INSERT INTO conversations(session_id, turn, message, tool_name) VALUES (?1, ?2, ?3, ?4)",
        values, 4);
}

/* A damaged index is no reason to lose a message: it is made from the messages. */
static int insert_repairing(
    struct store *store, const struct store_value values[4], struct error *error)
{
    if (insert(store, values, error) >= 0)
        return 0;
    if (!store_index_is_damaged(store) || store_index_rebuild(store, error) < 0)
        return -1;
    return insert(store, values, error) < 0 ? -1 : 0;
}

int store_message_append(struct store *store, const char *session_id, int64_t turn,
    const char *json, size_t length, const char *tool_name, struct error *error)
{
    const struct store_value values[4] = {store_text(session_id), store_number(turn),
        store_bytes(json, length), store_text(tool_name)};
    if (length > STORE_MESSAGE_LIMIT)
        return error_set(
            error, "store a message: it has more than %d MiB", STORE_MESSAGE_LIMIT >> 20);
    if (store_begin(store, error) < 0)
        return -1;
    if (insert_repairing(store, values, error) < 0 ||
        store_change(store, error, "store a message",
            "UPDATE sessions SET updated = strftime('%Y-%m-%d %H:%M:%f', 'now')"
            " WHERE session_id = ?1",
            STORE_VALUES(store_text(session_id))) < 0) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error);
}

int store_message_load(struct store *store, const char *session_id,
    int (*visit)(void *context, const struct store_message *message, struct error *error),
    void *context, struct error *error)
{
    sqlite3_stmt *query = store_query(store, error, "read the messages",
        "SELECT id, turn, timestamp, tool_name, message FROM conversations"
        " WHERE session_id = ?1 ORDER BY id",
        STORE_VALUES(store_text(session_id)));
    int result = query != NULL ? 0 : -1;
    int row = 0;
    while (result == 0 && (row = store_row(store, query, error)) > 0) {
        struct store_message message = {
            .id = store_column_number(query, 0),
            .turn = store_column_number(query, 1),
            .timestamp = store_column_text(query, 2),
            .tool_name = store_column_text(query, 3),
            .json = store_column_text(query, 4),
            .length = (size_t)sqlite3_column_bytes(query, 4),
        };
        result = message.json != NULL ? visit(context, &message, error)
                                      : error_set(error, "read the messages: out of memory");
    }
    store_done(query);
    return row < 0 ? -1 : result;
}

int64_t store_message_count(struct store *store, const char *session_id, struct error *error)
{
    int64_t count = 0;
    int row = store_get_number(store, error, "count the messages",
        "SELECT count(*) FROM conversations WHERE session_id = ?1",
        STORE_VALUES(store_text(session_id)), &count);
    return row < 0 ? -1 : count;
}
