#include "io/atomic_file.h"

#include "base/random.h"
#include "io/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    NAME_SIZE = 32,                  /* ".turnstone-" and 16 digits */
    ATTRIBUTE_NAMES_LIMIT = 8 << 10, /* bytes; more attributes than this are not kept */
    ATTRIBUTE_VALUE_LIMIT = 64 << 10,
};

/* One file on its way. */
struct attempt {
    const char *path; /* for messages */
    const char *name; /* last component of path */
    int directory;    /* that holds it */
    int fd;           /* the new contents; -1: none */
    bool named;       /* temporary names a file that must go */
    char temporary[NAME_SIZE];
    const struct stat *expected; /* NULL: nothing may be there */
};

static int fail(const struct attempt *attempt, const char *what, struct error *error)
{
    int reason = errno;
    error_system(error, "%s '%s'", what, attempt->path);
    errno = reason;
    return -1;
}

static void new_name(struct attempt *attempt)
{
    char digits[17];
    random_hex(digits, sizeof digits);
    snprintf(attempt->temporary, sizeof attempt->temporary, ".turnstone-%s", digits);
}

static int open_temporary(struct attempt *attempt, bool nameless, struct error *error)
{
    mode_t mode = attempt->expected != NULL ? 0600 : 0666;
    if (nameless) {
        attempt->fd = openat(attempt->directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
        return attempt->fd < 0 ? fail(attempt, "write", error) : 0;
    }
    new_name(attempt);
    attempt->fd = openat(attempt->directory, attempt->temporary,
        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    attempt->named = attempt->fd >= 0;
    return attempt->fd < 0 ? fail(attempt, "write", error) : 0;
}

static int write_bytes(
    const struct attempt *attempt, const char *bytes, size_t length, struct error *error)
{
    while (length > 0) {
        ssize_t wrote = write(attempt->fd, bytes, length);
        if (wrote < 0 && errno != EINTR)
            return fail(attempt, "write", error);
        if (wrote > 0) {
            bytes += wrote;
            length -= (size_t)wrote;
        }
    }
    return 0;
}

/* Labels and access lists; what the system does not let us set is left out, as cp(1) does. */
static void copy_attributes(int from, int to)
{
    char *names = malloc(ATTRIBUTE_NAMES_LIMIT);
    char *value = malloc(ATTRIBUTE_VALUE_LIMIT);
    ssize_t length =
        names != NULL && value != NULL ? flistxattr(from, names, ATTRIBUTE_NAMES_LIMIT) : -1;
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
        ssize_t size = fgetxattr(from, names + at, value, ATTRIBUTE_VALUE_LIMIT);
        if (size >= 0)
            (void)fsetxattr(to, names + at, value, (size_t)size, 0);
    }
    free(names);
    free(value);
}

static int copy_properties(const struct attempt *attempt, struct error *error)
{
    const struct stat *old = attempt->expected;
    mode_t mode = old->st_mode & 07777;
    struct stat fresh;
    if (fstat(attempt->fd, &fresh) < 0)
        return fail(attempt, "look at the new contents of", error);
    if ((fresh.st_uid != old->st_uid || fresh.st_gid != old->st_gid) &&
        fchown(attempt->fd, old->st_uid, old->st_gid) < 0 &&
        (fchown(attempt->fd, (uid_t)-1, old->st_gid) < 0 || fresh.st_uid != old->st_uid))
        mode &= (mode_t) ~(S_ISUID | S_ISGID); /* it would lend another identity */
    int from = openat(attempt->directory, attempt->name,
        O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (from >= 0) {
        copy_attributes(from, attempt->fd);
        close(from);
    }
    return fchmod(attempt->fd, mode) < 0 ? fail(attempt, "set the mode of", error) : 0;
}

static bool same_time(struct timespec one, struct timespec other)
{
    return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

/* The last look before the rename. */
static int check_unchanged(const struct attempt *attempt, struct error *error)
{
    const struct stat *old = attempt->expected;
    struct stat now;
    if (fstatat(attempt->directory, attempt->name, &now, AT_SYMLINK_NOFOLLOW) < 0)
        return fail(attempt, "look at", error);
    if (now.st_dev == old->st_dev && now.st_ino == old->st_ino && now.st_size == old->st_size &&
        same_time(now.st_mtim, old->st_mtim) && same_time(now.st_ctim, old->st_ctim))
        return 0;
    error_set(error, "write '%s': the file was changed by somebody else meanwhile", attempt->path);
    errno = ESTALE;
    return -1;
}

static int give_name(struct attempt *attempt, const char *name)
{
    char nameless[32];
    snprintf(nameless, sizeof nameless, "/proc/self/fd/%d", attempt->fd);
    return linkat(AT_FDCWD, nameless, attempt->directory, name, AT_SYMLINK_FOLLOW);
}

static int put_in_place(struct attempt *attempt, struct error *error)
{
    if (attempt->expected == NULL) {
        /* A link, not a rename: it never replaces. */
        int linked = attempt->named ? linkat(attempt->directory, attempt->temporary,
                                          attempt->directory, attempt->name, 0)
                                    : give_name(attempt, attempt->name);
        return linked < 0 ? fail(attempt, "create", error) : 0;
    }
    if (!attempt->named) {
        new_name(attempt);
        if (give_name(attempt, attempt->temporary) < 0)
            return fail(attempt, "write", error);
        attempt->named = true;
    }
    if (check_unchanged(attempt, error) < 0)
        return -1;
    if (renameat(attempt->directory, attempt->temporary, attempt->directory, attempt->name) < 0)
        return fail(attempt, "replace", error);
    attempt->named = false;
    return 0;
}

static int write_once(
    struct attempt *attempt, bool nameless, const char *bytes, size_t length, struct error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    attempt->named = false;
    /* Nameless contents vanish with the process, so signals need to wait only for the naming. */
    if (!nameless)
        sigprocmask(SIG_BLOCK, &all, &before);
    int result = open_temporary(attempt, nameless, error);
    if (result == 0)
        result = write_bytes(attempt, bytes, length, error);
    if (result == 0 && attempt->expected != NULL)
        result = copy_properties(attempt, error);
    if (result == 0 && fsync(attempt->fd) < 0)
        result = fail(attempt, "write", error);
    if (nameless)
        sigprocmask(SIG_BLOCK, &all, &before);
    if (result == 0)
        result = put_in_place(attempt, error);
    int reason = errno;
    if (attempt->named)
        unlinkat(attempt->directory, attempt->temporary, 0);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (attempt->fd >= 0)
        close(attempt->fd);
    attempt->fd = -1;
    errno = reason;
    return result;
}

/* The name itself is on the disk only when its directory is. Not every file system can. */
static void sync_directory(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

static int write_file(const char *path, const char *bytes, size_t length,
    const struct stat *expected, struct error *error)
{
    struct attempt attempt = {.path = path, .fd = -1, .expected = expected};
    attempt.directory = resolved_parent(path, expected == NULL, &attempt.name, error);
    if (attempt.directory < 0)
        return -1;
    int result = -1;
    /* Renaming over a file needs no permission on the file itself; writing it would. */
    if (expected != NULL &&
        faccessat(attempt.directory, attempt.name, W_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) < 0) {
        fail(&attempt, "write", error);
    } else {
        result = write_once(&attempt, true, bytes, length, error);
        /* No nameless files here (NFS, FUSE), or no /proc to name them through. */
        if (result < 0 &&
            (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL))
            result = write_once(&attempt, false, bytes, length, error);
    }
    int reason = errno;
    if (result == 0)
        sync_directory(attempt.directory);
    close(attempt.directory);
    errno = reason;
    return result;
}

int atomic_file_create(const char *path, const char *bytes, size_t length, struct error *error)
{
    return write_file(path, bytes, length, NULL, error);
}

int atomic_file_replace(const char *path, const char *bytes, size_t length,
    const struct stat *expected, struct error *error)
{
    return write_file(path, bytes, length, expected, error);
}
