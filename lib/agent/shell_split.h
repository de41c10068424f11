/*
 * Which simple commands a shell command consists of, for judging it by rules.
 *
 * Lists, pipelines, subshells, groups, loops, conditions, functions, command
 * and process substitutions, here-documents, and the texts given to eval, trap
 * and `sh -c`: the simple commands inside all of them are listed. A redirection
 * to or from a file is listed as a command of its own, "> file" or "< file".
 *
 * This is no shell: it need not understand everything, but what it does not
 * understand for certain it must refuse, because a command it overlooks would
 * run unseen. A refusal means 'ask a person'.
 */
#ifndef AGENT_SHELL_SPLIT_H
#define AGENT_SHELL_SPLIT_H

#include "base/error.h"

#include <stddef.h>

struct shell_command {
    char *text;     /* its words, quotes taken away, with one space between them */
    size_t command; /* where the command's name begins, behind assignments such as A=b */
    size_t literal; /* so many bytes of text are certain; behind them something is expanded */
};

struct shell_commands {
    struct shell_command *items;
    size_t count;
};

/* Fill commands, which the caller releases. 0, or -1 with a sentence that says what is not
 * understood; commands is then empty. */
int shell_split(const char *text, struct shell_commands *commands, struct error *error);
void shell_commands_release(struct shell_commands *commands);

#endif
