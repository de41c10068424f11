/* Messages: appended, read in order. */
#include "data/store_message.h"

#include "data/store_internal.h"

static int insert(struct store *store, const struct store_value values[4], struct error *error)
{
    if (store_change(store, error, "store a message",
            "INSERT INTO conversations(session_id, turn, message, tool_name)"
            " VALUES (?1, ?2, ?3, ?4)",
            values, 4) < 0)
        return -1;
    return store_change(store, error, "store a message",
        "UPDATE sessions SET updated = strftime('%Y-%m-%d %H:%M:%f', 'now')"
        " WHERE session_id = ?1",
        values, 1);
}

/* 0, -1, or 1 when a damaged index was in the way. */
static int append(struct store *store, const struct store_value values[4], struct error *error)
{
    if (store_begin(store, error) < 0)
        return -1;
    int result = insert(store, values, error) < 0 ? -1 : 0;
    /* What went into the index is written to its tables when it is committed: it may fail late. */
    bool damaged = result < 0 && store_index_is_damaged(store);
    if (result == 0) {
        result = store_commit(store, error);
        damaged = result < 0 && store_index_is_damaged(store);
    } else {
        store_rollback(store);
    }
    return damaged ? 1 : result;
}

int store_message_append(struct store *store, const char *session_id, int64_t turn,
    const char *json, size_t length, const char *tool_name, struct error *error)
{
    const struct store_value values[4] = {store_text(session_id), store_number(turn),
        store_bytes(json, length), store_text(tool_name)};
    if (length > STORE_MESSAGE_LIMIT)
        return error_set(
            error, "store a message: it has more than %d MiB", STORE_MESSAGE_LIMIT >> 20);
    bool alone = store->depth == 0;
    int result = append(store, values, error);
    /* A damaged index is no reason to lose a message: it can be made from the messages. */
    if (result > 0 && alone && store_index_rebuild(store, error) == 0)
        result = append(store, values, error);
    return result == 0 ? 0 : -1;
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
