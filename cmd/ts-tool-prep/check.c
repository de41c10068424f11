#include "ts-tool-prep/check.h"

#include "agent/tooldef.h"
#include "base/utf8.h"
#include "common/program.h"
#include "io/paths.h"
#include "io/regular_file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFINITION_LIMIT = 256 << 10 };

static bool is_shipped(const char *directory)
{
    char shipped[PATH_MAX], given[PATH_MAX], ours[PATH_MAX];
    return paths_share(shipped, sizeof shipped, "tooldefs", NULL) == 0 &&
           realpath(shipped, ours) != NULL && realpath(directory, given) != NULL &&
           strcmp(ours, given) == 0;
}

static int is_definition(const struct dirent *entry)
{
    return tool_is_definition(entry->d_name);
}

/* A program that a shell would not run either. */
static bool check_program(const struct tool_definition *tool)
{
    struct stat status;
    if (stat(tool->program, &status) < 0)
        warn("tool definition '%s': member 'command': the program '%s': %s", tool->file,
            tool->program, strerror(errno));
    else if (!S_ISREG(status.st_mode))
        warn("tool definition '%s': member 'command': '%s' is no file", tool->file, tool->program);
    else if (access(tool->program, X_OK) < 0)
        warn("tool definition '%s': member 'command': '%s' may not be executed: chmod +x it",
            tool->file, tool->program);
    else
        return true;
    return false;
}

static bool check_one(const char *directory, const char *name)
{
    char path[PATH_MAX];
    struct tool_set set = {0};
    struct buffer text;
    struct stat status;
    struct error error;
    buffer_init(&text, DEFINITION_LIMIT);
    if (paths_resolve(path, sizeof path, directory, name, &error) < 0 ||
        regular_file_read(path, &text, &status, &error) < 0 ||
        tool_set_add_text(&set, text.data, text.length, directory, name, &error) < 0) {
        warn("%s", error.text);
        buffer_release(&text);
        return false;
    }
    bool good = check_program(&set.tools[0]);
    printf("%s\t%s\n", set.tools[0].name, set.tools[0].file);
    tool_set_release(&set);
    buffer_release(&text);
    return good;
}

/* Ours may say more than others: they are read the way they are loaded. */
static int check_shipped(const char *directory)
{
    struct tool_set set = {0};
    struct error error;
    bool good = true;
    if (tool_set_add_directory(&set, directory, true, &error) < 0)
        die(EXIT_FAILED, "%s", error.text);
    for (size_t i = 0; i < set.count; i++) {
        good = check_program(&set.tools[i]) && good;
        printf("%s\t%s\n", set.tools[i].name, set.tools[i].file);
    }
    tool_set_release(&set);
    return good ? EXIT_DONE : EXIT_FAILED;
}

int check_definitions(const char *directory)
{
    struct dirent **entries;
    bool good = true;
    if (is_shipped(directory))
        return check_shipped(directory);
    int count = scandir(directory, &entries, is_definition, alphasort);
    if (count < 0)
        die(EXIT_FAILED, "read tool directory '%s': %s", directory, strerror(errno));
    if (count == 0)
        warn("there is no definition, NAME.json, in '%s'", directory);
    for (int i = 0; i < count; i++) {
        good = check_one(directory, entries[i]->d_name) && good;
        free(entries[i]);
    }
    free(entries);
    return good ? EXIT_DONE : EXIT_FAILED;
}
