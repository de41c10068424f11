/* The known name that a misspelt one probably means. */
#include "data/config.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MOST = 64 }; /* bytes: longer names are near to nothing */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be added, dropped, changed or swapped with their neighbour. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NAME_MOST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    size_t length = strlen(b);
    for (size_t j = 0; j <= length; j++)
        last[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        now[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = smaller(change, smaller(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[length];
}

struct search {
    const char *wanted;
    const char *found;
    size_t best;
};

static void consider(struct search *search, const char *name)
{
    if (strlen(name) > NAME_MOST)
        return;
    size_t far = distance(search->wanted, name);
    if (far < search->best) {
        search->best = far;
        search->found = name;
    }
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

/* A key under the right name in the wrong section, or in none. */
static const char *elsewhere(const char *name)
{
    const char *found = NULL;
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        if (strchr(key->name, '.') == NULL || strcmp(last_part(key->name), last_part(name)) != 0)
            continue;
        if (found != NULL)
            return NULL; /* several: no guess */
        found = key->name;
    }
    return found;
}

static void consider_sections(struct search *search)
{
    static const char *const sections[] = {"api", "model", "models", "session", "tools", "approve",
        "render", "store", "server", "bridge", "redis", "console", "auth", "mcp", "ratelimit",
        "health", NULL};
    for (size_t i = 0; sections[i] != NULL; i++)
        consider(search, sections[i]);
}

const char *config_nearest(const char *name)
{
    if (strlen(name) > NAME_MOST)
        return NULL;
    const char *part = last_part(name);
    struct search search = {.wanted = name, .best = 1 + (part == name ? 2 : strlen(part) / 3 + 1)};
    if (strncmp(name, "models.", 7) == 0) {
        search.wanted = part;
        for (const struct config_model_key *key = config_model_keys; key->name != NULL; key++)
            consider(&search, key->name);
        return search.found;
    }
    const char *exact = elsewhere(name);
    if (exact != NULL)
        return exact;
    if (part == name) {
        consider_sections(&search);
    } else {
        for (const struct config_key *key = config_keys; key->name != NULL; key++)
            consider(&search, key->name);
    }
    return search.found;
}
