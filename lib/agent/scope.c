#include "agent/scope.h"

#include "io/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Denied when the configuration lists nothing: keys of other programs. */
static const char *const default_denied[] = {
    "~/.ssh", "~/.gnupg", "~/.aws", "~/.netrc", "~/.config/gh", "~/.kube", "~/.docker/config.json"};

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

void scope_release(struct scope *scope)
{
    free_list(scope->roots);
    free_list(scope->denied);
    scope->roots = scope->denied = NULL;
}

static int add_path(
    char **list, const char *directory, const char *given, const char *key, struct error *error)
{
    char path[PATH_MAX];
    if (paths_resolve(path, sizeof path, directory, given, error) < 0)
        return error_prefix(error, "%s: ", key);
    while (*list != NULL)
        list++;
    *list = strdup(path);
    if (*list == NULL)
        return error_system(error, "%s", key);
    return 0;
}

static int read_list(const struct scope *scope, char **list, const struct config *config,
    const char *key, struct error *error)
{
    for (size_t i = 0; i < config_list_size(config, key); i++) {
        if (add_path(list, scope->project, config_list_item(config, key, i), key, error) < 0)
            return -1;
    }
    return 0;
}

/* Our own directories: whoever writes there could approve himself. */
static int deny_ours(struct scope *scope, struct error *error)
{
    static const enum paths_kind kinds[] = {PATHS_CONFIG, PATHS_DATA, PATHS_STATE, PATHS_RUNTIME};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char path[PATH_MAX];
        if (paths_user(path, sizeof path, kinds[i], "", error) < 0 ||
            add_path(scope->denied, scope->project, path, "own directories", error) < 0)
            return -1;
    }
    return 0;
}

static int deny_defaults(struct scope *scope, struct error *error)
{
    if (getenv("HOME") == NULL)
        return 0;
    for (size_t i = 0; i < sizeof default_denied / sizeof default_denied[0]; i++) {
        if (add_path(scope->denied, "/", default_denied[i], "denied paths", error) < 0)
            return -1;
    }
    return 0;
}

static bool in_list(const char *path, char *const *list)
{
    for (; *list != NULL; list++) {
        if (paths_inside(path, *list))
            return true;
    }
    return false;
}

/* A store that is not kept with our own files: what was said and approved stands in it. */
static int deny_store(struct scope *scope, const struct config *config, struct error *error)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal", "-sessions"};
    const char *given = config_text(config, "store.path");
    char here[PATH_MAX], path[PATH_MAX], name[PATH_MAX + 16];
    if (given == NULL)
        return 0;
    if (getcwd(here, sizeof here) == NULL)
        here[0] = '\0';
    if (paths_resolve(path, sizeof path, here, given, error) < 0)
        return error_prefix(error, "store.path: ");
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        if (add_path(scope->denied, "/", name, "store.path", error) < 0)
            return -1;
    }
    *strrchr(path, '/') = '\0';
    snprintf(name, sizeof name, "%s/audit.ndjson", path);
    if (add_path(scope->denied, "/", name, "store.path", error) < 0)
        return -1;
    const char *directory = path[0] != '\0' ? path : "/";
    scope->store_exposed =
        paths_inside(directory, scope->project) || in_list(directory, scope->roots);
    return 0;
}

