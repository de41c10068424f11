#include "agent/glob.h"

#include "base/utf8.h"

#include <string.h>

/* Length of the character at text, which is not empty. */
static size_t step(const char *text)
{
    uint32_t character;
    int length = utf8_decode(text, strnlen(text, UTF8_MAXIMUM), &character);
    return length > 0 ? (size_t)length : 1;
}

/*
 * On a mismatch only the last star need be tried again, one byte further on:
 * what an earlier star could take, the later one can take as well. With paths
 * that holds for "**"; a single star that met a '/' gives up to the last "**".
 */
bool glob_match(enum glob_kind kind, const char *pattern, const char *text)
{
    struct {
        const char *pattern, *text; /* where to go on; pattern NULL: no star yet */
    } star = {NULL, NULL}, deep = {NULL, NULL};
    for (;;) {
        if (*pattern == '*') {
            bool crosses = kind == GLOB_TEXT || pattern[1] == '*';
            while (*pattern == '*')
                pattern++;
            if (crosses) {
                deep.pattern = pattern;
                deep.text = text;
                star.pattern = NULL;
            } else {
                star.pattern = pattern;
                star.text = text;
            }
            continue;
        }
        if (*pattern == '\0' && *text == '\0')
            return true;
        if (*text == '\0' && strcmp(pattern, kind == GLOB_TEXT ? " *" : "/**") == 0)
            return true;
        if (*pattern == '?' && *text != '\0' && !(kind == GLOB_PATH && *text == '/')) {
            pattern++;
            text += step(text);
            continue;
        }
        const char *literal = *pattern == '\\' && pattern[1] != '\0' ? pattern + 1 : pattern;
        if (*pattern != '?' && *pattern != '\0' && *literal == *text) {
            pattern = literal + 1;
            text++;
            continue;
        }
        if (star.pattern != NULL && *star.text != '\0' && *star.text != '/') {
            pattern = star.pattern;
            text = ++star.text;
        } else if (deep.pattern != NULL && *deep.text != '\0') {
            pattern = deep.pattern;
            text = ++deep.text;
            star.pattern = NULL;
        } else {
            return false;
        }
    }
}
