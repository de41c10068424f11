#include "agent/shell_word.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char name_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

static bool parse_dollar(struct shell_scanner *scanner);
static bool parse_backquotes(struct shell_scanner *scanner);

bool shell_refuse(struct shell_scanner *scanner, const char *format, ...)
{
    char reason[256];
    va_list values;
    va_start(values, format);
    vsnprintf(reason, sizeof reason, format, values);
    va_end(values);
    error_set(scanner->error, "the command is not understood: %s", reason);
    return false;
}

bool shell_check_text(struct shell_scanner *scanner)
{
    size_t length = strnlen(scanner->at, SHELL_TEXT_LIMIT + 1);
    if (length > SHELL_TEXT_LIMIT)
        return shell_refuse(scanner, "it is longer than %d bytes", SHELL_TEXT_LIMIT);
    if (!utf8_valid(scanner->at, length))
        return shell_refuse(scanner, "it is no UTF-8");
    for (const char *at = scanner->at; *at != '\0'; at++) {
        if (((unsigned char)*at < 0x20 && *at != '\n' && *at != '\t') || *at == 0x7F)
            return shell_refuse(scanner, "it holds control characters");
    }
    return true;
}

void shell_scanner_release(struct shell_scanner *scanner)
{
    while (scanner->heredoc_count > 0)
        free(scanner->heredocs[--scanner->heredoc_count].delimiter);
}

bool shell_add_command(
    struct shell_scanner *scanner, const char *text, size_t command, size_t literal)
{
    struct shell_commands *commands = scanner->commands;
    if (commands->count == SHELL_COMMANDS_MOST)
        return shell_refuse(scanner, "more than %d commands", SHELL_COMMANDS_MOST);
    struct shell_command *items =
        realloc(commands->items, (commands->count + 1) * sizeof *commands->items);
    if (items == NULL)
        return shell_refuse(scanner, "out of memory");
    commands->items = items;
    char *copy = strdup(text);
    if (copy == NULL)
        return shell_refuse(scanner, "out of memory");
    items[commands->count++] =
        (struct shell_command){.text = copy, .command = command, .literal = literal};
    return true;
}

bool shell_split_inner(struct shell_scanner *scanner, const char *text)
{
    struct shell_scanner inner = {.at = text,
        .commands = scanner->commands,
        .error = scanner->error,
        .depth = scanner->depth + 1};
    if (inner.depth > SHELL_DEPTH_LIMIT)
        return shell_refuse(scanner, "it is nested too deeply");
    bool sound = shell_check_text(&inner) && shell_parse_all(&inner, '\0');
    shell_scanner_release(&inner);
    return sound;
}

/* Between words. */

void shell_skip_blanks(struct shell_scanner *scanner)
{
    for (;;) {
        scanner->at += strspn(scanner->at, " \t");
        if (strncmp(scanner->at, "\\\n", 2) != 0)
            break;
        scanner->at += 2;
    }
    if (*scanner->at == '#')
        scanner->at += strcspn(scanner->at, "\n");
}

/* What is expanded in text that stands between double quotes, or in a here-document. */
static bool scan_expansions(struct shell_scanner *scanner)
{
    while (*scanner->at != '\0') {
        if (*scanner->at == '\\' && scanner->at[1] != '\0') {
            scanner->at += 2;
        } else if (*scanner->at == '$') {
            if (!parse_dollar(scanner))
                return false;
        } else if (*scanner->at == '`') {
            if (!parse_backquotes(scanner))
                return false;
        } else {
            scanner->at++;
        }
    }
    return true;
}

static bool scan_body(struct shell_scanner *scanner, const char *body, size_t length)
{
    char *copy = strndup(body, length);
    if (copy == NULL)
        return shell_refuse(scanner, "out of memory");
    struct shell_scanner inner = {.at = copy,
        .commands = scanner->commands,
        .error = scanner->error,
        .depth = scanner->depth + 1};
    /* A continued line could hide the delimiter. */
    bool sound = strstr(copy, "\\\n") == NULL
                     ? scan_expansions(&inner)
                     : shell_refuse(scanner, "a continued line in a here-document");
    shell_scanner_release(&inner);
    free(copy);
    return sound;
}

