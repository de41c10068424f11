/*
 * Who owns a session, and its end.
 *
 * The lock of session N is byte N of FILE-sessions. It belongs to the open file
 * description, so it goes when the process dies, in whatever way, and two
 * stores of one process exclude each other too. The row says whose it is.
 */
#include "data/store_internal.h"
#include "data/store_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_locks(struct store *store, struct error *error)
{
    char path[PATH_MAX + 16];
    struct stat status;
    if (store->locks >= 0)
        return 0;
    snprintf(path, sizeof path, "%s-sessions", store->path);
    store->locks = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (store->locks < 0)
        return error_system(error, "open '%s'", path);
    if (fstat(store->locks, &status) < 0 || !S_ISREG(status.st_mode))
        return error_set(error, "'%s' is not a regular file", path);
    return 0;
}

static struct flock byte_of(int64_t id, short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = id, .l_len = 1};
}

static int find_row(
    struct store *store, const char *session_id, int64_t *id, int64_t *pid, struct error *error)
{
    sqlite3_stmt *query = store_query(store, error, "look for a session",
        "SELECT id, pid FROM sessions WHERE session_id = ?1", STORE_VALUES(store_text(session_id)));
    int row = query != NULL ? store_row(store, query, error) : -1;
    if (row > 0) {
        *id = store_column_number(query, 0);
        *pid = store_column_number(query, 1);
        store_done(query);
    }
    return row;
}

/* The lock alone: 1, 0 when another has it, -1. */
static int take_byte(struct store *store, int64_t id, struct error *error)
{
    struct flock lock = byte_of(id, F_WRLCK);
    if (open_locks(store, error) < 0)
        return -1;
    if (fcntl(store->locks, F_OFD_SETLK, &lock) == 0)
        return 1;
    return errno == EAGAIN || errno == EACCES ? 0 : error_system(error, "lock a session");
}

static void give_byte(struct store *store, int64_t id)
{
    struct flock lock = byte_of(id, F_UNLCK);
    if (store->locks >= 0)
        (void)fcntl(store->locks, F_OFD_SETLK, &lock);
}

static int say_owned(const char *session_id, int64_t pid, struct error *error)
{
    if (pid > 0)
        return error_set(
            error, "session '%s' is in use by process %lld", session_id, (long long)pid);
    return error_set(error, "session '%s' is in use by another process", session_id);
}

int store_session_lock(struct store *store, const char *session_id, struct error *error)
{
    int64_t id = 0, pid = 0;
    int found = find_row(store, session_id, &id, &pid, error);
    if (found <= 0)
        return found < 0 ? -1 : error_set(error, "there is no session '%s'", session_id);
    int taken = take_byte(store, id, error);
    if (taken <= 0)
        return taken < 0 ? -1 : say_owned(session_id, pid, error);
    if (store_change(store, error, "lock a session",
            "UPDATE sessions SET pid = ?2 WHERE session_id = ?1",
            STORE_VALUES(store_text(session_id), store_number(getpid()))) > 0)
        return 0;
    give_byte(store, id);
    return -1;
}

void store_session_unlock(struct store *store, const char *session_id)
{
    int64_t id = 0, pid = 0;
    if (find_row(store, session_id, &id, &pid, NULL) > 0)
        give_byte(store, id);
}

bool store_session_is_locked(struct store *store, int64_t id)
{
    struct flock lock = byte_of(id, F_WRLCK);
    char path[PATH_MAX + 16];
    /* Reading makes no file, and where there is none nobody has a lock. */
    snprintf(path, sizeof path, "%s-sessions", store->path);
    if (store->locks < 0 && (access(path, F_OK) < 0 || open_locks(store, NULL) < 0))
        return false;
    return fcntl(store->locks, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* Deleted words are still in the index until its parts are merged. */
static int wipe(struct store *store, struct error *error)
{
    int result = store_script(store, "take deleted words out of the index",
        "INSERT INTO conversations_fts(conversations_fts) VALUES ('optimize');"
        "INSERT INTO conversations_trigram(conversations_trigram) VALUES ('optimize');",
        error);
    store_empty_log(store);
    return result;
}

int store_session_delete(struct store *store, const char *session_id, struct error *error)
{
    int64_t id = 0, pid = 0;
    int found = find_row(store, session_id, &id, &pid, error);
    if (found <= 0)
        return found;
    int taken = take_byte(store, id, error);
    if (taken <= 0)
        return taken < 0 ? -1 : say_owned(session_id, pid, error);
    int deleted = store_change(store, error, "delete a session",
        "DELETE FROM sessions WHERE session_id = ?1", STORE_VALUES(store_text(session_id)));
    give_byte(store, id);
    if (deleted <= 0)
        return deleted;
    return wipe(store, error) < 0 ? -1 : 1;
}
