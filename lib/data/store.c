/* Opening, closing, transactions. */
#include "data/store.h"

#include "base/buffer.h"
#include "data/store_internal.h"
#include "io/paths.h"
#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

int store_default_path(char *path, size_t size, struct error *error)
{
    return paths_user(path, size, PATHS_DATA, "turnstone.db", error);
}

const char *store_path(const struct store *store)
{
    return store->path;
}

/* The file. */

const char *store_network_name(unsigned long type)
{
    static const struct {
        unsigned long type;
        const char *name;
    } networks[] = {
        {0x6969, "NFS"},
        {0x517b, "SMB"},
        {0xff534d42, "SMB"},
        {0xfe534d42, "SMB"},
        {0x01021997, "9p"},
        {0x00c36400, "Ceph"},
        {0x5346414f, "AFS"},
        {0x73757245, "Coda"},
        {0x47504653, "GPFS"},
        {0x0bd00bd0, "Lustre"},
    };
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        if (networks[i].type == (type & 0xffffffff))
            return networks[i].name;
    }
    return NULL;
}

static int parent_of(const char *path, char *parent, size_t size, struct error *error)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    if (length >= size)
        return error_set(error, "path too long: '%s'", path);
    memcpy(parent, path, length);
    parent[length] = '\0';
    return 0;
}

static int refuse_network(const char *directory, struct error *error)
{
    struct statfs system;
    if (statfs(directory, &system) < 0)
        return error_system(error, "look at directory '%s'", directory);
    const char *name = store_network_name((unsigned long)system.f_type);
    if (name == NULL)
        return 0;
    return error_set(error,
        "'%s' is on a network file system (%s), where locks do not keep processes apart: "
        "set store.path to a file on a local disk",
        directory, name);
}

/* Our own directory is closed to others; one that somebody chose is theirs to protect. */
static int make_directory(const char *directory, struct error *error)
{
    char own[PATH_MAX];
    struct stat status;
    bool is_own =
        paths_user(own, sizeof own, PATHS_DATA, "", NULL) == 0 && strcmp(own, directory) == 0;
    if (!is_own && stat(directory, &status) == 0)
        return S_ISDIR(status.st_mode) ? 0 : error_set(error, "'%s' is no directory", directory);
    return paths_make_private(directory, error);
}

/* SQLite would make the file by the umask. Files beside it get this file's mode from SQLite. */
static int make_file(const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno != EEXIST)
        return error_system(error, "make the database '%s'", path);
    close_descriptor(&fd);
    return 0;
}

/* By its name and not by a descriptor: closing that would end the locks SQLite holds on the file
 * for another store of this process. */
static int check_file(const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return error_system(error, "open the database '%s'", path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, "the database '%s' is not a regular file", path);
    if ((status.st_mode & 0077) != 0 && status.st_uid == geteuid() && chmod(path, 0600) < 0 &&
        errno != EROFS)
        return error_system(error, "close the database '%s' to others", path);
    return 0;
}

static int find_file(struct store *store, const char *given, struct error *error)
{
    char path[PATH_MAX], directory[PATH_MAX], here[PATH_MAX];
    if (given == NULL && store_default_path(path, sizeof path, error) < 0)
        return -1;
    if (getcwd(here, sizeof here) == NULL)
        here[0] = '\0';
    if (paths_resolve(store->path, sizeof store->path, here, given != NULL ? given : path, error) <
            0 ||
        parent_of(store->path, directory, sizeof directory, error) < 0)
        return -1;
    if (store->mode == STORE_READ && access(store->path, F_OK) < 0 && errno == ENOENT) {
        store->in_memory = true;
        return 0;
    }
    if (store->mode == STORE_WRITE &&
        (make_directory(directory, error) < 0 || refuse_network(directory, error) < 0 ||
            make_file(store->path, error) < 0))
        return -1;
    return check_file(store->path, error);
}

/* The connection. */

static int connect_to(struct store *store, const char *name, int flags, struct error *error)
{
    if (sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
            NULL) != SQLITE_OK) {
        if (store->db == NULL)
            return error_set(error, "open the database '%s': out of memory", store->path);
        return store_fail(store, "open the database", error);
    }
    sqlite3_busy_timeout(store->db, STORE_WAIT_MS);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* A program that stores a few messages and ends must not pay for moving them, and for a new
     * log at the next start: the log stays, and is moved when it has grown to a MiB. */
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return store_script(store, "set up the connection",
        "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
        "PRAGMA wal_autocheckpoint = 256;",
        error);
}

