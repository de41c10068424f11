/* trust and untrust: what of a project may be read and run, by a person's word. */
#include "agent/project_tools.h"
#include "base/utf8.h"
#include "common/program.h"
#include "data/toml.h"
#include "data/trust.h"
#include "io/paths.h"
#include "io/regular_file.h"
#include "ts_config.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DESCRIPTION_LIMIT = 1 << 20 };

/* A name or text of the project's, with nothing in it that moves a terminal. */
static void show(const char *before, const char *text, const char *behind)
{
    struct buffer visible;
    buffer_init(&visible, DESCRIPTION_LIMIT);
    if (utf8_append_visible(&visible, text, strlen(text), false) < 0)
        die(EXIT_SYSTEM, "show '%s': %s", before, strerror(errno));
    printf("%s%s%s\n", before, visible.data, behind);
    buffer_release(&visible);
}

/* Tools. */

static int check_file(void *context, const char *path)
{
    (void)context;
    if (access(path, R_OK) < 0)
        die(EXIT_FAILED, "open '%s': %s", path, strerror(errno));
    return 0;
}

static int trust_file(void *context, const char *path)
{
    (void)context;
    struct error error;
    if (trust_add_file(path, &error) < 0)
        die(EXIT_FAILED, "%s", error.text);
    show("    ", path, ": trusted as it is now");
    return 0;
}

/* The project that a directory of tools belongs to: what .turnstone is in. */
static void project_of(const char *directory, char *project)
{
    size_t length = strlen(directory);
    static const char end[] = "/.turnstone/tools";
    memcpy(project, directory, length + 1);
    if (length > sizeof end - 1 && strcmp(directory + length - (sizeof end - 1), end) == 0)
        project[length - (sizeof end - 1)] = '\0';
}

static void add_definition(struct tool_set *set, const char *directory, const char *name)
{
    char path[PATH_MAX];
    struct buffer text;
    struct stat status;
    struct error error;
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= PATH_MAX)
        die(EXIT_FAILED, "path too long: '%s/%s'", directory, name);
    buffer_init(&text, DESCRIPTION_LIMIT);
    if (regular_file_read(path, &text, &status, &error) < 0 ||
        tool_set_add_text(set, text.data, text.length, directory, name, &error) < 0)
        die(EXIT_FAILED, "%s", error.text);
    buffer_release(&text);
}

/* Everything is looked at before anything is trusted. */
static void trust_tools(const struct tool_set *set, const char *directory)
{
    char project[PATH_MAX];
    project_of(directory, project);
    for (size_t i = 0; i < set->count; i++)
        project_tool_files(&set->tools[i], project, check_file, NULL);
    for (size_t i = 0; i < set->count; i++) {
        printf("%s: ", set->tools[i].name);
        show("", set->tools[i].description, set->tools[i].network ? " (may use the network)" : "");
        project_tool_files(&set->tools[i], project, trust_file, NULL);
    }
}

static bool is_tool_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && tool_is_definition(slash + 1);
}

static int is_definition(const struct dirent *entry)
{
    return tool_is_definition(entry->d_name);
}

/* The definitions in a directory. */
static void each_definition(const char *directory,
    void (*use)(void *context, const char *directory, const char *name), void *context)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_definition, alphasort);
    if (count < 0)
        die(EXIT_FAILED, "read '%s': %s", directory, strerror(errno));
    if (count == 0)
        die(EXIT_FAILED, "there is no tool definition, NAME.json, in '%s'", directory);
    for (int i = 0; i < count; i++) {
        use(context, directory, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void add_each(void *context, const char *directory, const char *name)
{
    add_definition(context, directory, name);
}

/* A tool without its definition is none: that is what is no longer trusted. */
static void untrust_each(void *context, const char *directory, const char *name)
{
    char path[PATH_MAX];
    bool *any = context;
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= PATH_MAX ||
        trust_remove(path, NULL) < 0)
        return;
    *any = true;
    show("", path, ": no longer trusted");
}

static void change_directory(const char *directory, bool trusted)
{
    if (trusted) {
        struct tool_set set = {0};
        each_definition(directory, add_each, &set);
        trust_tools(&set, directory);
        tool_set_release(&set);
        return;
    }
    bool any = false;
    each_definition(directory, untrust_each, &any);
    if (!any)
        die(EXIT_FAILED, "nothing in '%s' was trusted", directory);
}

static void trust_tool_file(char *path)
{
    struct tool_set set = {0};
    char *slash = strrchr(path, '/');
    *slash = '\0';
    add_definition(&set, path, slash + 1);
    trust_tools(&set, path);
    tool_set_release(&set);
}

/* Any file. */

static void change_file(char *path, bool trusted)
{
    struct error error;
    struct buffer content;
    struct stat status;
    if (!trusted) {
        if (trust_remove(path, &error) < 0)
            die(EXIT_FAILED, "%s", error.text);
        show("", path, ": no longer trusted");
        return;
    }
    if (is_tool_file(path)) {
        trust_tool_file(path);
        return;
    }
    buffer_init(&content, TOML_SIZE_LIMIT + 65536);
    if (regular_file_read(path, &content, &status, &error) < 0 ||
        trust_add(path, content.data, content.length, &error) < 0)
        die(EXIT_FAILED, "%s", error.text);
    buffer_release(&content);
    show("", path, ": trusted as it is now");
}

static void change_trust(const char *given, bool trusted)
{
    char path[PATH_MAX];
    struct error error;
    struct stat status;
    if (paths_resolve(path, sizeof path, ".", given, &error) < 0)
        die(EXIT_FAILED, "%s", error.text);
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        change_directory(path, trusted);
    else
        change_file(path, trusted);
}

static int change_all(const struct request *request, bool trusted)
{
    char found[PATH_MAX], here[PATH_MAX];
    if (request->operands[0] == NULL) {
        if (config_find_project(found))
            change_trust(found, trusted);
        else if (getcwd(here, sizeof here) != NULL && project_tools_find(here, found))
            die(EXIT_FAILED,
                "there is no .turnstone/config.toml here or above; for the tools, name them: '%s'",
                found);
        else
            die(EXIT_FAILED, "there is no .turnstone/config.toml here or above");
    }
    for (char **path = request->operands; *path != NULL; path++)
        change_trust(*path, trusted);
    return EXIT_DONE;
}

int trust_files(const struct request *request)
{
    return change_all(request, true);
}

int untrust_files(const struct request *request)
{
    return change_all(request, false);
}
