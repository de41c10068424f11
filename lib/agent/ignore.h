/*
 * What git would leave out: gitignore(5) rules, one set per directory.
 *
 * The sets form a chain from a directory upwards. The deepest set with a rule
 * that matches decides, and in it the last such rule.
 */
#ifndef AGENT_IGNORE_H
#define AGENT_IGNORE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct ignore_rules;

/*
 * Read the rules of a file in the open directory; base is the path of the
 * directory the rules are for, as it will stand before the paths asked about
 * ("" or "a/b/"). Returns the new end of the chain, which is parent itself when
 * there is no such file or nothing in it; a file that cannot be read is left
 * out, with a sentence in error (otherwise empty).
 */
struct ignore_rules *ignore_read(struct ignore_rules *parent, int directory, const char *name,
    const char *base, struct error *error);

/* The same from text. */
struct ignore_rules *ignore_parse(
    struct ignore_rules *parent, const char *text, size_t length, const char *base);

/* Free the sets that were added behind parent. */
void ignore_free(struct ignore_rules *rules, const struct ignore_rules *parent);

/* Whether a path, which begins with the base of every set, is left out. */
bool ignore_match(const struct ignore_rules *rules, const char *path, bool directory);

#endif
