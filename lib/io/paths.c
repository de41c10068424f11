#include "io/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int join(char *path, size_t size, const char *directory, const char *between,
    const char *name, struct error *error)
{
    int length = snprintf(path, size, "%s%s%s", directory, between, name);
    if (length < 0 || (size_t)length >= size)
        return error_set(error, "path too long: '%s%s%s'", directory, between, name);
    return 0;
}

/* The directory above bin/ or libexec/, from the running program's own place. */
static int installation_root(char *path, size_t size, struct error *error)
{
    static const char *const places[] = {"/libexec/turnstone/tools", "/libexec/turnstone"};
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length < 0)
        return error_system(error, "read /proc/self/exe");
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return error_set(error, "no directory above '%s'", path);
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        size_t whole = strlen(path), end = strlen(places[i]);
        if (whole > end && strcmp(path + whole - end, places[i]) == 0) {
            path[whole - end] = '\0';
            return 0;
        }
    }
    slash = strrchr(path, '/');
    if (slash == NULL)
        return error_set(error, "no directory above '%s'", path);
    *slash = '\0';
    return 0;
}

static int installed(
    char *path, size_t size, const char *between, const char *name, struct error *error)
{
    char root[PATH_MAX];
    if (installation_root(root, sizeof root, error) < 0)
        return -1;
    return join(path, size, root, between, name, error);
}

int paths_helper(char *path, size_t size, const char *name, struct error *error)
{
    return installed(path, size, "/bin/", name, error);
}

int paths_libexec(char *path, size_t size, const char *name, struct error *error)
{
    return installed(path, size, "/libexec/turnstone/", name, error);
}

int paths_share(char *path, size_t size, const char *name, struct error *error)
{
    return installed(path, size, "/share/turnstone/", name, error);
}

static const char *absolute_environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] == '/' ? value : NULL;
}

int paths_user(char *path, size_t size, enum paths_kind kind, const char *name, struct error *error)
{
    static const struct {
        const char *variable;
        const char *below_home;
    } places[] = {
        [PATHS_CONFIG] = {"XDG_CONFIG_HOME", "/.config"},
        [PATHS_DATA] = {"XDG_DATA_HOME", "/.local/share"},
        [PATHS_STATE] = {"XDG_STATE_HOME", "/.local/state"},
        [PATHS_RUNTIME] = {"XDG_RUNTIME_DIR", NULL},
    };
    char base[PATH_MAX];
    const char *separator = name[0] != '\0' ? "/" : "";
    const char *given = absolute_environment(places[kind].variable);
    if (given != NULL) {
        if (join(base, sizeof base, given, "/", "turnstone", error) < 0)
            return -1;
    } else if (kind == PATHS_RUNTIME) {
        const char *temporary = absolute_environment("TMPDIR");
        snprintf(base, sizeof base, "%s/turnstone-%lu", temporary != NULL ? temporary : "/tmp",
            (unsigned long)getuid());
    } else {
        const char *home = absolute_environment("HOME");
        if (home == NULL)
            return error_set(error, "no home directory: set HOME or %s", places[kind].variable);
        if (join(base, sizeof base, home, places[kind].below_home, "/turnstone", error) < 0)
            return -1;
    }
    return join(path, size, base, separator, name, error);
}

int paths_make_private(const char *path, struct error *error)
{
    char part[PATH_MAX];
    if (join(part, sizeof part, path, "", "", error) < 0)
        return -1;
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return error_system(error, "make directory '%s'", part);
        *slash = '/';
    }
    if (mkdir(part, 0700) == 0)
        return 0;
    if (errno != EEXIST)
        return error_system(error, "make directory '%s'", part);
    struct stat status;
    if (lstat(part, &status) < 0)
        return error_system(error, "look at '%s'", part);
    if (!S_ISDIR(status.st_mode))
        return error_set(error, "'%s' is no directory", part);
    if (status.st_uid != geteuid())
        return error_set(error, "directory '%s' belongs to somebody else", part);
    if ((status.st_mode & 0077) != 0 && chmod(part, 0700) < 0)
        return error_system(error, "close directory '%s' to others", part);
    return 0;
}

