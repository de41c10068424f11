#include "agent/shell_builtin.h"
#include "agent/shell_word.h"

#include <stdlib.h>
#include <string.h>

static const char name_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

/* Digits or {name} before the operator. */
static size_t descriptor_length(const char *at)
{
    size_t length = strspn(at, "0123456789");
    if (*at == '{') {
        length = 1 + strspn(at + 1, name_characters);
        length = at[length] == '}' ? length + 1 : 0;
    }
    return at[length] == '<' || at[length] == '>' ? length : 0;
}

bool shell_at_redirection(const struct shell_scanner *scanner)
{
    const char *at = scanner->at;
    if (strncmp(at, "&>", 2) == 0)
        return true;
    at += descriptor_length(at);
    return (*at == '<' || *at == '>') && at[1] != '(';
}

static bool announce_heredoc(struct shell_scanner *scanner, struct shell_word *word, bool tabs)
{
    if (scanner->heredoc_count == SHELL_HEREDOCS_MOST)
        return shell_refuse(scanner, "too many here-documents");
    if (word->literal < word->text.length || strchr(word->text.data, '\n') != NULL)
        return shell_refuse(scanner, "a here-document's name that is not plain");
    char *delimiter = strdup(word->text.data);
    if (delimiter == NULL)
        return shell_refuse(scanner, "out of memory");
    scanner->heredocs[scanner->heredoc_count++] =
        (struct shell_heredoc){.delimiter = delimiter, .quoted = word->quoted, .tabs = tabs};
    return true;
}

static bool is_harmless_target(const struct shell_word *word, bool duplicates)
{
    const char *text = word->text.data;
    if (word->literal < word->text.length)
        return false;
    if (duplicates && text[strspn(text, "0123456789")] == '\0')
        return true;
    if (duplicates && strcmp(text + strspn(text, "0123456789"), "-") == 0)
        return true;
    return strcmp(text, "/dev/null") == 0 || strcmp(text, "/dev/stdout") == 0 ||
           strcmp(text, "/dev/stderr") == 0;
}

/* The redirection as a command of its own: "> file" or "< file". */
static bool add_target(struct shell_scanner *scanner, const struct shell_word *word, bool writes)
{
    struct buffer text;
    buffer_init(&text, SHELL_TEXT_LIMIT + 2);
    bool sound = buffer_printf(&text, "%s %s", writes ? ">" : "<", word->text.data) >= 0
                     ? shell_add_command(scanner, text.data, 0, word->literal + 2)
                     : shell_refuse(scanner, "it is too long");
    buffer_release(&text);
    return sound;
}

bool shell_parse_redirection(struct shell_scanner *scanner)
{
    static const char *const operators[] = {
        "&>>", "&>", "<<<", "<<-", "<<", "<&", "<>", "<", ">>", ">&", ">|", ">"};
    const char *operator= NULL;
    if (*scanner->at == '{' &&
        !shell_variable_is_plain(scanner->at + 1, strspn(scanner->at + 1, name_characters)))
        return shell_refuse(scanner, "a redirection that sets a variable");
    scanner->at += *scanner->at == '&' ? 0 : descriptor_length(scanner->at);
    for (size_t i = 0; operator== NULL; i++) {
        if (strncmp(scanner->at, operators[i], strlen(operators[i])) == 0)
            operator= operators[i];
    }
    scanner->at += strlen(operator);
    shell_skip_blanks(scanner);
    struct shell_word word;
    bool sound = shell_parse_word(scanner, &word);
    if (sound && word.text.length == 0 && !word.quoted)
        sound = shell_refuse(scanner, "a redirection to nowhere");
    if (sound && strncmp(operator, "<<", 2) == 0) {
        if (operator[2] != '<')
            sound = announce_heredoc(scanner, &word, operator[2] == '-');
    } else if (sound && !is_harmless_target(&word, operator[1] == '&')) {
        sound = add_target(scanner, &word, strchr(operator, '>') != NULL);
    }
    shell_word_release(&word);
    return sound;
}