/* The text of one here-document; false also when its end is missing. */
static bool read_heredoc(struct shell_scanner *scanner, const struct shell_heredoc *heredoc)
{
    const char *body = scanner->at;
    size_t delimiter = strlen(heredoc->delimiter);
    while (*scanner->at != '\0') {
        const char *line = scanner->at + (heredoc->tabs ? strspn(scanner->at, "\t") : 0);
        size_t length = strcspn(line, "\n");
        const char *next = line + length + (line[length] == '\n');
        if (length == delimiter && strncmp(line, heredoc->delimiter, length) == 0) {
            size_t size = (size_t)(scanner->at - body);
            scanner->at = next;
            return heredoc->quoted || scan_body(scanner, body, size);
        }
        /* In a substitution bash also ends it at a line such as "END)". */
        if (strncmp(line, heredoc->delimiter, delimiter) == 0 && memchr(line, ')', length) != NULL)
            return shell_refuse(scanner, "a here-document whose end is not certain");
        scanner->at = next;
    }
    return shell_refuse(scanner, "the here-document '%.40s' does not end", heredoc->delimiter);
}

/* Leaves an announced here-document standing when its text is not understood: the caller's
 * shell_heredocs_done, or the end of the text, then refuses. */
static void read_heredocs(struct shell_scanner *scanner)
{
    for (size_t i = 0; i < scanner->heredoc_count; i++) {
        if (!read_heredoc(scanner, &scanner->heredocs[i])) {
            scanner->at += strlen(scanner->at);
            return;
        }
    }
    shell_scanner_release(scanner);
}

void shell_skip_lines(struct shell_scanner *scanner)
{
    for (;;) {
        shell_skip_blanks(scanner);
        if (*scanner->at != '\n')
            return;
        scanner->at++;
        read_heredocs(scanner);
    }
}

bool shell_heredocs_done(struct shell_scanner *scanner)
{
    if (*scanner->at != '\0' || scanner->heredoc_count == 0)
        return true;
    return shell_refuse(scanner, "a here-document that does not end or is not understood");
}

/* Expansions. */

/* $( ... ), <( ... ) and >( ... ), from behind the parenthesis on. */
static bool parse_substitution(struct shell_scanner *scanner)
{
    if (scanner->heredoc_count > 0)
        return shell_refuse(scanner, "a substitution behind a here-document's name");
    if (++scanner->depth > SHELL_DEPTH_LIMIT)
        return shell_refuse(scanner, "it is nested too deeply");
    if (!shell_parse_all(scanner, ')'))
        return false;
    if (scanner->heredoc_count > 0)
        return shell_refuse(scanner, "a here-document that does not end in its substitution");
    scanner->depth--;
    scanner->at++;
    return true;
}

static bool parse_backquotes(struct shell_scanner *scanner)
{
    if (scanner->heredoc_count > 0)
        return shell_refuse(scanner, "a substitution behind a here-document's name");
    const char *start = ++scanner->at;
    size_t length = strcspn(start, "`\\");
    if (start[length] == '\\')
        return shell_refuse(scanner, "a backslash between backquotes");
    if (start[length] == '\0')
        return shell_refuse(scanner, "a backquote is missing");
    char *inner = strndup(start, length);
    if (inner == NULL)
        return shell_refuse(scanner, "out of memory");
    bool sound = shell_split_inner(scanner, inner);
    free(inner);
    scanner->at = start + length + 1;
    return sound;
}

/*
 * $(( ... )): only numbers. A variable's value is arithmetic again, and a
 * subscript in it runs commands.
 */
static bool parse_arithmetic(struct shell_scanner *scanner)
{
    const char *at = scanner->at + 3;
    for (int open = 2; open > 0; at++) {
        if (*at == '(')
            open++;
        else if (*at == ')' && --open == 1 && at[1] != ')')
            return shell_refuse(scanner, "an arithmetic expansion that is not understood");
        else if (*at == '\0' || strchr("0123456789 \t+-*/%<>=!&|^~?:,()", *at) == NULL)
            return shell_refuse(scanner, "an arithmetic expansion that is not understood");
    }
    scanner->at = at;
    return true;
}

/* ${x:1:2}: behind a colon is arithmetic, see above. */
static bool is_plain_slice(const char *behind_colon)
{
    const char *end = behind_colon + strspn(behind_colon, "0123456789: ");
    return end > behind_colon && *end == '}';
}

/*
 * From "${" to what follows the parameter's name. No subscript and no name of a
 * name, which are evaluated; no assignment; and not "${ command; }" of bash 5.3.
 */