int scope_init(
    struct scope *scope, const char *directory, const struct config *config, struct error *error)
{
    size_t denied = config_list_size(config, "tools.deny_paths") + 32;
    *scope = (struct scope){
        .roots = calloc(config_list_size(config, "tools.roots") + 1, sizeof(char *)),
        .denied = calloc(denied, sizeof(char *)),
    };
    char spill[PATH_MAX];
    if (scope->roots == NULL || scope->denied == NULL)
        return error_system(error, "keep the roots");
    const char *given = directory != NULL ? directory : ".";
    if (realpath(given, scope->project) == NULL)
        return error_system(error, "project directory '%s'", given);
    if (paths_user(spill, sizeof spill, PATHS_STATE, "spill", error) < 0 ||
        paths_resolve(scope->spill, sizeof scope->spill, "/", spill, error) < 0 ||
        read_list(scope, scope->roots, config, "tools.roots", error) < 0 ||
        read_list(scope, scope->denied, config, "tools.deny_paths", error) < 0)
        return -1;
    if (!config_is_set(config, "tools.deny_paths") && deny_defaults(scope, error) < 0)
        return -1;
    if (deny_store(scope, config, error) < 0)
        return -1;
    while (scope->denied[scope->denied_named] != NULL)
        scope->denied_named++;
    return deny_ours(scope, error);
}

/* ".env", ".env.local": read on request, but not without asking. */
static bool is_secret_file(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name != NULL ? name + 1 : path;
    return strncmp(name, ".env", 4) == 0 && (name[4] == '\0' || name[4] == '.');
}

static enum scope_verdict verdict_of(const struct scope *scope, const char *path, bool read_only)
{
    /* Whoever knows the name of a directory in it was told: it is another conversation's else. */
    if (paths_inside(path, scope->spill) && strcmp(path, scope->spill) != 0 && read_only)
        return SCOPE_INSIDE;
    if (in_list(path, scope->denied))
        return SCOPE_DENIED;
    if (!paths_inside(path, scope->project) && !in_list(path, scope->roots))
        return SCOPE_OUTSIDE;
    return is_secret_file(path) ? SCOPE_SECRET : SCOPE_INSIDE;
}

/* Without "." and "..", as it is written: links are not followed. */
static int normalise(char *path, size_t size, const char *whole)
{
    char names[PATH_MAX];
    char *state = NULL;
    size_t length = 0;
    if ((size_t)snprintf(names, sizeof names, "%s", whole) >= sizeof names)
        return -1;
    path[0] = '\0';
    for (char *name = strtok_r(names, "/", &state); name != NULL;
         name = strtok_r(NULL, "/", &state)) {
        if (strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            char *slash = strrchr(path, '/');
            length = slash != NULL ? (size_t)(slash - path) : 0;
            path[length] = '\0';
            continue;
        }
        if (length + strlen(name) + 2 > size)
            return -1;
        length += (size_t)snprintf(path + length, size - length, "/%s", name);
    }
    if (length == 0)
        snprintf(path, size, "/");
    return 0;
}

static int show(const struct scope *scope, const char *path, struct buffer *shown)
{
    size_t length = strlen(scope->project);
    if (strcmp(path, scope->project) == 0)
        return buffer_append_text(shown, ".");
    if (length > 1 && paths_inside(path, scope->project))
        return buffer_append_text(shown, path + length + 1);
    return buffer_append_text(shown, path);
}

int scope_judge(const struct scope *scope, const char *given, bool read_only,
    enum scope_verdict *verdict, char *resolved, struct buffer *shown, struct error *error)
{
    char expanded[PATH_MAX], whole[PATH_MAX * 2], written[PATH_MAX];
    if (paths_resolve(resolved, PATH_MAX, scope->project, given, error) < 0 ||
        paths_expand_home(expanded, sizeof expanded, given, error) < 0)
        return -1;
    bool absolute = expanded[0] == '/';
    snprintf(whole, sizeof whole, "%s/%s", absolute ? "" : scope->project, expanded);
    if (normalise(written, sizeof written, whole) < 0)
        return error_set(error, "path too long: '%s'", given);
    *verdict = verdict_of(scope, resolved, read_only);
    if (show(scope, written, shown) < 0)
        return error_system(error, "show '%s'", given);
    if (strcmp(written, resolved) == 0)
        return 0;
    if (buffer_append_text(shown, " -> ") < 0 || show(scope, resolved, shown) < 0)
        return error_system(error, "show '%s'", given);
    return 0;
}
