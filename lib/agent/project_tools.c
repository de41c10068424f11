#include "agent/project_tools.h"

#include "base/utf8.h"
#include "data/config.h"
#include "data/trust.h"
#include "io/paths.h"
#include "io/regular_file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFINITION_LIMIT = 256 << 10, /* bytes of one file */
    NAMES_LIMIT = 1000,           /* bytes of the list of tools that are not trusted */
    NAME_SHOWN = 64,              /* bytes: no tool has a longer name */
};

bool project_tools_find(const char *project, char *path)
{
    char found[PATH_MAX];
    return config_find_above(project, ".turnstone/tools", found) && realpath(found, path) != NULL;
}

/* What must be trusted. */

static bool is_regular(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* The file that a word of the command names, seen from a directory. */
static int use_word(const char *directory, const char *word,
    int (*use)(void *context, const char *path), void *context)
{
    char path[PATH_MAX];
    if (word[0] == '\0' || paths_resolve(path, sizeof path, directory, word, NULL) < 0 ||
        !is_regular(path))
        return 0;
    return use(context, path);
}

int project_tool_files(const struct tool_definition *tool, const char *project,
    int (*use)(void *context, const char *path), void *context)
{
    char directory[PATH_MAX], program[PATH_MAX];
    const char *slash = strrchr(tool->file, '/');
    if (slash == NULL || slash - tool->file >= PATH_MAX)
        return use(context, tool->file);
    snprintf(directory, sizeof directory, "%.*s", (int)(slash - tool->file), tool->file);
    int result = use(context, tool->file);
    /* One that is not there is not trusted. */
    if (result == 0)
        result = use(context, realpath(tool->program, program) != NULL ? program : tool->program);
    for (char **word = tool->argv; result == 0 && *word != NULL; word++) {
        result = use_word(directory, *word, use, context);
        if (result == 0)
            result = use_word(project, *word, use, context);
    }
    return result;
}

static int refuse_untrusted(void *context, const char *path)
{
    (void)context;
    return trust_holds_file(path) ? 0 : -1;
}

bool project_tool_holds(const struct tool_definition *tool, const char *project)
{
    return !tool->of_project || project_tool_files(tool, project, refuse_untrusted, NULL) == 0;
}

/* Loading. */

struct loading {
    struct tool_set *set;
    const char *project;
    const char *directory;
    struct buffer untrusted; /* names */
    struct buffer *notes;    /* NULL: none */
};

static void note_untrusted(struct loading *loading, const char *file_name)
{
    size_t length = strlen(file_name) - strlen(".json");
    struct buffer *names = &loading->untrusted;
    if (length > NAME_SHOWN)
        length = NAME_SHOWN;
    if (names->length > NAMES_LIMIT)
        return;
    if (names->length > 0)
        (void)buffer_append_text(names, names->length + length < NAMES_LIMIT ? ", " : ", ...");
    (void)utf8_append_visible(names, file_name, length, false);
}

static void note(struct loading *loading, const char *sentence)
{
    if (loading->notes != NULL &&
        utf8_append_visible(loading->notes, sentence, strlen(sentence), false) == 0)
        (void)buffer_append_byte(loading->notes, '\n');
}

/* Its own word on being asked about counts for nothing. */
static void tame(struct tool_definition *tool)
{
    tool->of_project = true;
    tool->auto_approve = false;
}

static void add_trusted(struct loading *loading, const char *file_name, const struct buffer *text)
{
    struct tool_set *set = loading->set;
    struct error error;
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%.*s", (int)(strlen(file_name) - strlen(".json")), file_name);
    const struct tool_definition *other = tool_set_find(set, name);
    if (other != NULL) {
        error_set(&error, "the project's tool '%s' is left out: there is one of this name, '%s'",
            name, other->file);
        note(loading, error.text);
        return;
    }
    if (tool_set_add_text(set, text->data, text->length, loading->directory, file_name, &error) <
        0) {
        error_prefix(&error, "a tool of the project is left out: ");
        note(loading, error.text);
        return;
    }
    struct tool_definition *tool = &set->tools[set->count - 1];
    tame(tool);
    if (project_tool_holds(tool, loading->project))
        return;
    note_untrusted(loading, file_name);
    tool_definition_release(tool);
    set->count--;
}

static void add_file(struct loading *loading, const char *file_name)
{
    char path[PATH_MAX];
    struct stat status;
    struct buffer text;
    int length = snprintf(path, sizeof path, "%s/%s", loading->directory, file_name);
    buffer_init(&text, DEFINITION_LIMIT);
    /* What is judged is what is parsed: the file is read once. */
    if (length < PATH_MAX && regular_file_read(path, &text, &status, NULL) == 0 &&
        trust_holds(path, text.data, text.length))
        add_trusted(loading, file_name, &text);
    else
        note_untrusted(loading, file_name);
    buffer_release(&text);
}

static void tell_untrusted(struct loading *loading)
{
    if (loading->notes == NULL || loading->untrusted.length == 0)
        return;
    (void)buffer_append_text(loading->notes, "the project's tools in '");
    (void)utf8_append_visible(
        loading->notes, loading->directory, strlen(loading->directory), false);
    (void)buffer_printf(loading->notes,
        "' are not trusted and so not there: %s. Look at them, then run: ts-config trust '",
        loading->untrusted.data);
    (void)utf8_append_visible(
        loading->notes, loading->directory, strlen(loading->directory), false);
    (void)buffer_append_text(loading->notes, "'\n");
}

static int is_definition(const struct dirent *entry)
{
    return tool_is_definition(entry->d_name);
}

int project_tools_add(
    struct tool_set *set, const char *project, struct buffer *notes, struct error *error)
{
    char directory[PATH_MAX];
    struct dirent **entries;
    if (!project_tools_find(project, directory))
        return 0;
    struct loading loading = {
        .set = set, .project = project, .directory = directory, .notes = notes};
    int count = scandir(directory, &entries, is_definition, alphasort);
    if (count < 0 && errno == ENOMEM)
        return error_system(error, "read '%s'", directory);
    buffer_init(&loading.untrusted, NAMES_LIMIT + (size_t)NAME_SHOWN * UTF8_MAXIMUM * 2);
    for (int i = 0; i < count; i++) {
        add_file(&loading, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    tell_untrusted(&loading);
    buffer_release(&loading.untrusted);
    tool_set_sort(set);
    return 0;
}
