/*
 * Two kindnesses for shell commands that a model wrote. Neither is a
 * protection: that is the sandbox, and the person who reads the command.
 */
#ifndef AGENT_SHELL_TEXT_H
#define AGENT_SHELL_TEXT_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

/*
 * Catch the few commands that destroy a machine and that nobody means: `rm -rf /`
 * and its relatives, as a whole simple command, outside quotes and here-documents.
 * Whatever is less plain than that passes. 0, or -1 with a sentence.
 */
int shell_text_check(const char *script, struct error *error);

/*
 * Append the script with typographic quotes and dashes replaced by the ASCII
 * ones, except inside ASCII quotes, where they are data. Returns whether
 * anything was replaced, or -1 (errno).
 */
int shell_text_straighten(const char *script, struct buffer *text);

/* Append text as one word of a shell command. 0, or -1 (errno). */
int shell_text_quote(const char *text, struct buffer *word);

#endif
