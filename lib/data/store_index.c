/* The search indexes: triggers keep them right; here is what happens when they are not. */
#include "data/store_internal.h"

#include <string.h>

/*
 * An index that is damaged enough can neither be emptied nor dropped by its own
 * means, since it must be opened for that. So first its tables are made those
 * of an empty one, as a new FTS5 table has them; they can be written only while
 * SQLite does not defend them.
 */
static int empty(struct store *store, const char *doing, struct error *error)
{
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    int result = store_script(store, doing,
        "DELETE FROM conversations_fts_data;"
        "DELETE FROM conversations_fts_idx;"
        "INSERT INTO conversations_fts_data VALUES (1, x''), (10, x'00000000000000');"
        "DELETE FROM conversations_trigram_data;"
        "DELETE FROM conversations_trigram_idx;"
        "INSERT INTO conversations_trigram_data VALUES (1, x''), (10, x'00000000000000');",
        error);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return result;
}

/*
 * Not by FTS5's own 'rebuild', nor checked by its full 'integrity-check': both
 * read the texts with a statement that may use no table-valued function (up to
 * SQLite 3.40 at least), and our texts are made with json_each.
 */
static int rebuild(struct store *store, struct error *error)
{
    static const char doing[] = "make the search index anew";
    if (empty(store, doing, error) < 0 ||
        store_script(store, doing,
            "DROP TABLE conversations_fts; DROP TABLE conversations_trigram;", error) < 0 ||
        store_script(store, doing, store_index_schema, error) < 0)
        return -1;
    return store_script(store, doing,
        "INSERT INTO conversations_fts(rowid, content, calls)"
        "  SELECT id, content, calls FROM conversations_text;"
        "INSERT INTO conversations_trigram(rowid, text)"
        "  SELECT id, text FROM conversations_unspaced;",
        error);
}

int store_index_rebuild(struct store *store, struct error *error)
{
    if (store_begin(store, error) < 0)
        return -1;
    if (rebuild(store, error) < 0) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error);
}

/* Whether an index answers at all: 1, 0, or -1. */
static int index_answers(struct store *store, struct error *error)
{
    int64_t row = 0;
    if (store_get_number(store, error, "look at the search index",
            "SELECT rowid FROM conversations_fts WHERE conversations_fts MATCH 'a' LIMIT 1",
            STORE_NO_VALUES, &row) >= 0 &&
        store_get_number(store, error, "look at the search index",
            "SELECT rowid FROM conversations_trigram WHERE conversations_trigram MATCH 'aaa'"
            " LIMIT 1",
            STORE_NO_VALUES, &row) >= 0)
        return 1;
    return store_index_is_damaged(store) ? 0 : -1;
}

/* Whether the newest message is in the index, as far as its list of texts goes: 1, 0, or -1. */
static int index_is_complete(struct store *store, struct error *error)
{
    int64_t missing = 0;
    int row = store_get_number(store, error, "look at the search index",
        "SELECT EXISTS (SELECT 1 FROM"
        " (SELECT id, role FROM conversations ORDER BY id DESC LIMIT 1) AS last"
        " WHERE role <> 'system' AND id NOT IN (SELECT id FROM conversations_fts_docsize))",
        STORE_NO_VALUES, &missing);
    return row < 0 ? -1 : missing == 0;
}

int store_index_catch_up(struct store *store, struct error *error)
{
    int fit = index_answers(store, error);
    if (fit > 0)
        fit = index_is_complete(store, error);
    if (fit != 0)
        return fit < 0 ? -1 : 0;
    return store_index_rebuild(store, error);
}

/* 1, 0 when the structure of an index is damaged, or -1. */
static int structure_is_sound(struct store *store, struct error *error)
{
    if (sqlite3_exec(store->db,
            "INSERT INTO conversations_fts(conversations_fts) VALUES ('integrity-check');"
            "INSERT INTO conversations_trigram(conversations_trigram) VALUES ('integrity-check');",
            NULL, NULL, NULL) == SQLITE_OK)
        return 1;
    return (sqlite3_errcode(store->db) & 0xff) == SQLITE_CORRUPT
               ? 0
               : store_fail(store, "check the search index", error);
}

/* Whether the indexes have the rows that have texts, and no others. 1, 0, or -1. */
static int rows_are_sound(struct store *store, struct error *error)
{
    int64_t differ = 0;
    if (store_get_number(store, error, "check the search index",
            "SELECT EXISTS (SELECT id FROM conversations_text"
            "  EXCEPT SELECT id FROM conversations_fts_docsize)"
            " OR EXISTS (SELECT id FROM conversations_fts_docsize"
            "  EXCEPT SELECT id FROM conversations_text)"
            " OR EXISTS (SELECT id FROM conversations_unspaced"
            "  EXCEPT SELECT id FROM conversations_trigram_docsize)"
            " OR EXISTS (SELECT id FROM conversations_trigram_docsize"
            "  EXCEPT SELECT id FROM conversations_unspaced)",
            STORE_NO_VALUES, &differ) < 0)
        return -1;
    return differ == 0;
}

static int check_file(struct store *store, struct error *error)
{
    sqlite3_stmt *statement =
        store_query(store, error, "check the file", "PRAGMA integrity_check(1)", STORE_NO_VALUES);
    int row = statement != NULL ? store_row(store, statement, error) : -1;
    if (row <= 0)
        return -1;
    const char *said = store_column_text(statement, 0);
    int result = said != NULL && strcmp(said, "ok") == 0
                     ? 0
                     : error_set(error,
                           "the database '%s' is damaged (%s): restore a copy, or rescue it "
                           "with 'sqlite3 FILE .recover'",
                           store->path, said != NULL ? said : "unknown");
    store_done(statement);
    return result;
}

int store_check(struct store *store, struct error *error)
{
    if (check_file(store, error) < 0)
        return -1;
    int sound = structure_is_sound(store, error);
    if (sound > 0)
        sound = rows_are_sound(store, error);
    if (sound != 0)
        return sound < 0 ? -1 : 0;
    return store_index_rebuild(store, error) < 0 ? -1 : 1;
}
