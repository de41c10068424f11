#include "io/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 << 10,
    WALK_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
};

static int is_link(int directory, const char *name)
{
    struct stat status;
    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

/* errno is kept for the caller: it tells "nothing there" from the rest by it. */
static int refuse(struct error *error, const char *path, int directory, const char *name)
{
    int reason = errno;
    if ((reason == ELOOP || reason == ENOTDIR) && is_link(directory, name)) {
        error_set(
            error, "open '%s': '%s' has become a link since the path was resolved", path, name);
        reason = ELOOP;
    } else {
        error_system(error, "open '%s'", path);
    }
    errno = reason;
    return -1;
}

static int step(int directory, const char *name, int make, const char *path, struct error *error)
{
    int next = openat(directory, name, WALK_FLAGS);
    if (next < 0 && errno == ENOENT && make) {
        if (mkdirat(directory, name, 0777) < 0 && errno != EEXIST) {
            int reason = errno;
            error_system(error, "make directory '%s' for '%s'", name, path);
            errno = reason;
            return -1;
        }
        next = openat(directory, name, WALK_FLAGS);
    }
    return next < 0 ? refuse(error, path, directory, name) : next;
}

static void close_kept(int fd)
{
    int reason = errno;
    close(fd);
    errno = reason;
}

int resolved_parent(const char *path, int make, const char **name, struct error *error)
{
    char component[NAME_MAX + 1];
    if (path[0] != '/') {
        errno = EINVAL;
        return error_set(error, "open '%s': not an absolute path", path);
    }
    int directory = open("/", WALK_FLAGS);
    if (directory < 0)
        return error_system(error, "open '/'");
    const char *rest = path + strspn(path, "/");
    for (;;) {
        size_t length = strcspn(rest, "/");
        const char *after = rest + length + strspn(rest + length, "/");
        if (*after == '\0' || length == 0) {
            *name = length == 0 ? "." : rest;
            return directory;
        }
        if (length > NAME_MAX) {
            close(directory);
            errno = ENAMETOOLONG;
            return error_system(error, "open '%s'", path);
        }
        memcpy(component, rest, length);
        component[length] = '\0';
        int next = step(directory, component, make, path, error);
        close_kept(directory);
        if (next < 0)
            return -1;
        directory = next;
        rest = after;
    }
}

int resolved_open(const char *path, int flags, struct error *error)
{
    const char *name = NULL;
    int directory = resolved_parent(path, 0, &name, error);
    if (directory < 0)
        return -1;
    int fd = openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        refuse(error, path, directory, name);
    close_kept(directory);
    return fd;
}

static const char *kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "a directory";
    case S_IFIFO:
        return "a FIFO";
    case S_IFSOCK:
        return "a socket";
    case S_IFCHR:
    case S_IFBLK:
        return "a device";
    default:
        return "no regular file";
    }
}

int regular_file_open(const char *path, struct stat *status, struct error *error)
{
    int fd = resolved_open(path, O_RDONLY, error);
    if (fd < 0)
        return -1;
    int reason = 0;
    if (fstat(fd, status) < 0) {
        reason = errno;
        error_system(error, "look at '%s'", path);
    } else if (!S_ISREG(status->st_mode)) {
        reason = S_ISDIR(status->st_mode) ? EISDIR : EINVAL;
        error_set(error, "open '%s': it is %s", path, kind_of(status->st_mode));
    }
    if (reason == 0)
        return fd;
    close(fd);
    errno = reason;
    return -1;
}

static int read_contents(int fd, const char *path, struct buffer *contents, struct error *error)
{
    for (;;) {
        size_t room = contents->maximum - contents->length;
        if (buffer_reserve(contents, room < READ_SIZE ? room : READ_SIZE) < 0)
            return error_system(error, "read '%s'", path);
        char probe = 0;
        size_t wanted = room < READ_SIZE ? room : READ_SIZE;
        ssize_t got =
            wanted > 0 ? read(fd, contents->data + contents->length, wanted) : read(fd, &probe, 1);
        if (got == 0)
            return 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_system(error, "read '%s'", path);
        if (wanted == 0) {
            error_set(error, "read '%s': larger than %zu bytes", path, contents->maximum);
            errno = EFBIG;
            return -1;
        }
        contents->length += (size_t)got;
        contents->data[contents->length] = '\0';
    }
}

int regular_file_read(
    const char *path, struct buffer *contents, struct stat *status, struct error *error)
{
    int fd = regular_file_open(path, status, error);
    if (fd < 0)
        return -1;
    int result = read_contents(fd, path, contents, error);
    close_kept(fd);
    return result;
}
