/* Statements: prepared once, bound by type, and what can go wrong with them in words. */
#include "data/store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct store_value store_text(const char *text)
{
    return text != NULL ? store_bytes(text, strlen(text))
                        : (struct store_value){.type = STORE_NULL};
}

struct store_value store_bytes(const char *text, size_t length)
{
    return (struct store_value){.type = STORE_TEXT, .text = text, .length = length};
}

struct store_value store_number(int64_t number)
{
    return (struct store_value){.type = STORE_NUMBER, .number = number};
}

int64_t store_clamp(int64_t number, int64_t least, int64_t most)
{
    return number < least ? least : number > most ? most : number;
}

/* What SQLite's results mean to whoever reads the message; NULL: its own words are good enough. */
static const char *meaning(int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return "no space is left on the disk";
    case SQLITE_READONLY:
        return "it cannot be written: check the permissions of the file and its directory";
    case SQLITE_BUSY:
        return "other processes kept it locked for too long";
    case SQLITE_NOTADB:
        return "it is no database, or was overwritten";
    case SQLITE_CORRUPT:
        return code == SQLITE_CORRUPT_VTAB
                   ? "the search index is damaged: 'ts-session check' makes it anew"
                   : "the file is damaged: restore a copy, or rescue it with 'sqlite3 FILE "
                     ".recover'";
    case SQLITE_NOMEM:
        return "out of memory";
    case SQLITE_IOERR:
        return code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_FSYNC ||
                       code == SQLITE_IOERR_SHMSIZE || code == SQLITE_IOERR_TRUNCATE
                   ? "a write failed: the disk is full or broken, or a limit is reached"
                   : NULL;
    case SQLITE_CANTOPEN:
        return "it cannot be opened, or a file beside it cannot be made";
    default:
        return NULL;
    }
}

int store_fail(struct store *store, const char *doing, struct error *error)
{
    int code = sqlite3_extended_errcode(store->db);
    int reason = sqlite3_system_errno(store->db);
    const char *words = meaning(code);
    if ((code & 0xff) == SQLITE_IOERR && reason != 0)
        words = strerror(reason);
    if (words == NULL)
        words = sqlite3_errmsg(store->db);
    return error_set(error, "%s in '%s': %s", doing, store->path, words);
}

bool store_index_is_damaged(struct store *store)
{
    switch (sqlite3_extended_errcode(store->db)) {
    case SQLITE_CORRUPT_VTAB:
    case SQLITE_CONSTRAINT: /* of a row of the index's tables; the texts' rows are numbered anew */
    case SQLITE_CONSTRAINT_VTAB:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return true;
    default:
        return false;
    }
}

static sqlite3_stmt *prepare(
    struct store *store, const char *doing, const char *sql, struct error *error)
{
    size_t at = 0;
    while (at < STORE_STATEMENTS && store->statements[at].sql != NULL &&
           store->statements[at].sql != sql)
        at++;
    if (at == STORE_STATEMENTS)
        abort(); /* more statements in the source than the cache was made for */
    if (store->statements[at].sql == sql)
        return store->statements[at].statement;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
        SQLITE_OK) {
        store_fail(store, doing, error);
        return NULL;
    }
    store->statements[at].sql = sql;
    store->statements[at].statement = statement;
    store->statements[at].doing = doing;
    return statement;
}

static const char *doing_of(const struct store *store, const sqlite3_stmt *statement)
{
    for (size_t at = 0; at < STORE_STATEMENTS && store->statements[at].sql != NULL; at++) {
        if (store->statements[at].statement == statement)
            return store->statements[at].doing;
    }
    return "look";
}

static int bind(sqlite3_stmt *statement, int at, const struct store_value *value)
{
    switch (value->type) {
    case STORE_TEXT:
        return sqlite3_bind_text64(
            statement, at, value->text, value->length, SQLITE_STATIC, SQLITE_UTF8);
    case STORE_NUMBER:
        return sqlite3_bind_int64(statement, at, value->number);
    default:
        return sqlite3_bind_null(statement, at);
    }
}

sqlite3_stmt *store_query(struct store *store, struct error *error, const char *doing,
    const char *sql, const struct store_value *values, size_t count)
{
    sqlite3_stmt *statement = prepare(store, doing, sql, error);
    if (statement == NULL)
        return NULL;
    if (sqlite3_stmt_busy(statement)) {
        error_set(error, "%s: a walk through the store was begun within itself", doing);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (bind(statement, (int)i + 1, &values[i]) != SQLITE_OK) {
            store_fail(store, doing, error);
            store_done(statement);
            return NULL;
        }
    }
    return statement;
}

void store_done(sqlite3_stmt *statement)
{
    if (statement == NULL)
        return;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

int store_row(struct store *store, sqlite3_stmt *statement, struct error *error)
{
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return 1;
    if (result != SQLITE_DONE)
        store_fail(store, doing_of(store, statement), error);
    store_done(statement);
    return result == SQLITE_DONE ? 0 : -1;
}

int store_change(struct store *store, struct error *error, const char *doing, const char *sql,
    const struct store_value *values, size_t count)
{
    sqlite3_stmt *statement = store_query(store, error, doing, sql, values, count);
    if (statement == NULL)
        return -1;
    int row;
    while ((row = store_row(store, statement, error)) > 0)
        continue;
    return row < 0 ? -1 : sqlite3_changes(store->db);
}

int store_get_number(struct store *store, struct error *error, const char *doing, const char *sql,
    const struct store_value *values, size_t count, int64_t *number)
{
    sqlite3_stmt *statement = store_query(store, error, doing, sql, values, count);
    if (statement == NULL)
        return -1;
    int row = store_row(store, statement, error);
    if (row > 0) {
        *number = store_column_number(statement, 0);
        store_done(statement);
    }
    return row;
}

int store_script(struct store *store, const char *doing, const char *sql, struct error *error)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : store_fail(store, doing, error);
}

const char *store_column_text(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

int64_t store_column_number(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_int64(statement, column);
}

int store_column_copy(sqlite3_stmt *statement, int column, const char **text)
{
    const char *value = store_column_text(statement, column);
    *text = value != NULL ? strdup(value) : NULL;
    return value != NULL && *text == NULL ? -1 : 0;
}
