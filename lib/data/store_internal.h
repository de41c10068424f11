/*
 * What the modules of the store share, and nobody else includes: statements
 * that are prepared once, values bound by type, and what SQLite says as a
 * sentence.
 *
 *     store_change(store, error, "name a session",
 *         "UPDATE sessions SET title = ?2 WHERE session_id = ?1",
 *         STORE_VALUES(store_text(session_id), store_text(title)));
 *
 * The text of a statement is a literal: it holds no data, and its address is
 * its key in the cache.
 */
#ifndef DATA_STORE_INTERNAL_H
#define DATA_STORE_INTERNAL_H

#include "data/store.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STORE_STATEMENTS = 96 }; /* kept prepared; there are fewer in the source */

struct store {
    sqlite3 *db;
    char path[PATH_MAX];
    enum store_mode mode;
    bool in_memory; /* STORE_READ found no database */
    int depth;      /* of store_begin */
    bool undone;    /* rolled back within an outer begin: its commit must fail */
    int locks;      /* FILE-sessions; -1: not opened yet */
    struct {
        const char *sql;
        sqlite3_stmt *statement;
        const char *doing; /* what it is for, in words */
    } statements[STORE_STATEMENTS];
};

/* A value for a statement's parameter. Texts stay the caller's until the statement is over. */
struct store_value {
    enum { STORE_NULL, STORE_TEXT, STORE_NUMBER } type;
    const char *text;
    size_t length;
    int64_t number;
};

struct store_value store_text(const char *text); /* NULL is null */
struct store_value store_bytes(const char *text, size_t length);
struct store_value store_number(int64_t number);

/* An array and its size, as two arguments. */
#define STORE_VALUES(...)                                                                          \
    (const struct store_value[]){__VA_ARGS__},                                                     \
        sizeof((const struct store_value[]){__VA_ARGS__}) / sizeof(struct store_value)
#define STORE_NO_VALUES NULL, 0

/* A statement ready to be stepped; doing says in words what it is for. NULL with a sentence. */
sqlite3_stmt *store_query(struct store *store, struct error *error, const char *doing,
    const char *sql, const struct store_value *values, size_t count);

/* The next row: 1, 0 behind the last, -1 with a sentence. The statement is over after 0 and -1. */
int store_row(struct store *store, sqlite3_stmt *statement, struct error *error);

/* End a statement before its last row. NULL is fine. */
void store_done(sqlite3_stmt *statement);

/* Run a statement that gives no rows. Returns how many rows it changed, or -1. */
int store_change(struct store *store, struct error *error, const char *doing, const char *sql,
    const struct store_value *values, size_t count);

/* The first column of the first row. 1, 0 when there is no row, -1. */
int store_get_number(struct store *store, struct error *error, const char *doing, const char *sql,
    const struct store_value *values, size_t count, int64_t *number);

/* Several statements without values, as a schema has them. */
int store_script(struct store *store, const char *doing, const char *sql, struct error *error);

/*
 * Empty the write-ahead log, which still holds what was deleted. Others who read may keep it from
 * being emptied: then the next deletion, or the log's own turn, does it.
 */
void store_empty_log(struct store *store);

/* Columns. A text is NULL for null, valid until the next step. */
const char *store_column_text(sqlite3_stmt *statement, int column);
int64_t store_column_number(sqlite3_stmt *statement, int column);
/* A copy, for the caller to free; *text NULL for null. 0, or -1 when memory is short. */
int store_column_copy(sqlite3_stmt *statement, int column, const char **text);

/* "doing in 'FILE': why", from SQLite's last error. Returns -1. */
int store_fail(struct store *store, const char *doing, struct error *error);

/* Whether the last error of a statement says that an index is damaged, and not the texts. */
bool store_index_is_damaged(struct store *store);
int store_index_rebuild(struct store *store, struct error *error);

/* Within least and most. */
int64_t store_clamp(int64_t number, int64_t least, int64_t most);

/* Opening. */

struct store_migration {
    const char *scripts[6]; /* from the version before to this one; NULL ends */
};

/* The schema of this version: its migrations from an empty database on. */
extern const struct store_migration store_schema[];
extern const size_t store_schema_version;

/* The two indexes, which can be dropped and made anew at any time. */
extern const char store_index_schema[];

enum { STORE_APPLICATION = 0x54537431 }; /* "TSt1": marks a file as ours */

/*
 * Bring a database to version, with migrations[0] from 0 to 1 and so on; a file
 * that holds something is copied to FILE-backup-vOLD first. Processes that do it
 * at once wait for the first.
 */
int store_migrate(struct store *store, const struct store_migration *migrations, size_t version,
    struct error *error);

/* Whether a file system, by its number from statfs(2), is reached over a network: its name, or
 * NULL. */
const char *store_network_name(unsigned long type);

/* See whether the index answers and knows the newest message, and make it anew when not; cheap. */
int store_index_catch_up(struct store *store, struct error *error);

#endif
