/* The project's file: the nearest .turnstone/config.toml, read only when it is trusted. */
#include "data/config_internal.h"
#include "data/trust.h"
#include "io/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool exists_in(const char *directory, const char *name, char *path)
{
    int length =
        snprintf(path, PATH_MAX, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, name);
    return length > 0 && length < PATH_MAX && access(path, F_OK) == 0;
}

bool config_find_above(const char *from, const char *name, char *path)
{
    char directory[PATH_MAX], home[PATH_MAX] = "", ignored[PATH_MAX];
    const char *given = getenv("HOME");
    if (snprintf(directory, sizeof directory, "%s", from) >= PATH_MAX || directory[0] != '/')
        return false;
    if (given == NULL || paths_resolve(home, sizeof home, "/", given, NULL) < 0)
        home[0] = '\0';
    while (strcmp(directory, home) != 0) {
        if (exists_in(directory, name, path))
            return true;
        if (exists_in(directory, ".git", ignored) || strcmp(directory, "/") == 0)
            return false;
        char *slash = strrchr(directory, '/');
        slash[slash == directory ? 1 : 0] = '\0';
    }
    return false;
}

bool config_find_project(char *path)
{
    char directory[PATH_MAX];
    return getcwd(directory, sizeof directory) != NULL &&
           config_find_above(directory, ".turnstone/config.toml", path);
}

void config_add_project(struct config *config, struct problems *problems)
{
    char found[PATH_MAX], path[PATH_MAX];
    struct error error;
    if (!config_find_project(found))
        return;
    struct buffer content;
    buffer_init(&content, TOML_SIZE_LIMIT + 8192);
    if (paths_resolve(path, sizeof path, "/", found, &error) == 0 &&
        config_read_file(path, TOML_SIZE_LIMIT, &content, NULL, &error) == 0) {
        if (trust_holds(path, content.data, content.length))
            config_add_content(config, path, CONFIG_PROJECT, &content, false, problems);
        else if (config->warn != NULL)
            config->warn("'%s' is not trusted and so not read: look at it, then run: "
                         "ts-config trust '%s'",
                path, path);
    } else if (config->warn != NULL) {
        config->warn("the project's configuration is not read: %s", error.text);
    }
    buffer_release(&content);
}
