#include "agent/shell_split.h"

#include "agent/shell_builtin.h"
#include "agent/shell_text.h"
#include "agent/shell_word.h"
#include "base/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MOST = 4096 }; /* of one simple command */

/* What a list of commands may end with, one bit each. */
enum list_end {
    END_TEXT = 1 << 0,
    END_PARENTHESIS = 1 << 1,
    END_BRACE = 1 << 2,
    END_THEN = 1 << 3,
    END_ELSE = 1 << 4, /* elif and else */
    END_FI = 1 << 5,
    END_DO = 1 << 6,
    END_DONE = 1 << 7,
    END_CASE = 1 << 8, /* ;; and its like, and esac */
};

static bool parse_list(struct shell_scanner *scanner, unsigned ends);
static bool parse_command(struct shell_scanner *scanner);

void shell_commands_release(struct shell_commands *commands)
{
    for (size_t i = 0; i < commands->count; i++)
        free(commands->items[i].text);
    free(commands->items);
    *commands = (struct shell_commands){0};
}

/* Reserved words. */

/* Whether the bytes at `at` are this word and nothing more. */
static bool at_word(const struct shell_scanner *scanner, const char *word)
{
    size_t length = strlen(word);
    return strncmp(scanner->at, word, length) == 0 &&
           strchr(" \t\n;&|()<>", scanner->at[length]) != NULL;
}

static bool take_word(struct shell_scanner *scanner, const char *word)
{
    if (!at_word(scanner, word))
        return false;
    scanner->at += strlen(word);
    return true;
}

static bool expect_word(struct shell_scanner *scanner, const char *word)
{
    shell_skip_lines(scanner);
    if (take_word(scanner, word))
        return true;
    return shell_refuse(scanner, "'%s' is missing", word);
}

/* Which end the scanner stands at; 0: none. Nothing is taken. */
static unsigned at_end(const struct shell_scanner *scanner)
{
    static const struct {
        const char *word;
        unsigned end;
    } ends[] = {{"}", END_BRACE}, {"then", END_THEN}, {"elif", END_ELSE}, {"else", END_ELSE},
        {"fi", END_FI}, {"do", END_DO}, {"done", END_DONE}, {"esac", END_CASE}};
    if (*scanner->at == '\0')
        return END_TEXT;
    if (*scanner->at == ')')
        return END_PARENTHESIS;
    if (strncmp(scanner->at, ";;", 2) == 0 || strncmp(scanner->at, ";&", 2) == 0)
        return END_CASE;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (at_word(scanner, ends[i].word))
            return ends[i].end;
    }
    return 0;
}

/* Simple commands. */

struct simple {
    struct buffer text;
    size_t command;
    size_t literal;
    bool uncertain;
    size_t words;    /* without assignments */
    char *name;      /* the first of them, or what it runs: behind command and builtin */
    size_t name_at;  /* the number of that word, from 1 */
    char *code;      /* text that the command runs: of eval, trap, sh -c */
    bool shell;      /* a shell was named */
    bool script;     /* and the file it reads */
    bool runs_shell; /* and the shell is certainly started: it is no mere word */
    bool wants_code; /* the next word is code */
    bool vague;      /* the last word is certain only when it runs */
};

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(name, *list) == 0)
            return true;
    }
    return false;
}

static bool add_to_text(
    struct shell_scanner *scanner, struct simple *simple, const struct shell_word *word)
{
    if (simple->text.length > 0 && buffer_append_byte(&simple->text, ' ') < 0)
        return shell_refuse(scanner, "it is too long");
    if (!simple->uncertain)
        simple->literal = simple->text.length + word->literal;
    simple->uncertain = simple->uncertain || word->literal < word->text.length;
    if (buffer_append(&simple->text, word->text.data, word->text.length) < 0)
        return shell_refuse(scanner, "it is too long");
    return true;
}

static const char *base_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash != NULL ? slash + 1 : name;
}

static bool append_code(
    struct shell_scanner *scanner, struct simple *simple, const struct shell_word *word)
{
    if (word->literal < word->text.length)
        return shell_refuse(
            scanner, "what %s runs is known only when it runs", base_name(simple->name));
    size_t had = simple->code != NULL ? strlen(simple->code) : 0;
    char *code = realloc(simple->code, had + word->text.length + 2);
    if (code == NULL)
        return shell_refuse(scanner, "out of memory");
    if (had > 0)
        code[had++] = ' ';
    memcpy(code + had, word->text.data, word->text.length + 1);
    simple->code = code;
    return true;
}