static bool parse_parameter_name(struct shell_scanner *scanner)
{
    const char *at = scanner->at + 2;
    if (at[0] == '#' && at[1] != '}')
        at++;
    size_t length = strspn(at, name_characters);
    if (length == 0 && *at != '\0' && strchr("@*#?-$!", *at) != NULL)
        length = 1;
    const char *behind = at + length;
    bool known = length > 0 && *behind != '\0' && strchr("}:-+?#%/^,", *behind) != NULL &&
                 !(*at == '!' && *behind != '}');
    if (known && *behind == ':')
        known =
            (behind[1] != '\0' && strchr("-+?", behind[1]) != NULL) || is_plain_slice(behind + 1);
    if (!known)
        return shell_refuse(scanner, "an expansion that is not understood");
    scanner->at = behind;
    return true;
}

/* ${ ... } */
static bool parse_parameter(struct shell_scanner *scanner)
{
    if (++scanner->depth > SHELL_DEPTH_LIMIT)
        return shell_refuse(scanner, "it is nested too deeply");
    if (!parse_parameter_name(scanner))
        return false;
    while (*scanner->at != '}') {
        bool sound = true;
        if (*scanner->at == '\0' || strchr("\"'\\\n<>(", *scanner->at) != NULL)
            return shell_refuse(scanner, "an expansion that is not understood");
        if (*scanner->at == '$')
            sound = parse_dollar(scanner);
        else if (*scanner->at == '`')
            sound = parse_backquotes(scanner);
        else
            scanner->at++;
        if (!sound)
            return false;
    }
    scanner->at++;
    scanner->depth--;
    return true;
}

/* From '$' on; a '$' that expands nothing is passed over. */
static bool parse_dollar(struct shell_scanner *scanner)
{
    const char *at = scanner->at;
    if (at[1] == '\\')
        return shell_refuse(scanner, "a backslash behind '$'");
    if (at[1] == '(' && at[2] == '(')
        return parse_arithmetic(scanner);
    if (at[1] == '(') {
        scanner->at += 2;
        return parse_substitution(scanner);
    }
    if (at[1] == '{')
        return parse_parameter(scanner);
    if (at[1] == '[')
        return shell_refuse(scanner, "an arithmetic expansion that is not understood");
    if (at[1] != '\0' && strchr("@*#?-$!0123456789", at[1]) != NULL)
        scanner->at += 2;
    else
        scanner->at += 1 + strspn(at + 1, name_characters);
    return true;
}

static bool expands(const char *dollar)
{
    return dollar[1] != '\0' && strchr(" \t\n\"'=:,;.%/", dollar[1]) == NULL;
}

/* Words. */

void shell_word_release(struct shell_word *word)
{
    buffer_release(&word->text);
}

struct word_state {
    struct shell_scanner *scanner;
    struct shell_word *word;
    bool expanded;
    bool in_quotes; /* double ones */
};

static bool put(struct word_state *state, const char *bytes, size_t length)
{
    if (buffer_append(&state->word->text, bytes, length) < 0)
        return shell_refuse(state->scanner, "it is too long");
    if (!state->expanded)
        state->word->literal = state->word->text.length;
    return true;
}

/* The bytes stand for something else: they are kept as they are written. */
static bool put_expanded(struct word_state *state, const char *from)
{
    state->expanded = true;
    if (!state->in_quotes || from[1] == '@' || strncmp(from, "${@", 3) == 0)
        state->word->splits = true;
    return put(state, from, (size_t)(state->scanner->at - from));
}

static bool word_dollar(struct word_state *state)
{
    const char *from = state->scanner->at;
    bool changes = expands(from);
    if (!parse_dollar(state->scanner))
        return false;
    return changes ? put_expanded(state, from)
                   : put(state, from, (size_t)(state->scanner->at - from));
}

static bool word_backquotes(struct word_state *state)
{
    const char *from = state->scanner->at;
    return parse_backquotes(state->scanner) && put_expanded(state, from);
}

static bool word_single_quotes(struct word_state *state)
{
    struct shell_scanner *scanner = state->scanner;
    const char *from = scanner->at + 1;
    size_t length = strcspn(from, "'");
    if (from[length] == '\0')
        return shell_refuse(scanner, "a single quote is missing");
    scanner->at = from + length + 1;
    state->word->quoted = true;
    return put(state, from, length);
}

/* $'...': escapes of its own, which need not be known to find its end. */
static bool word_escaped_quotes(struct word_state *state)
{
    struct shell_scanner *scanner = state->scanner;
    const char *from = scanner->at;
    for (scanner->at += 2; *scanner->at != '\''; scanner->at++) {
        if (*scanner->at == '\\' && scanner->at[1] != '\0')
            scanner->at++;
        if (*scanner->at == '\0')
            return shell_refuse(scanner, "a single quote is missing");
    }
    scanner->at++;
    state->word->quoted = true;
    return put_expanded(state, from);
}

