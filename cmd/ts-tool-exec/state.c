#include "state.h"

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

int state_init(struct state *state, struct error *error)
{
    const char *given = getenv("TS_STATE_DIR");
    char parent[PATH_MAX], name[RANDOM_SESSION_ID_SIZE];
    state->lock = -1;
    if (given != NULL && given[0] == '/') {
        if (snprintf(state->path, sizeof state->path, "%s", given) >= (int)sizeof state->path)
            return error_set(error, "path too long: '%s'", given);
        return 0;
    }
    if (paths_user(parent, sizeof parent, PATHS_RUNTIME, "", error) < 0)
        return -1;
    remove_stale(parent);
    random_hex(name, sizeof name);
    if (snprintf(state->path, sizeof state->path, "%s/%s%s", parent, prefix, name) >=
        (int)sizeof state->path)
        return error_set(error, "path too long: '%s'", parent);
    if (paths_make_private(state->path, error) < 0)
        return -1;
    state->lock = lock_directory(state->path);
    return state->lock < 0 ? error_system(error, "lock '%s'", state->path) : 0;
}

int state_release(struct state *state, struct error *error)
{
    if (state->lock < 0)
        return 0;
    close_descriptor(&state->lock);
    return paths_remove_tree(state->path, error);
}