/* A script that is no file but what comes in at the time: "-", -s, /dev/stdin. */
static bool is_stream(const char *text)
{
    return strcmp(text, "-") == 0 || strncmp(text, "/dev/", 5) == 0 ||
           strncmp(text, "/proc/", 6) == 0 ||
           (text[0] == '-' && text[1] != '-' && strchr(text, 's') != NULL);
}

/* Behind the name of a shell, wherever that stands: `find -exec sh -c` and the like. */
static bool note_shell_word(
    struct shell_scanner *scanner, struct simple *simple, const struct shell_word *word)
{
    const char *text = word->text.data;
    bool option = text[0] == '-' || text[0] == '+';
    if (simple->code != NULL)
        return true;
    if (simple->wants_code && option)
        return shell_refuse(scanner, "an option behind -c");
    if (simple->wants_code) {
        simple->wants_code = false;
        return append_code(scanner, simple, word);
    }
    if ((word->literal == 0 && word->text.length > 0) || (simple->runs_shell && is_stream(text)))
        return shell_refuse(scanner, "what a shell runs is known only when it runs");
    simple->wants_code = text[0] == '-' && text[1] != '-' && strchr(text, 'c') != NULL;
    simple->script |= !option;
    return true;
}

/* `.` and source read a file in this shell. */
static bool note_source(
    struct shell_scanner *scanner, const struct simple *simple, const struct shell_word *word)
{
    static const char *const sources[] = {".", "source", NULL};
    if (simple->words != simple->name_at + 1 || !is_one_of(simple->name, sources))
        return true;
    if (word->literal == word->text.length && !is_stream(word->text.data))
        return true;
    return shell_refuse(scanner, "what '%s' reads is known only when it runs", simple->name);
}

/* Words that a shell or a built-in will read as commands are split as well. */
static bool note_code(
    struct shell_scanner *scanner, struct simple *simple, const struct shell_word *word)
{
    static const char *const shells[] = {
        "sh", "bash", "rbash", "dash", "zsh", "ksh", "mksh", "ash", "fish", NULL};
    static const char *const starters[] = {"sudo", "doas", "su", "env", "exec", "nohup", "nice",
        "ionice", "timeout", "stdbuf", "setsid", "setpriv", "busybox", "toybox", "chroot",
        "unshare", "nsenter", "bwrap", "systemd-run", "xargs", "ts-jail", NULL};
    if (simple->shell)
        return note_shell_word(scanner, simple, word);
    simple->shell =
        word->literal == word->text.length && is_one_of(base_name(word->text.data), shells);
    simple->runs_shell = simple->shell && (simple->words == simple->name_at ||
                                              is_one_of(base_name(simple->name), starters));
    if (simple->words == simple->name_at)
        return true;
    bool all = strcmp(simple->name, "eval") == 0;
    bool first =
        strcmp(simple->name, "trap") == 0 && simple->code == NULL && word->text.data[0] != '-';
    return all || first ? append_code(scanner, simple, word) : true;
}

/* The name of the command, which decides what its other words mean. */
static bool take_name(
    struct shell_scanner *scanner, struct simple *simple, const struct shell_word *word)
{
    if (word->literal < word->text.length)
        return shell_refuse(scanner, "the name of a command is known only when it runs");
    if (word->text.length == 0 || strpbrk(word->text.data, " \t\n") != NULL)
        return shell_refuse(scanner, "the name of a command is empty or has blanks in it");
    if (shell_builtin_opaque(word->text.data))
        return shell_refuse(scanner, "what '%.40s' does is not understood", word->text.data);
    free(simple->name);
    simple->name = strdup(word->text.data);
    simple->name_at = simple->words;
    return simple->name != NULL || shell_refuse(scanner, "out of memory");
}