/* A database that nobody can be writing, because its directory cannot be written: SQLite then needs
 * no files beside it. The name is a URI, in which some characters have a meaning. */
static int connect_immutable(struct store *store, struct error *error)
{
    struct buffer uri;
    buffer_init(&uri, (size_t)PATH_MAX * 3 + 32);
    int result = buffer_append_text(&uri, "file:");
    for (const char *at = store->path; *at != '\0' && result == 0; at++)
        result = strchr("%?#", *at) != NULL ? buffer_printf(&uri, "%%%02x", (unsigned char)*at)
                                            : buffer_append_byte(&uri, *at);
    if (result < 0 || buffer_append_text(&uri, "?immutable=1") < 0)
        result = error_system(error, "open the database '%s'", store->path);
    else
        result = connect_to(store, uri.data, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, error);
    buffer_release(&uri);
    return result;
}

static bool is_unwritable_and_whole(const struct store *store)
{
    char directory[PATH_MAX], log[PATH_MAX + 8];
    struct stat status;
    if (parent_of(store->path, directory, sizeof directory, NULL) < 0 ||
        access(directory, W_OK) == 0)
        return false;
    snprintf(log, sizeof log, "%s-wal", store->path);
    return stat(log, &status) < 0 || status.st_size == 0;
}

static int connect_store(struct store *store, struct error *error)
{
    if (store->in_memory)
        return connect_to(store, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
    if (store->mode == STORE_READ && is_unwritable_and_whole(store))
        return connect_immutable(store, error);
    if (connect_to(store, store->path, SQLITE_OPEN_READWRITE, error) < 0)
        return -1;
    if (store->mode == STORE_WRITE && sqlite3_db_readonly(store->db, "main") == 1)
        return error_set(error, "write the database '%s': its permissions forbid it", store->path);
    return 0;
}

static int prepare_store(struct store *store, const char *path, struct error *error)
{
    if (find_file(store, path, error) < 0 || connect_store(store, error) < 0 ||
        store_migrate(store, store_schema, store_schema_version, error) < 0)
        return -1;
    if (sqlite3_db_readonly(store->db, "main") == 0 && store_index_catch_up(store, error) < 0)
        return -1;
    return store->mode == STORE_READ
               ? store_script(store, "set up the connection", "PRAGMA query_only = ON;", error)
               : 0;
}

int store_open(struct store **store, const char *path, enum store_mode mode, struct error *error)
{
    *store = NULL;
    struct store *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, "open the database: out of memory");
    made->mode = mode;
    made->locks = -1;
    if (prepare_store(made, path, error) < 0) {
        store_close(made);
        return -1;
    }
    *store = made;
    return 0;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    for (size_t at = 0; at < STORE_STATEMENTS && store->statements[at].sql != NULL; at++)
        sqlite3_finalize(store->statements[at].statement);
    sqlite3_close(store->db);
    close_descriptor(&store->locks);
    free(store);
}

void store_empty_log(struct store *store)
{
    (void)sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

/* Transactions. */

int store_begin(struct store *store, struct error *error)
{
    if (store->depth == 0) {
        /* At once for writing: one that became a writer later could not wait for the others. */
        if (store_change(store, error, "begin to write", "BEGIN IMMEDIATE", STORE_NO_VALUES) < 0)
            return -1;
        store->undone = false;
    }
    store->depth++;
    return 0;
}

int store_commit(struct store *store, struct error *error)
{
    if (store->depth > 1) {
        store->depth--;
        return 0;
    }
    if (store->undone || sqlite3_get_autocommit(store->db)) {
        store->depth = 0;
        return error_set(error, "write to '%s': a part of the change failed", store->path);
    }
    if (store_change(store, error, "write", "COMMIT", STORE_NO_VALUES) < 0) {
        store_rollback(store);
        return -1;
    }
    store->depth = 0;
    return 0;
}

void store_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->undone = true;
    store->depth = 0;
}
