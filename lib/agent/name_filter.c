#include "agent/name_filter.h"

#include "agent/path_pattern.h"
#include "base/buffer.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int add(struct name_filter *filter, const char *pattern)
{
    if (filter->count == NAME_FILTER_PATTERNS) {
        errno = EMSGSIZE;
        return -1;
    }
    pattern += strncmp(pattern, "./", 2) == 0 ? 2 : 0;
    pattern += *pattern == '/';
    char *copy = strdup(pattern);
    if (copy == NULL)
        return -1;
    size_t length = strlen(copy);
    if (length > 1 && copy[length - 1] == '/')
        copy[length - 1] = '\0';
    filter->patterns[filter->count++] = copy;
    return 0;
}

/* The brace that closes the one at open, or NULL. */
static const char *closing_brace(const char *open)
{
    int depth = 0;
    for (const char *at = open; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        else if (*at == '{')
            depth++;
        else if (*at == '}' && --depth == 0)
            return at;
    }
    return NULL;
}

/* Behind one alternative: its comma, or the closing brace. */
static const char *alternative_end(const char *at, const char *close)
{
    int depth = 0;
    for (; at < close; at++) {
        if (*at == '\\' && at + 1 < close)
            at++;
        else if (*at == '{')
            depth++;
        else if (*at == '}')
            depth--;
        else if (*at == ',' && depth == 0)
            break;
    }
    return at;
}

/* The first group is replaced by each of its alternatives, and the result expanded again. */
static int expand(struct name_filter *filter, const char *pattern)
{
    const char *open = strchr(pattern, '{');
    const char *close = open != NULL ? closing_brace(open) : NULL;
    if (close == NULL)
        return add(filter, pattern);
    for (const char *at = open + 1; at <= close;) {
        const char *end = alternative_end(at, close);
        struct buffer one;
        buffer_init(&one, PATH_MAX);
        int result = buffer_append(&one, pattern, (size_t)(open - pattern)) < 0 ||
                             buffer_append(&one, at, (size_t)(end - at)) < 0 ||
                             buffer_append_text(&one, close + 1) < 0
                         ? -1
                         : expand(filter, one.data);
        buffer_release(&one);
        if (result < 0)
            return -1;
        at = end + 1;
    }
    return 0;
}

int name_filter_init(struct name_filter *filter, const char *glob, struct error *error)
{
    *filter = (struct name_filter){.inverted = *glob == '!'};
    if (expand(filter, glob + filter->inverted) == 0)
        return 0;
    name_filter_release(filter);
    return error_system(error, "use the glob '%s'", glob);
}

void name_filter_release(struct name_filter *filter)
{
    while (filter->count > 0)
        free(filter->patterns[--filter->count]);
}

bool name_filter_match(const struct name_filter *filter, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    for (size_t at = 0; at < filter->count; at++) {
        const char *pattern = filter->patterns[at];
        if (path_pattern_match(pattern, strchr(pattern, '/') != NULL ? path : name))
            return !filter->inverted;
    }
    return filter->inverted;
}
