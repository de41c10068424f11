/* The known name that a misspelt one probably means. */
#include "base/spelling.h"
#include "data/config.h"

#include <stdio.h>
#include <string.h>

struct search {
    const char *wanted;
    const char *found;
    size_t best;
};

static void consider(struct search *search, const char *name)
{
    size_t far = spelling_distance(search->wanted, name);
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
    if (strlen(name) > SPELLING_LONGEST)
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
