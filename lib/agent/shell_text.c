#include "agent/shell_text.h"

#include "base/utf8.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    COMMAND_SIZE = 256, /* longer simple commands are no typing errors */
    WORDS_MOST = 16,
};

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(word, *list) == 0)
            return true;
    }
    return false;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_disk(const char *path)
{
    static const char *const disks[] = {
        "/dev/sd", "/dev/hd", "/dev/vd", "/dev/xvd", "/dev/nvme", "/dev/mmcblk"};
    for (size_t i = 0; i < sizeof disks / sizeof disks[0]; i++) {
        if (begins(path, disks[i]))
            return true;
    }
    return false;
}

/* Short options may be bundled and stand anywhere: -rf, -fr, -r -f, / -rf. */
static bool has_option(char *const *words, size_t count, const char *letters, const char *name)
{
    for (size_t i = 1; i < count; i++) {
        if (strcmp(words[i], name) == 0 ||
            (words[i][0] == '-' && words[i][1] != '-' && strpbrk(words[i], letters) != NULL))
            return true;
    }
    return false;
}

static bool names_everything(char *const *words, size_t count, bool home)
{
    static const char *const roots[] = {"/", "/*", "/.", NULL};
    static const char *const homes[] = {"~", "~/", "~/*", "$HOME", "$HOME/", "$HOME/*", NULL};
    for (size_t i = 1; i < count; i++) {
        if (is_one_of(words[i], roots) || (home && is_one_of(words[i], homes)))
            return true;
    }
    return false;
}

static bool names_disk(char *const *words, size_t count, const char *before)
{
    for (size_t i = 1; i < count; i++) {
        if (begins(words[i], before) && is_disk(words[i] + strlen(before)))
            return true;
    }
    return false;
}

static bool writes_to_disk(char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((strcmp(words[i], ">") == 0 && i + 1 < count && is_disk(words[i + 1])) ||
            (words[i][0] == '>' && is_disk(words[i] + 1)))
            return true;
    }
    return false;
}

static bool destroys(char *const *words, size_t count)
{
    if (count > 0 && strcmp(words[0], "sudo") == 0) {
        words++;
        count--;
    }
    if (count == 0)
        return false;
    const char *name = words[0];
    if (strcmp(name, "rm") == 0)
        return has_option(words, count, "rR", "--recursive") &&
               names_everything(words, count, true);
    if (strcmp(name, "chmod") == 0 || strcmp(name, "chown") == 0 || strcmp(name, "chgrp") == 0)
        return has_option(words, count, "R", "--recursive") &&
               names_everything(words, count, false);
    if (strcmp(name, "mv") == 0)
        return count > 2 && names_everything(words, count - 1, false);
    if (begins(name, "mkfs"))
        return names_disk(words, count, "");
    if (strcmp(name, "dd") == 0)
        return names_disk(words, count, "of=");
    return writes_to_disk(words, count);
}

/* One simple command without quotes in it, as it stands between separators. */
static int check_command(const char *text, size_t length, struct error *error)
{
    char copy[COMMAND_SIZE];
    char *words[WORDS_MOST];
    char *state = NULL;
    size_t count = 0;
    if (length >= sizeof copy)
        return 0;
    memcpy(copy, text, length);
    copy[length] = '\0';
    for (char *word = strtok_r(copy, " \t", &state); word != NULL && count < WORDS_MOST;
         word = strtok_r(NULL, " \t", &state))
        words[count++] = word;
    if (!destroys(words, count))
        return 0;
    return error_set(error,
        "refused: '%.*s' would destroy this machine's or its user's files, which is hardly meant; "
        "name what is to go",
        (int)length, text);
}

/* The classic, whatever blanks are in it. */
static bool is_fork_bomb(const char *script)
{
    static const char bomb[] = ":(){:|:&};:";
    size_t at = 0;
    for (; *script != '\0'; script++) {
        if (strchr(" \t\n", *script) != NULL)
            continue;
        if (at == sizeof bomb - 1 || *script != bomb[at])
            return false;
        at++;
    }
    return at == sizeof bomb - 1;
}

int shell_text_check(const char *script, struct error *error)
{
    const char *start = script;
    bool quoted = false; /* the present simple command has quotes or escapes: not looked at */
    char quote = '\0';
    if (is_fork_bomb(script))
        return error_set(error, "refused: this starts processes without end");
    if (strstr(script, "<<") != NULL)
        return 0; /* what looks like a command may be the text of a here-document */
    for (const char *at = script;; at++) {
        if (*at != '\0' && quote != '\0') {
            if (*at == '\\' && quote == '"' && at[1] != '\0')
                at++;
            else if (*at == quote)
                quote = '\0';
            continue;
        }
        if (*at == '\0' || strchr(";&|\n", *at) != NULL) {
            if (!quoted && check_command(start, (size_t)(at - start), error) < 0)
                return -1;
            if (*at == '\0')
                return 0;
            start = at + 1;
            quoted = false;
        } else if (*at == '\'' || *at == '"') {
            quote = *at;
            quoted = true;
        } else if (*at == '\\' || *at == '`' || *at == '#') {
            /* A comment ends with its line, which has to be looked for. */
            quoted = true;
            if (*at == '\\' && at[1] != '\0')
                at++;
            else if (*at == '#' && (at == script || strchr(" \t\n;&|", at[-1]) != NULL))
                at += strcspn(at, "\n") - 1;
        }
    }
}

static char straight(uint32_t character)
{
    switch (character) {
    case 0x2018:
    case 0x2019:
        return '\'';
    case 0x201C:
    case 0x201D:
        return '"';
    case 0x2013:
    case 0x2014:
        return '-';
    default:
        return '\0';
    }
}

int shell_text_straighten(const char *script, struct buffer *text)
{
    size_t length = strlen(script);
    char ascii = '\0';  /* inside quotes that were straight: everything is data */
    char curved = '\0'; /* inside quotes that were not: only their like ends them */
    int replaced = 0;
    for (size_t at = 0; at < length;) {
        uint32_t character;
        int size = utf8_decode(script + at, length - at, &character);
        if (size <= 0) {
            size = 1;
            character = 0;
        }
        char plain = straight(character);
        if (character == '\\' && ascii != '\'' && at + 1 < length && (script[at + 1] & 0x80) == 0) {
            size = 2;
        } else if (ascii != '\0') {
            if (character == (unsigned char)ascii)
                ascii = '\0';
            plain = '\0';
        } else if (curved != '\0') {
            if (plain == curved)
                curved = '\0';
            else
                plain = '\0';
        } else if (plain == '\'' || plain == '"') {
            curved = plain;
        } else if (character == '\'' || character == '"') {
            ascii = (char)character;
        }
        if (plain != '\0')
            replaced = 1;
        if ((plain != '\0' ? buffer_append_byte(text, plain)
                           : buffer_append(text, script + at, (size_t)size)) < 0)
            return -1;
        at += (size_t)size;
    }
    return replaced;
}

int shell_text_quote(const char *text, struct buffer *word)
{
    if (buffer_append_byte(word, '\'') < 0)
        return -1;
    for (; *text != '\0'; text++) {
        if ((*text == '\'' ? buffer_append_text(word, "'\\''") : buffer_append_byte(word, *text)) <
            0)
            return -1;
    }
    return buffer_append_byte(word, '\'');
}
