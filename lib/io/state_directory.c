#include "io/state_directory.h"

#include "base/random.h"
#include "io/paths.h"
#include "io/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SETTLING_SECONDS = 60 }; /* a directory is locked long before it is so old */

static const char prefix[] = "state-";

static int lock_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        close_descriptor(&fd);
    return fd;
}

/* What processes that were killed left behind. Best effort. */
static void remove_stale(const char *parent)
{
    DIR *stream = opendir(parent);
    struct dirent *entry;
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        char path[PATH_MAX];
        struct stat status;
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) != 0 ||
            snprintf(path, sizeof path, "%s/%s", parent, entry->d_name) >= (int)sizeof path ||
            lstat(path, &status) < 0 || status.st_mtime > time(NULL) - SETTLING_SECONDS)
            continue;
        int lock = lock_directory(path);
        if (lock >= 0)
            paths_remove_tree(path, NULL);
        close_descriptor(&lock);
    }
    if (stream != NULL)
        closedir(stream);
}

static int make(struct state_directory *directory, struct error *error)
{
    char parent[PATH_MAX], name[RANDOM_SESSION_ID_SIZE];
    if (paths_user(parent, sizeof parent, PATHS_RUNTIME, "", error) < 0)
        return -1;
    remove_stale(parent);
    random_hex(name, sizeof name);
    if (snprintf(directory->path, sizeof directory->path, "%s/%s%s", parent, prefix, name) >=
        (int)sizeof directory->path)
        return error_set(error, "path too long: '%s'", parent);
    if (paths_make_private(directory->path, error) < 0)
        return -1;
    directory->lock = lock_directory(directory->path);
    return directory->lock < 0 ? error_system(error, "lock '%s'", directory->path) : 0;
}

int state_directory_make(struct state_directory *directory, struct error *error)
{
    directory->lock = -1;
    if (make(directory, error) == 0)
        return 0;
    directory->path[0] = '\0';
    return -1;
}

int state_directory_take(struct state_directory *directory, struct error *error)
{
    const char *given = getenv("TS_STATE_DIR");
    if (given == NULL || given[0] != '/')
        return state_directory_make(directory, error);
    directory->lock = -1;
    if (snprintf(directory->path, sizeof directory->path, "%s", given) <
        (int)sizeof directory->path)
        return 0;
    directory->path[0] = '\0';
    return error_set(error, "path too long: '%s'", given);
}

int state_directory_release(struct state_directory *directory, struct error *error)
{
    int result = 0;
    if (directory->path[0] != '\0' && directory->lock >= 0)
        result = paths_remove_tree(directory->path, error);
    close_descriptor(&directory->lock);
    directory->path[0] = '\0';
    return result;
}
