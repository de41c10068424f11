/*
 * Where tools may work: the project, the further roots, and what is off limits.
 *
 * Every path argument is resolved (links followed) before anything is decided,
 * and the resolved path is what the tool gets, so that what was judged is what
 * is opened.
 */
#ifndef AGENT_SCOPE_H
#define AGENT_SCOPE_H

#include "base/buffer.h"
#include "base/error.h"
#include "data/config.h"

#include <limits.h>
#include <stdbool.h>

enum scope_verdict {
    SCOPE_INSIDE,
    SCOPE_SECRET,  /* inside, but a file that usually holds keys: asked */
    SCOPE_OUTSIDE, /* asked */
    SCOPE_DENIED,  /* never */
};

struct scope {
    char project[PATH_MAX]; /* resolved */
    char spill[PATH_MAX];   /* where long output is kept: may be read without asking */
    char **roots;           /* resolved; ends with NULL */
    char **denied;          /* resolved; ends with NULL; our own directories come last */
    size_t denied_named; /* of these, by the configuration or by default; the store's files too */
    bool store_exposed;  /* the store lies where a tool may write */
};

/* directory NULL: the present one. 0, or -1 with a sentence. */
int scope_init(
    struct scope *scope, const char *directory, const struct config *config, struct error *error);
void scope_release(struct scope *scope);

/*
 * Resolve a path argument into resolved (PATH_MAX bytes) and append to shown what a person
 * reads: relative to the project when inside it, and where its links lead. 0, or -1.
 */
int scope_judge(const struct scope *scope, const char *given, bool read_only,
    enum scope_verdict *verdict, char *resolved, struct buffer *shown, struct error *error);

#endif
