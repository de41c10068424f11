#include "agent/path_pattern.h"

#include <stddef.h>
#include <string.h>

struct span {
    const char *at, *end;
};

/* A set that is not closed is an ordinary '['. Returns where the set ends, or NULL. */
static const char *match_set(struct span pattern, char byte, bool *matched)
{
    const char *at = pattern.at + 1;
    bool inverted = at < pattern.end && (*at == '!' || *at == '^');
    bool found = false;
    at += inverted;
    for (bool first = true; at < pattern.end && (first || *at != ']'); first = false) {
        if (*at == '\\' && at + 1 < pattern.end)
            at++;
        char low = *at++;
        char high = low;
        if (at + 1 < pattern.end && at[0] == '-' && at[1] != ']') {
            at++;
            if (*at == '\\' && at + 1 < pattern.end)
                at++;
            high = *at++;
        }
        found |=
            (unsigned char)low <= (unsigned char)byte && (unsigned char)byte <= (unsigned char)high;
    }
    if (at >= pattern.end)
        return NULL;
    *matched = found != inverted;
    return at + 1;
}

/* Whether the pattern's next item, not a star, takes this byte; moves the pattern behind it. */
static bool take_one(struct span *pattern, const char *text)
{
    bool matched = false;
    if (*pattern->at == '[') {
        const char *behind = match_set(*pattern, *text, &matched);
        if (behind != NULL) {
            pattern->at = behind;
            return matched;
        }
    }
    bool any = *pattern->at == '?';
    if (*pattern->at == '\\' && pattern->at + 1 < pattern->end)
        pattern->at++;
    matched = any || *pattern->at == *text;
    pattern->at++;
    return matched;
}

/* Bytes that continue a UTF-8 character belong to the '?' before them. */
static const char *behind_one(struct span text, bool any)
{
    const char *at = text.at + 1;
    while (any && at < text.end && ((unsigned char)*at & 0xC0) == 0x80)
        at++;
    return at;
}

static bool match_component(struct span pattern, struct span text)
{
    struct span star_pattern = {NULL, NULL};
    const char *star_text = NULL;
    for (;;) {
        if (pattern.at < pattern.end && *pattern.at == '*') {
            pattern.at++;
            star_pattern = pattern;
            star_text = text.at;
            continue;
        }
        if (pattern.at == pattern.end && text.at == text.end)
            return true;
        if (pattern.at < pattern.end && text.at < text.end) {
            bool any = *pattern.at == '?';
            if (take_one(&pattern, text.at)) {
                text.at = behind_one(text, any);
                continue;
            }
        }
        if (star_text == NULL || star_text == text.end)
            return false;
        /* Only the last star need be tried again, one byte further on. */
        pattern = star_pattern;
        text.at = ++star_text;
    }
}

static struct span component(const char *at)
{
    return (struct span){at, at + strcspn(at, "/")};
}

static const char *behind(struct span span)
{
    return *span.end == '/' ? span.end + 1 : span.end;
}

static bool is_deep(struct span span)
{
    return span.end - span.at == 2 && memcmp(span.at, "**", 2) == 0;
}

bool path_pattern_match(const char *pattern, const char *path)
{
    const char *deep_pattern = NULL;
    const char *deep_path = NULL;
    for (;;) {
        if (*pattern == '\0' && *path == '\0')
            return true;
        struct span wanted = component(pattern);
        if (*pattern != '\0' && is_deep(wanted)) {
            pattern = behind(wanted);
            if (*pattern == '\0')
                return *path != '\0';
            deep_pattern = pattern;
            deep_path = path;
            continue;
        }
        struct span have = component(path);
        if (*pattern != '\0' && *path != '\0' && match_component(wanted, have)) {
            pattern = behind(wanted);
            path = behind(have);
            continue;
        }
        if (deep_path == NULL || *deep_path == '\0')
            return false;
        deep_path = behind(component(deep_path));
        pattern = deep_pattern;
        path = deep_path;
    }
}
