#include "agent/ignore.h"

#include "agent/path_pattern.h"
#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RULES_FILE_LIMIT = 1 << 20, /* bytes of one .gitignore */
    RULES_LIMIT = 10000,        /* in one set: each path is tried against all */
};

struct rule {
    char *pattern; /* within text of the set */
    bool negated;
    bool directories; /* a slash at its end: only directories */
    bool anchored;    /* a slash within: the path from the base, not the name alone */
};

struct ignore_rules {
    struct ignore_rules *parent;
    char *text; /* owned */
    size_t base_length;
    struct rule *rules; /* owned */
    size_t count;
};

/* Spaces at the end do not count, unless escaped. */
static void trim(char *line)
{
    size_t length = strcspn(line, "\r");
    if (line[length] == '\r' && line[length + 1] == '\0')
        line[length] = '\0';
    length = strlen(line);
    while (length > 0 && line[length - 1] == ' ' && (length < 2 || line[length - 2] != '\\'))
        line[--length] = '\0';
}

static bool parse_line(char *line, struct rule *rule)
{
    trim(line);
    *rule = (struct rule){0};
    if (*line == '#' || *line == '\0')
        return false;
    if (*line == '!') {
        rule->negated = true;
        line++;
    }
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '/') {
        rule->directories = true;
        line[length - 1] = '\0';
    }
    rule->anchored = strchr(line, '/') != NULL;
    rule->pattern = line + (*line == '/');
    return *rule->pattern != '\0';
}

struct ignore_rules *ignore_parse(
    struct ignore_rules *parent, const char *text, size_t length, const char *base)
{
    struct ignore_rules *set = calloc(1, sizeof *set);
    if (set == NULL)
        return parent;
    set->parent = parent;
    set->base_length = strlen(base);
    set->text = strndup(text, length);
    size_t lines = 1;
    for (const char *at = set->text; at != NULL && (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    set->rules = calloc(lines < RULES_LIMIT ? lines : RULES_LIMIT, sizeof *set->rules);
    char *line = set->text;
    while (set->text != NULL && set->rules != NULL && line != NULL && set->count < RULES_LIMIT) {
        char *newline = strchr(line, '\n');
        if (newline != NULL)
            *newline = '\0';
        set->count += parse_line(line, &set->rules[set->count]);
        line = newline != NULL ? newline + 1 : NULL;
    }
    if (set->count > 0)
        return set;
    ignore_free(set, parent);
    return parent;
}

struct ignore_rules *ignore_read(struct ignore_rules *parent, int directory, const char *name,
    const char *base, struct error *error)
{
    struct buffer text;
    struct stat status;
    error->text[0] = '\0';
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        if (errno != ENOENT && errno != ELOOP && errno != ENOTDIR)
            error_system(error, "read '%s%s'", base, name);
        return parent;
    }
    buffer_init(&text, RULES_FILE_LIMIT + 1);
    ssize_t got = 0;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        buffer_reserve(&text, RULES_FILE_LIMIT) == 0) {
        while ((got = read(fd, text.data + text.length, RULES_FILE_LIMIT - text.length)) > 0)
            text.length += (size_t)got;
    }
    if (got < 0)
        error_system(error, "read '%s%s'", base, name);
    close(fd);
    struct ignore_rules *rules = ignore_parse(parent, text.data, text.length, base);
    buffer_release(&text);
    return rules;
}

void ignore_free(struct ignore_rules *rules, const struct ignore_rules *parent)
{
    while (rules != NULL && rules != parent) {
        struct ignore_rules *above = rules->parent;
        free(rules->text);
        free(rules->rules);
        free(rules);
        rules = above;
    }
}

bool ignore_match(const struct ignore_rules *rules, const char *path, bool directory)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    for (; rules != NULL; rules = rules->parent) {
        const char *below = path + rules->base_length;
        for (size_t at = rules->count; at-- > 0;) {
            const struct rule *rule = &rules->rules[at];
            if (rule->directories && !directory)
                continue;
            if (path_pattern_match(rule->pattern, rule->anchored ? below : name))
                return !rule->negated;
        }
    }
    return false;
}
