#include "agent/shell_builtin.h"

#include <string.h>

static bool is_one_of(const char *text, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(text, *list) == 0)
            return true;
    }
    return false;
}

bool shell_builtin_opaque(const char *name)
{
    static const char *const names[] = {
        "let", "alias", "enable", "hash", "mapfile", "readarray", "compgen", "complete", NULL};
    return is_one_of(name, names);
}

static bool is_vague(const struct shell_word *word)
{
    return word->literal < word->text.length;
}

static bool begins_vague(const struct shell_word *word)
{
    return word->literal == 0 && word->text.length > 0;
}

/* [ and test look at a variable only with -v and -R, which an expansion can become. */
static bool test_evaluates(const struct shell_word *word, bool vague)
{
    static const char *const looks[] = {"-v", "-R", NULL};
    return is_one_of(word->text.data, looks) || word->splits ||
           (vague && strpbrk(word->text.data, "[$`") != NULL);
}

/* NAME or NAME=VALUE: the name must be certain, and no element of an array. */
static bool name_evaluates(const char *command, const struct shell_word *word)
{
    static const char *const with_attributes[] = {"declare", "typeset", "local", NULL};
    const char *text = word->text.data;
    size_t name = strcspn(text, "=");
    /* An attribute makes later assignments arithmetic (-i), or names of names (-n). */
    if ((*text == '-' || *text == '+') && is_one_of(command, with_attributes))
        return is_vague(word) || strpbrk(text, "in") != NULL;
    return word->literal < name || memchr(text, '[', name) != NULL;
}

bool shell_builtin_evaluates(
    const char *name, size_t number, const struct shell_word *word, bool vague)
{
    static const char *const tests[] = {"[", "test", NULL};
    static const char *const takers[] = {"read", "unset", "declare", "typeset", "local", "export",
        "readonly", "getopts", "wait", NULL};
    if (is_one_of(name, tests))
        return test_evaluates(word, vague);
    if (strcmp(name, "printf") == 0)
        return number == 1 && (begins_vague(word) || strncmp(word->text.data, "-v", 2) == 0);
    return is_one_of(name, takers) && name_evaluates(name, word);
}

bool shell_condition_evaluates(const struct shell_word *word)
{
    static const char *const operators[] = {
        "-v", "-R", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", NULL};
    return is_one_of(word->text.data, operators);
}

bool shell_variable_is_plain(const char *name, size_t length)
{
    return length == 1 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") >= length;
}
