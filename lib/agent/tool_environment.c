#include "agent/tool_environment.h"

#include <stddef.h>
#include <string.h>

bool tool_environment_matches(const char *entry, const char *word)
{
    size_t length = strlen(word);
    if (length > 0 && word[length - 1] == '*')
        return strncmp(entry, word, length - 1) == 0;
    return strncmp(entry, word, length) == 0 && entry[length] == '=';
}

bool tool_environment_has(const char *entry)
{
    static const char *const words[] = {
        "PATH", "HOME", "LANG", "LC_*", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (tool_environment_matches(entry, words[i]))
            return true;
    }
    return false;
}
