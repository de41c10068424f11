/*
 * Memories: short texts under a key that a person or a model wants to find
 * again, for one project or for the user everywhere.
 *
 * Keys are compared and kept in one form: trimmed, lower case, '-' and blanks
 * as '_'. So "My-Key", "my key" and "my_key" are one, when it is set, looked
 * up, searched or forgotten.
 */
#ifndef DATA_STORE_MEMORY_H
#define DATA_STORE_MEMORY_H

#include "data/store.h"

#include <stdint.h>

enum {
    STORE_MEMORY_KEY_LIMIT = 128,    /* bytes: it is a name */
    STORE_MEMORY_VALUE_LIMIT = 8192, /* bytes: a note, not a file; recalled ones go to a model */
    STORE_MEMORY_MOST = 1000,        /* memories of one scope */
};

/* The scope of memories that hold everywhere; a project's scope is its absolute path. */
#define STORE_SCOPE_USER ""

struct store_memory {
    const char *scope;
    const char *key;
    const char *value;
    const char *created;
    const char *updated;
};

/* The form in which a key is kept. normalised has STORE_MEMORY_KEY_LIMIT + 1 bytes. -1 with a
 * sentence when the key is empty, too long or no clean text. */
int store_memory_normalise(const char *key, char *normalised, struct error *error);

/* Remember. Returns 0 for a new one; 1 for a key that was there, with its old value in *old, which
 * the caller frees (old may be NULL); -1. */
int store_memory_set(struct store *store, const char *scope, const char *key, const char *value,
    char **old, struct error *error);

/* Forget. 1; 0 when there was none; -1. The value goes to *old, as above. */
int store_memory_forget(
    struct store *store, const char *scope, const char *key, char **old, struct error *error);

/*
 * Memories by key, those of the user before those of the project: of the scopes
 * given (NULL ends; an array of one or two), with every blank-separated term of
 * query somewhere in key or value, in either form and in any case; NULL or
 * blank: all.
 */
int store_memory_list(struct store *store, const char *const *scopes, const char *query,
    int (*visit)(void *context, const struct store_memory *memory, struct error *error),
    void *context, struct error *error);

#endif
