#include "spill.h"

#include "base/random.h"
#include "io/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    KEPT_SECONDS = 7 * 86400, /* a conversation that goes on after a weekend finds its files */
    NAME_LENGTH = 64,         /* of a file; a call's id may be anything */
    NAMES_TRIED = 1000,       /* ids that repeat in one process */
};

static char directory[PATH_MAX];

/* Best effort: an old file that cannot be removed is in nobody's way. */
static void remove_old(const char *parent)
{
    DIR *stream = opendir(parent);
    struct dirent *entry;
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        char path[PATH_MAX];
        struct stat status;
        if (entry->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s/%s", parent, entry->d_name) >= (int)sizeof path)
            continue;
        if (lstat(path, &status) == 0 && status.st_mtime < time(NULL) - KEPT_SECONDS)
            paths_remove_tree(path, NULL);
    }
    if (stream != NULL)
        closedir(stream);
}

static int make_directory(struct error *error)
{
    char parent[PATH_MAX], made[PATH_MAX], name[RANDOM_SESSION_ID_SIZE];
    if (directory[0] != '\0')
        return 0;
    if (paths_user(parent, sizeof parent, PATHS_STATE, "spill", error) < 0 ||
        paths_make_private(parent, error) < 0)
        return -1;
    remove_old(parent);
    random_hex(name, sizeof name);
    if (snprintf(made, sizeof made, "%s/%s", parent, name) >= (int)sizeof made)
        return error_set(error, "path too long: '%s/%s'", parent, name);
    if (paths_make_private(made, error) < 0)
        return -1;
    memcpy(directory, made, sizeof directory);
    return 0;
}

static void file_name(char *name, const char *call_id)
{
    size_t length = 0;
    for (; length < NAME_LENGTH && call_id[length] != '\0'; length++) {
        char byte = call_id[length];
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
        name[length] = plain ? byte : '_';
    }
    name[length] = '\0';
}

int spill_open(const char *call_id, char *path, size_t size, struct error *error)
{
    char name[NAME_LENGTH + 1], suffix[8] = "";
    if (make_directory(error) < 0)
        return -1;
    file_name(name, call_id);
    for (int number = 2; number < NAMES_TRIED; number++) {
        if (snprintf(path, size, "%s/%s%s.txt", directory, name, suffix) >= (int)size)
            return error_set(error, "path too long: '%s/%s'", directory, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST)
            return error_system(error, "make '%s'", path);
        snprintf(suffix, sizeof suffix, "-%d", number);
    }
    return error_set(error, "too many files for call '%s'", call_id);
}

const char *spill_directory(void)
{
    return directory[0] != '\0' ? directory : NULL;
}
