/* The search indexes: triggers keep them right; here is what happens when they are not. */
#include "data/store_internal.h"

#include <string.h>

int store_index_rebuild(struct store *store, struct error *error)
{
    return store_script(store, "make the search index anew",
        "INSERT INTO conversations_fts(conversations_fts) VALUES ('rebuild');"
        "INSERT INTO conversations_trigram(conversations_trigram) VALUES ('rebuild');",
        error);
}

int store_index_catch_up(struct store *store, struct error *error)
{
    int64_t missing = 0;
    /* The rows that tell the sizes of indexed texts: there is one for each text. */
    if (store_get_number(store, error, "look at the search index",
            "SELECT EXISTS (SELECT 1 FROM"
            " (SELECT id, role FROM conversations ORDER BY id DESC LIMIT 1) AS last"
            " WHERE role <> 'system' AND id NOT IN (SELECT id FROM conversations_fts_docsize))",
            STORE_NO_VALUES, &missing) < 0)
        return -1;
    return missing != 0 ? store_index_rebuild(store, error) : 0;
}

/* Whether an index agrees with the texts, row by row. 1, 0, or -1. */
static int index_is_sound(struct store *store, const char *check, struct error *error)
{
    if (sqlite3_exec(store->db, check, NULL, NULL, NULL) == SQLITE_OK)
        return 1;
    return (sqlite3_errcode(store->db) & 0xff) == SQLITE_CORRUPT
               ? 0
               : store_fail(store, "check the search index", error);
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
    static const char *const checks[] = {
        "INSERT INTO conversations_fts(conversations_fts, rank) VALUES ('integrity-check', 1)",
        "INSERT INTO conversations_trigram(conversations_trigram, rank)"
        " VALUES ('integrity-check', 1)",
    };
    if (check_file(store, error) < 0)
        return -1;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        int sound = index_is_sound(store, checks[i], error);
        if (sound < 0)
            return -1;
        if (sound == 0)
            return store_index_rebuild(store, error) < 0 ? -1 : 1;
    }
    return 0;
}
