/*
 * What `recall` finds: memories, and messages of other conversations, as text.
 *
 * The text is read by a model too, and what is stored may have been written by
 * anybody: it is said to be data, and nothing of it begins at the left margin,
 * so that it cannot pass for anything else.
 */
#ifndef CMD_COMMON_RECALL_H
#define CMD_COMMON_RECALL_H

#include "base/buffer.h"
#include "data/store.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RECALL_DEFAULT = 20, /* entries of each kind */
    RECALL_MOST = 50,
    RECALL_EXCERPT = 500, /* characters of a message */
};

struct recall {
    const char *query;   /* NULL or blank: all memories, no messages */
    const char *project; /* absolute */
    const char *session; /* the conversation that asks, which knows itself; NULL: none */
    bool user;           /* scope of the user: nobody's project in particular, messages of all */
    int64_t limit;       /* kept within 1 to RECALL_MOST */
};

/* Append the text, also when there is nothing. 0, or -1 with a sentence. */
int recall_append(
    struct buffer *text, struct store *store, const struct recall *recall, struct error *error);

/* The project we are in: TS_PROJECT, else the working directory. path has PATH_MAX bytes. 0, or -1
 * with a sentence. */
int recall_project(char *path, struct error *error);

#endif