static bool word_double_quotes(struct word_state *state)
{
    struct shell_scanner *scanner = state->scanner;
    state->word->quoted = true;
    state->in_quotes = true;
    scanner->at++;
    while (*scanner->at != '"') {
        bool sound;
        if (*scanner->at == '\0')
            return shell_refuse(scanner, "a double quote is missing");
        if (*scanner->at == '$') {
            sound = word_dollar(state);
        } else if (*scanner->at == '`') {
            sound = word_backquotes(state);
        } else if (*scanner->at == '\\' && scanner->at[1] == '\n') {
            scanner->at += 2;
            sound = true;
        } else if (*scanner->at == '\\' && scanner->at[1] != '\0' &&
                   strchr("$`\"\\", scanner->at[1]) != NULL) {
            sound = put(state, scanner->at + 1, 1);
            scanner->at += 2;
        } else {
            size_t length = 1 + strcspn(scanner->at + 1, "\"$`\\");
            sound = put(state, scanner->at, length);
            scanner->at += length;
        }
        if (!sound)
            return false;
    }
    scanner->at++;
    state->in_quotes = false;
    return true;
}

static bool word_backslash(struct word_state *state)
{
    struct shell_scanner *scanner = state->scanner;
    if (scanner->at[1] == '\0')
        return shell_refuse(scanner, "a backslash at the end");
    bool continued = scanner->at[1] == '\n';
    if (!continued)
        state->word->quoted = true;
    const char *byte = scanner->at + 1;
    scanner->at += 2;
    return continued || put(state, byte, 1);
}

/* A file name pattern, a home directory, a brace expansion: certain only when it is expanded. */
static bool starts_pattern(const struct word_state *state)
{
    const char *at = state->scanner->at;
    const struct buffer *text = &state->word->text;
    char before = text->length > 0 ? text->data[text->length - 1] : '\0';
    switch (*at) {
    case '*':
    case '?':
        return true;
    case '[': /* the commands [ and [[ are no patterns */
        return !((before == '\0' || strcmp(text->data, "[") == 0) &&
                 (strchr(" \t\n", at[1]) != NULL || strncmp(at, "[[ ", 3) == 0));
    case '~':
        return (before == '\0' && !state->word->quoted) || before == '=' || before == ':';
    case '{': /* a "{}" alone is no expansion, though "a{},b}" is one */
        return !(at[1] == '}' && strchr(" \t\n;&|()<>", at[2]) != NULL);
    default:
        return false;
    }
}

static bool word_plain(struct word_state *state)
{
    struct shell_scanner *scanner = state->scanner;
    struct shell_word *word = state->word;
    const char *from = scanner->at;
    if (*from == '=' && word->assignment == 0 && !word->quoted && !state->expanded)
        word->assignment = word->text.length;
    bool pattern = starts_pattern(state);
    scanner->at++;
    return pattern ? put_expanded(state, from) : put(state, from, 1);
}

static bool word_part(struct word_state *state)
{
    struct shell_scanner *scanner = state->scanner;
    const char *from = scanner->at;
    switch (*from) {
    case '\\':
        return word_backslash(state);
    case '\'':
        return word_single_quotes(state);
    case '"':
        return word_double_quotes(state);
    case '`':
        return word_backquotes(state);
    case '$':
        if (from[1] == '\'')
            return word_escaped_quotes(state);
        if (from[1] == '"')
            scanner->at++;
        return from[1] == '"' ? word_double_quotes(state) : word_dollar(state);
    case '<':
    case '>':
        scanner->at += 2;
        return parse_substitution(scanner) && put_expanded(state, from);
    default:
        return word_plain(state);
    }
}

bool shell_parse_word(struct shell_scanner *scanner, struct shell_word *word)
{
    struct word_state state = {.scanner = scanner, .word = word};
    *word = (struct shell_word){0};
    buffer_init(&word->text, SHELL_TEXT_LIMIT);
    for (;;) {
        char byte = *scanner->at;
        bool substitution = (byte == '<' || byte == '>') && scanner->at[1] == '(';
        if (strchr(" \t\n;&|()<>", byte) != NULL && !substitution)
            return true;
        if (!word_part(&state))
            return false;
    }
}