/* A word behind the command's name. */
static bool note_word(
    struct shell_scanner *scanner, struct simple *simple, const struct shell_word *word)
{
    static const char *const passing_on[] = {"command", "builtin", NULL};
    if (simple->words == simple->name_at + 1 && is_one_of(simple->name, passing_on) &&
        (word->text.data[0] != '-' || strcmp(word->text.data, "--") == 0)) {
        if (strcmp(word->text.data, "--") == 0) {
            simple->name_at++;
            return true;
        }
        return take_name(scanner, simple, word) && note_code(scanner, simple, word);
    }
    if (shell_builtin_evaluates(simple->name, simple->words - simple->name_at, word, simple->vague))
        return shell_refuse(scanner, "'%.40s' evaluates a word", simple->name);
    return note_source(scanner, simple, word) && note_code(scanner, simple, word);
}

static bool is_assignment(const struct shell_word *word)
{
    size_t length =
        strspn(word->text.data, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    const char *behind = word->text.data + length;
    return word->assignment > 0 && length > 0 &&
           word->assignment == (size_t)(behind - word->text.data) + (behind[0] == '+');
}

static bool add_word(
    struct shell_scanner *scanner, struct simple *simple, const struct shell_word *word)
{
    bool assignment = simple->words == 0 && is_assignment(word);
    if (!assignment && ++simple->words > WORDS_MOST)
        return shell_refuse(scanner, "it has too many words");
    if (!assignment && simple->words == 1) {
        simple->command = simple->text.length + (simple->text.length > 0);
        if (!take_name(scanner, simple, word))
            return false;
    }
    if (!add_to_text(scanner, simple, word))
        return false;
    if (assignment)
        return true;
    bool sound =
        simple->words == 1 ? note_code(scanner, simple, word) : note_word(scanner, simple, word);
    simple->vague = word->literal < word->text.length;
    return sound;
}

/* NAME () body: the body's commands count where it is defined. Called behind "(". */
static bool parse_function(struct shell_scanner *scanner, const struct simple *simple)
{
    if (simple->words != 1 || simple->command != 0)
        return shell_refuse(scanner, "a parenthesis where none may be");
    scanner->at++;
    shell_skip_blanks(scanner);
    if (*scanner->at != ')')
        return shell_refuse(scanner, "a parenthesis where none may be");
    scanner->at++;
    shell_skip_lines(scanner);
    return parse_command(scanner);
}

static bool finish_simple(struct shell_scanner *scanner, struct simple *simple)
{
    if (simple->text.length > 0) {
        if (simple->words == 0)
            simple->command = simple->text.length;
        if (!shell_add_command(scanner, simple->text.data, simple->command, simple->literal))
            return false;
    }
    if (simple->runs_shell && simple->code == NULL && !simple->script)
        return shell_refuse(scanner, "a shell that reads what it runs");
    return simple->code == NULL || shell_split_inner(scanner, simple->code);
}

static bool parse_words(struct shell_scanner *scanner, struct simple *simple, bool *function)
{
    struct shell_word word;
    for (;;) {
        shell_skip_blanks(scanner);
        if (shell_at_redirection(scanner)) {
            if (!shell_parse_redirection(scanner))
                return false;
            continue;
        }
        if (*scanner->at == '(') {
            *function = true;
            return parse_function(scanner, simple);
        }
        if (strchr("\n;&|)", *scanner->at) != NULL)
            return true;
        bool sound = shell_parse_word(scanner, &word) && add_word(scanner, simple, &word);
        shell_word_release(&word);
        if (!sound)
            return false;
    }
}

static bool parse_simple(struct shell_scanner *scanner)
{
    struct simple simple = {0};
    bool function = false;
    const char *before = scanner->at;
    buffer_init(&simple.text, SHELL_TEXT_LIMIT);
    bool sound = parse_words(scanner, &simple, &function);
    if (sound && !function)
        sound = finish_simple(scanner, &simple);
    if (sound && scanner->at == before)
        sound = shell_refuse(scanner, "a command is missing");
    buffer_release(&simple.text);
    free(simple.name);
    free(simple.code);
    return sound;
}

/* Compound commands. */

static bool parse_redirections(struct shell_scanner *scanner)
{
    for (;;) {
        shell_skip_blanks(scanner);
        if (!shell_at_redirection(scanner))
            return true;
        if (!shell_parse_redirection(scanner))
            return false;
    }
}

static bool parse_if(struct shell_scanner *scanner)
{
    if (!parse_list(scanner, END_THEN) || !expect_word(scanner, "then"))
        return false;
    for (;;) {
        if (!parse_list(scanner, END_ELSE | END_FI))
            return false;
        if (take_word(scanner, "elif")) {
            if (!parse_list(scanner, END_THEN) || !expect_word(scanner, "then"))
                return false;
        } else if (take_word(scanner, "else")) {
            return parse_list(scanner, END_FI) && expect_word(scanner, "fi");
        } else {
            return expect_word(scanner, "fi");
        }
    }
}

static bool parse_do(struct shell_scanner *scanner)
{
    return expect_word(scanner, "do") && parse_list(scanner, END_DONE) &&
           expect_word(scanner, "done");
}

/* A word whose text does not matter; substitutions in it do. */
static bool pass_word(struct shell_scanner *scanner)
{
    struct shell_word word;
    bool sound = shell_parse_word(scanner, &word);
    sound = sound &&
            (word.text.length > 0 || word.quoted || shell_refuse(scanner, "a word is missing"));
    shell_word_release(&word);
    return sound;
}

/* for NAME [in WORD...]; do ...; done, also select. */
static bool parse_for(struct shell_scanner *scanner)
{
    shell_skip_blanks(scanner);
    if (*scanner->at == '(')
        return shell_refuse(scanner, "an arithmetic loop");
    const char *name = scanner->at;
    if (!pass_word(scanner))
        return false;
    if (!shell_variable_is_plain(name, (size_t)(scanner->at - name)))
        return shell_refuse(scanner, "a loop over a variable that may have a meaning");
    shell_skip_lines(scanner);
    if (take_word(scanner, "in")) {
        for (;;) {
            shell_skip_blanks(scanner);
            if (*scanner->at == ';' || *scanner->at == '\n')
                break;
            if (strchr("&|()<>", *scanner->at) != NULL) /* and at the end of the text */
                return shell_refuse(scanner, "a loop that is not complete");
            if (!pass_word(scanner))
                return false;
        }
    }
    shell_skip_blanks(scanner);
    if (*scanner->at == ';')
        scanner->at++;
    return parse_do(scanner);
}

static bool parse_case_patterns(struct shell_scanner *scanner)
{
    shell_skip_blanks(scanner);
    if (*scanner->at == '(')
        scanner->at++;
    for (;;) {
        shell_skip_blanks(scanner);
        if (!pass_word(scanner))
            return false;
        shell_skip_blanks(scanner);
        char byte = *scanner->at;
        if (byte != '|' && byte != ')')
            return shell_refuse(scanner, "a case pattern that is not understood");
        scanner->at++;
        if (byte == ')')
            return true;
    }
}

static bool parse_case(struct shell_scanner *scanner)
{
    shell_skip_blanks(scanner);
    if (!pass_word(scanner) || !expect_word(scanner, "in"))
        return false;
    for (;;) {
        shell_skip_lines(scanner);
        if (take_word(scanner, "esac"))
            return true;
        if (!parse_case_patterns(scanner) || !parse_list(scanner, END_CASE))
            return false;
        if (*scanner->at == ';')
            scanner->at += strspn(scanner->at, ";&");
    }
}

/* [[ ... ]]: a command whose words may hold operators. */
static bool parse_condition(struct shell_scanner *scanner)
{
    struct simple simple = {0};
    struct shell_word word;
    buffer_init(&simple.text, SHELL_TEXT_LIMIT);
    bool sound = true, ended = false;
    while (sound && !ended) {
        shell_skip_lines(scanner);
        if (*scanner->at == '\0') {
            sound = shell_refuse(scanner, "']]' is missing");
        } else if (strchr("&|()<>;", *scanner->at) != NULL && scanner->at[1] != '(') {
            scanner->at++;
        } else if (strchr("&|();", *scanner->at) != NULL) {
            scanner->at++;
        } else {
            ended = at_word(scanner, "]]");
            sound = shell_parse_word(scanner, &word) && add_to_text(scanner, &simple, &word);
            if (sound && shell_condition_evaluates(&word))
                sound = shell_refuse(scanner, "'[[' evaluates a word");
            shell_word_release(&word);
        }
    }
    sound = sound && shell_add_command(scanner, simple.text.data, 0, simple.literal);
    buffer_release(&simple.text);
    return sound;
}

static bool parse_compound(struct shell_scanner *scanner, bool *matched)
{
    *matched = true;
    if (strncmp(scanner->at, "((", 2) == 0)
        return shell_refuse(scanner, "an arithmetic command");
    if (*scanner->at == '(') {
        scanner->at++;
        if (!parse_list(scanner, END_PARENTHESIS))
            return false;
        scanner->at++;
        return true;
    }
    if (take_word(scanner, "{"))
        return parse_list(scanner, END_BRACE) && expect_word(scanner, "}");
    if (take_word(scanner, "if"))
        return parse_if(scanner);
    if (take_word(scanner, "while") || take_word(scanner, "until"))
        return parse_list(scanner, END_DO) && parse_do(scanner);
    if (take_word(scanner, "for") || take_word(scanner, "select"))
        return parse_for(scanner);
    if (take_word(scanner, "case"))
        return parse_case(scanner);
    if (at_word(scanner, "[["))
        return parse_condition(scanner);
    if (at_word(scanner, "coproc"))
        return shell_refuse(scanner, "a coprocess");
    *matched = false;
    return true;
}

static bool parse_function_word(struct shell_scanner *scanner)
{
    shell_skip_blanks(scanner);
    if (!pass_word(scanner))
        return false;
    shell_skip_blanks(scanner);
    if (strncmp(scanner->at, "()", 2) == 0)
        scanner->at += 2;
    shell_skip_lines(scanner);
    return parse_command(scanner);
}

static bool parse_command(struct shell_scanner *scanner)
{
    bool matched;
    if (++scanner->depth > SHELL_DEPTH_LIMIT)
        return shell_refuse(scanner, "it is nested too deeply");
    shell_skip_blanks(scanner);
    while (take_word(scanner, "!") || take_word(scanner, "time"))
        shell_skip_blanks(scanner);
    bool sound;
    if (take_word(scanner, "function")) {
        sound = parse_function_word(scanner);
    } else {
        sound = parse_compound(scanner, &matched);
        if (sound)
            sound = matched ? parse_redirections(scanner) : parse_simple(scanner);
    }
    scanner->depth--;
    return sound;
}

/* Commands and what connects them, up to one of ends, which is not taken. */
static bool parse_list(struct shell_scanner *scanner, unsigned ends)
{
    for (;;) {
        shell_skip_lines(scanner);
        unsigned end = at_end(scanner);
        if ((end & ends) != 0)
            return shell_heredocs_done(scanner);
        if (end != 0)
            return shell_refuse(scanner,
                end == END_TEXT ? "it is not complete" : "a word or bracket where none may be");
        if (!parse_command(scanner))
            return false;
        shell_skip_blanks(scanner);
        static const char *const connectors[] = {"&&", "||", "|&", "|", "&", ";", NULL};
        if (strncmp(scanner->at, ";;", 2) == 0 || strncmp(scanner->at, ";&", 2) == 0)
            continue;
        bool connected = *scanner->at == '\n' || at_end(scanner) != 0;
        for (size_t i = 0; connectors[i] != NULL && !connected; i++) {
            size_t length = strlen(connectors[i]);
            connected = strncmp(scanner->at, connectors[i], length) == 0;
            scanner->at += connected ? length : 0;
        }
        if (!connected)
            return shell_refuse(scanner, "a word or bracket where none may be");
    }
}

bool shell_parse_all(struct shell_scanner *scanner, char end)
{
    return parse_list(scanner, end == ')' ? END_PARENTHESIS : END_TEXT);
}

/* The tool replaces such quotes when bash cannot parse a command with them: what would run then is
 * not what is judged here. */
static bool check_quotes(struct shell_scanner *scanner)
{
    struct buffer straight;
    buffer_init(&straight, SHELL_TEXT_LIMIT);
    int changes = shell_text_straighten(scanner->at, &straight);
    buffer_release(&straight);
    return changes == 0 || shell_refuse(scanner, "it has typographic quotes or dashes");
}

int shell_split(const char *text, struct shell_commands *commands, struct error *error)
{
    struct shell_scanner scanner = {.at = text, .commands = commands, .error = error};
    *commands = (struct shell_commands){0};
    bool sound =
        shell_check_text(&scanner) && check_quotes(&scanner) && shell_parse_all(&scanner, '\0');
    shell_scanner_release(&scanner);
    if (sound)
        return 0;
    shell_commands_release(commands);
    return -1;
}
