/*
 * Which files are meant by their names: globs such as "*.c" or "src/x-?.h", also
 * with two stars for any directories; "*.{c,h}" for either; "!*.o" for all others.
 * A pattern without a slash is about the name alone, one with a slash about
 * the path.
 */
#ifndef AGENT_NAME_FILTER_H
#define AGENT_NAME_FILTER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { NAME_FILTER_PATTERNS = 64 }; /* what braces may expand to */

struct name_filter {
    char *patterns[NAME_FILTER_PATTERNS]; /* owned */
    size_t count;
    bool inverted;
};

/* 0, or -1 with a sentence. */
int name_filter_init(struct name_filter *filter, const char *glob, struct error *error);
void name_filter_release(struct name_filter *filter);

bool name_filter_match(const struct name_filter *filter, const char *path);

#endif
