#include "environment.h"

#include "agent/tool_environment.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct list {
    char **entries;
    size_t count;
};

static size_t count_of(char *const *entries)
{
    size_t count = 0;
    while (entries[count] != NULL)
        count++;
    return count;
}

static bool is_allowed(const char *entry, const char *const *passed)
{
    if (strchr(entry, '=') == NULL)
        return false;
    for (; *passed != NULL; passed++) {
        if (tool_environment_matches(entry, *passed))
            return true;
    }
    return tool_environment_has(entry);
}

static void set(struct list *list, char *entry)
{
    size_t length = (size_t)(strchr(entry, '=') - entry);
    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->entries[i], entry, length + 1) == 0) {
            list->entries[i] = entry;
            return;
        }
    }
    list->entries[list->count++] = entry;
}

char **environment_build(char *const *added, const char *const *passed, bool sandboxed)
{
    extern char **environ;
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    static char terminal[] = "TERM=dumb";
    static char temporary[] = "TMPDIR=/tmp";
    static char *const fixed[] = {path, terminal, temporary};
    size_t most = sizeof fixed / sizeof fixed[0] + count_of(environ) + count_of(added);
    struct list list = {.entries = calloc(most + 1, sizeof *list.entries)};
    if (list.entries == NULL)
        return NULL;
    set(&list, path);
    set(&list, terminal);
    for (char **entry = environ; *entry != NULL; entry++) {
        if (is_allowed(*entry, passed))
            set(&list, *entry);
    }
    if (sandboxed)
        set(&list, temporary);
    for (; *added != NULL; added++)
        set(&list, *added);
    return list.entries;
}
