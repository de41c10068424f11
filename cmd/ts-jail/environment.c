#include "environment.h"

#include <stddef.h>
#include <string.h>

enum { ENVIRONMENT_MOST = 96 }; /* entries; what does not fit of LC_* is left out */

static char *entries[ENVIRONMENT_MOST + 1];
static size_t entry_count;

static bool is_name_of(const char *entry, const char *name)
{
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool is_allowed(const char *entry)
{
    static const char *const names[] = {
        "PATH", "HOME", "LANG", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_name_of(entry, names[i]))
            return true;
    }
    return strncmp(entry, "LC_", 3) == 0;
}

static void set(char *entry)
{
    size_t length = (size_t)(strchr(entry, '=') - entry);
    for (size_t i = 0; i < entry_count; i++) {
        if (strncmp(entries[i], entry, length + 1) == 0) {
            entries[i] = entry;
            return;
        }
    }
    if (entry_count < ENVIRONMENT_MOST)
        entries[entry_count++] = entry;
}

char **environment_build(char *const *added, bool sandboxed)
{
    extern char **environ;
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    static char terminal[] = "TERM=dumb";
    static char temporary[] = "TMPDIR=/tmp";
    set(path);
    set(terminal);
    for (char **entry = environ; *entry != NULL; entry++) {
        if (is_allowed(*entry))
            set(*entry);
    }
    if (sandboxed)
        set(temporary);
    for (; *added != NULL; added++)
        set(*added);
    entries[entry_count] = NULL;
    return entries;
}
