/*
 * Built-in commands of bash that do more with their words than pass them on,
 * for shell_split: some read a word as the name of a variable or as arithmetic,
 * and a subscript in it, a['$(rm x)'], is expanded once more, whatever quotes
 * it had. bash(1), 'Shell Builtin Commands' and 'Arrays'.
 */
#ifndef AGENT_SHELL_BUILTIN_H
#define AGENT_SHELL_BUILTIN_H

#include "agent/shell_word.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether a command of this name cannot be judged by its words at all. */
bool shell_builtin_opaque(const char *name);

/*
 * Whether this word may be evaluated. `number` counts words from 0, the name;
 * `vague` tells that the word before is certain only when it runs.
 */
bool shell_builtin_evaluates(
    const char *name, size_t number, const struct shell_word *word, bool vague);

/* The same for a word between [[ and ]]. */
bool shell_condition_evaluates(const struct shell_word *word);

/* Whether a loop or a redirection may set this variable: a name that no program gives a meaning. */
bool shell_variable_is_plain(const char *name, size_t length);

#endif
