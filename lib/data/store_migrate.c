/* From whatever version a file has to ours: refused, copied, changed in one transaction. */
#include "base/clock.h"
#include "data/store_internal.h"
#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RETRY_MS = 5 }; /* between attempts at what SQLite's own waiting does not cover */

struct identity {
    int64_t application;
    int64_t version;
    int64_t tables;
};

static int read_pragma(struct store *store, const char *sql, int64_t *number, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    else
        store_fail(store, "read the version", error);
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? 0 : -1;
}

/* All three in one transaction, or a database that is just being made looks like another's. */
static int identify(struct store *store, struct identity *identity, struct error *error)
{
    bool own = sqlite3_get_autocommit(store->db) != 0;
    if (own && store_script(store, "read the version", "BEGIN", error) < 0)
        return -1;
    int result = read_pragma(store, "PRAGMA application_id", &identity->application, error);
    if (result == 0)
        result = read_pragma(store, "PRAGMA user_version", &identity->version, error);
    if (result == 0)
        result = read_pragma(store, "SELECT count(*) FROM sqlite_schema", &identity->tables, error);
    if (own)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

static int judge(
    const struct store *store, const struct identity *identity, size_t version, struct error *error)
{
    bool is_empty = identity->tables == 0 && identity->application == 0 && identity->version == 0;
    if (!is_empty && identity->application != STORE_APPLICATION)
        return error_set(error, "'%s' is a database of another program", store->path);
    if (identity->version > (int64_t)version)
        return error_set(error,
            "'%s' was written by a newer version of these programs (schema %lld, we know %zu)",
            store->path, (long long)identity->version, version);
    return 0;
}

/* SQLite does not wait when others have the file open while its journal's kind changes. */
static int use_write_ahead_log(struct store *store, struct error *error)
{
    int64_t deadline = clock_monotonic_ms() + STORE_WAIT_MS;
    for (;;) {
        int result = sqlite3_exec(
            store->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL, NULL, NULL);
        if (result == SQLITE_OK)
            return 0;
        if ((result & 0xff) != SQLITE_BUSY || clock_monotonic_ms() > deadline)
            return store_fail(store, "set up the write-ahead log", error);
        poll(NULL, 0, RETRY_MS);
    }
}

/* Through a connection of its own: ours is about to write, and the copy is of what was before. */
static int copy_database(struct store *store, const char *copy, struct error *error)
{
    sqlite3 *from = NULL, *to = NULL;
    int result = sqlite3_open_v2(store->path, &from, SQLITE_OPEN_READONLY, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_open_v2(copy, &to, SQLITE_OPEN_READWRITE, NULL);
    sqlite3_backup *backup = NULL;
    if (result == SQLITE_OK) {
        sqlite3_busy_timeout(from, STORE_WAIT_MS);
        backup = sqlite3_backup_init(to, "main", from, "main");
        result = backup == NULL ? sqlite3_errcode(to) : sqlite3_backup_step(backup, -1);
        sqlite3_backup_finish(backup);
    }
    if (result != SQLITE_DONE)
        error_set(
            error, "copy the database '%s' to '%s': %s", store->path, copy, sqlite3_errstr(result));
    sqlite3_close(to);
    sqlite3_close(from);
    return result == SQLITE_DONE ? 0 : -1;
}

static int back_up(struct store *store, int64_t version, struct error *error)
{
    char copy[PATH_MAX + 32];
    snprintf(copy, sizeof copy, "%s-backup-v%lld", store->path, (long long)version);
    unlink(copy); /* of an attempt that did not get through: the database is still what it was */
    int fd = open(copy, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_system(error, "make the copy '%s'", copy);
    close_descriptor(&fd);
    if (copy_database(store, copy, error) == 0)
        return 0;
    unlink(copy);
    return -1;
}

static int apply(struct store *store, const struct store_migration *migrations, size_t version,
    struct error *error)
{
    struct identity now = {0};
    char mark[96];
    /* Somebody else may have done it while we waited for the right to write. */
    if (identify(store, &now, error) < 0 || judge(store, &now, version, error) < 0)
        return -1;
    if (now.version == (int64_t)version)
        return 0;
    if (now.tables > 0 && back_up(store, now.version, error) < 0)
        return -1;
    for (size_t at = (size_t)now.version; at < version; at++) {
        for (const char *const *script = migrations[at].scripts; *script != NULL; script++) {
            if (store_script(store, "bring the tables up to date", *script, error) < 0)
                return -1;
        }
    }
    snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %zu;",
        (int)STORE_APPLICATION, version);
    return store_script(store, "mark the version", mark, error);
}

int store_migrate(struct store *store, const struct store_migration *migrations, size_t version,
    struct error *error)
{
    struct identity found = {0};
    if (identify(store, &found, error) < 0 || judge(store, &found, version, error) < 0)
        return -1;
    bool read_only = sqlite3_db_readonly(store->db, "main") == 1;
    if (read_only && found.version == (int64_t)version)
        return 0;
    if (!read_only && !store->in_memory && use_write_ahead_log(store, error) < 0)
        return -1;
    if (found.version == (int64_t)version)
        return 0;
    if (store_begin(store, error) < 0)
        return -1;
    if (apply(store, migrations, version, error) < 0) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, error);
}