static int remove_contents(int directory, struct error *error)
{
    DIR *stream = fdopendir(directory);
    if (stream == NULL) {
        close(directory);
        return error_system(error, "read directory");
    }
    int result = 0;
    struct dirent *entry;
    while (result == 0 && (entry = readdir(stream)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (unlinkat(dirfd(stream), name, 0) == 0)
            continue;
        int below = openat(dirfd(stream), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0 || remove_contents(below, error) < 0 ||
            unlinkat(dirfd(stream), name, AT_REMOVEDIR) < 0)
            result = error_system(error, "remove '%s'", name);
    }
    closedir(stream);
    return result;
}

int paths_remove_tree(const char *path, struct error *error)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return errno == ENOENT ? 0 : error_system(error, "open directory '%s'", path);
    if (remove_contents(directory, error) < 0)
        return -1;
    return rmdir(path) < 0 ? error_system(error, "remove '%s'", path) : 0;
}

int paths_expand_home(char *path, size_t size, const char *given, struct error *error)
{
    if (given[0] != '~' || (given[1] != '/' && given[1] != '\0'))
        return join(path, size, given, "", "", error);
    const char *home = absolute_environment("HOME");
    if (home == NULL)
        return error_set(error, "no home directory for '%s': set HOME", given);
    return join(path, size, home, given + 1, "", error);
}

/* Append the part that does not exist, taking "." and ".." away by their names. */
static int append_missing(char *path, size_t size, const char *rest, struct error *error)
{
    char names[PATH_MAX];
    char *state = NULL;
    if (join(names, sizeof names, rest, "", "", error) < 0)
        return -1;
    for (char *name = strtok_r(names, "/", &state); name != NULL;
         name = strtok_r(NULL, "/", &state)) {
        size_t length = strlen(path);
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            char *slash = strrchr(path, '/');
            *(slash == path ? slash + 1 : slash) = '\0';
            continue;
        }
        const char *separator = length > 1 ? "/" : "";
        if (length + strlen(separator) + strlen(name) >= size)
            return error_set(error, "path too long");
        snprintf(path + length, size - length, "%s%s", separator, name);
    }
    return 0;
}

int paths_resolve(
    char *path, size_t size, const char *directory, const char *given, struct error *error)
{
    char whole[PATH_MAX], head[PATH_MAX], resolved[PATH_MAX];
    char expanded[PATH_MAX];
    if (paths_expand_home(expanded, sizeof expanded, given, error) < 0)
        return -1;
    int joined = expanded[0] == '/' ? join(whole, sizeof whole, expanded, "", "", error)
                                    : join(whole, sizeof whole, directory, "/", expanded, error);
    if (joined < 0 || join(head, sizeof head, whole, "", "", error) < 0)
        return -1;
    size_t cut = strlen(head);
    while (realpath(head, resolved) == NULL) {
        struct stat status;
        if (errno != ENOENT && errno != ENOTDIR)
            return error_system(error, "resolve '%s'", given);
        /* A link to nowhere would be followed by whoever opens it: it cannot be judged. */
        if (lstat(head, &status) == 0 && S_ISLNK(status.st_mode))
            return error_set(
                error, "resolve '%s': '%s' is a link to a place that is not there", given, head);
        char *slash = strrchr(head, '/');
        if (slash == NULL)
            return error_set(error, "resolve '%s': no such directory", given);
        cut = (size_t)(slash - head);
        head[cut == 0 ? 1 : cut] = '\0';
        if (cut == 0) {
            snprintf(resolved, sizeof resolved, "/");
            break;
        }
    }
    if (join(path, size, resolved, "", "", error) < 0)
        return -1;
    return append_missing(path, size, whole + cut, error);
}

int paths_inside(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    if (strcmp(directory, "/") == 0)
        return 1;
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}
