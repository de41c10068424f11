/*
 * Words, quotes, expansions and redirections of a shell command: the lower
 * half of shell_split, which is the only one to include this. See
 * agent/shell_split.h; the rules are POSIX.1-2017 XCU 2 and bash(1).
 */
#ifndef AGENT_SHELL_WORD_H
#define AGENT_SHELL_WORD_H

#include "agent/shell_split.h"
#include "base/buffer.h"

#include <stdbool.h>

enum {
    SHELL_TEXT_LIMIT = 64 << 10, /* bytes of a command that is judged; longer ones are asked */
    SHELL_DEPTH_LIMIT = 32,      /* of anything inside anything */
    SHELL_COMMANDS_MOST = 512,   /* in one text, all levels together */
    SHELL_HEREDOCS_MOST = 8,     /* on one line */
};

struct shell_heredoc {
    char *delimiter;
    bool quoted; /* the text is taken as it is */
    bool tabs;   /* <<-: tabs at the beginning of lines go */
};

/* Functions that return bool leave a sentence in error when it is false. */
struct shell_scanner {
    const char *at; /* a NUL stands at the end of the text */
    struct shell_commands *commands;
    struct error *error;
    int depth;
    struct shell_heredoc heredocs[SHELL_HEREDOCS_MOST]; /* announced on this line */
    size_t heredoc_count;
};

struct shell_word {
    struct buffer text; /* without quotes; what is expanded stands as it was written */
    size_t literal;     /* bytes of text before the first expansion */
    size_t assignment;  /* where an unquoted '=' stands; 0: nowhere */
    bool quoted;        /* some of it was */
    bool splits;        /* an expansion outside quotes: it may become several words */
};

bool shell_refuse(struct shell_scanner *scanner, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Text that a shell reads in a way not known here is refused at once. */
bool shell_check_text(struct shell_scanner *scanner);
void shell_scanner_release(struct shell_scanner *scanner);

/* Blanks, continued lines and a comment; with lines, newlines and here-documents too. */
void shell_skip_blanks(struct shell_scanner *scanner);
void shell_skip_lines(struct shell_scanner *scanner);

/* At the end of the text no here-document may be missing. */
bool shell_heredocs_done(struct shell_scanner *scanner);

/* The word must be released also on failure. An empty text that is not quoted: there was no word.
 */
bool shell_parse_word(struct shell_scanner *scanner, struct shell_word *word);
void shell_word_release(struct shell_word *word);

bool shell_at_redirection(const struct shell_scanner *scanner);
bool shell_parse_redirection(struct shell_scanner *scanner);

bool shell_add_command(
    struct shell_scanner *scanner, const char *text, size_t command, size_t literal);

/* Split a text that the shell will read as commands of its own. */
bool shell_split_inner(struct shell_scanner *scanner, const char *text);

/* In shell_split.c: commands up to the end of the text, or to a ')' that is not taken. */
bool shell_parse_all(struct shell_scanner *scanner, char end);

#endif
