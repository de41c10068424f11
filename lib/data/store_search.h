/*
 * Full-text search over all that was said, called and answered.
 *
 * A query is words, all of which must occur, in any order and case, without
 * regard to accents; "several words" in quotes occur side by side; a word that
 * ends in '*' stands for all that begin so. Nothing else in it has a meaning.
 * Of a call's arguments the values are searched, not the JSON around them.
 * Scripts without blanks between words (Chinese, Japanese, Thai, ...) are found
 * by any part.
 */
#ifndef DATA_STORE_SEARCH_H
#define DATA_STORE_SEARCH_H

#include "data/store.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    STORE_SEARCH_MOST = 100,     /* hits of one search */
    STORE_SEARCH_TERMS = 32,     /* terms of a query; further ones are an error */
    STORE_QUERY_LIMIT = 4 << 10, /* bytes of a query */
};

struct store_search {
    const char *query;     /* blank: the newest messages, whatever they say */
    int64_t limit;         /* kept within 1 to STORE_SEARCH_MOST */
    bool newest_first;     /* else the best first, the newer where they are as good */
    const char *session;   /* only of this one; NULL: of all */
    const char *except;    /* not of this one; NULL: of all */
    const char *directory; /* only of sessions in this project; NULL: of all */
};

struct store_hit {
    int64_t id;
    const char *session_id;
    const char *alias; /* NULL: none */
    const char *timestamp;
    const char *role;
    const char *tool_name; /* NULL: none */
    const char *text;      /* what was said, and what was called with which values */
    size_t length;
    size_t match; /* offset in text near which a term stands; 0 when it is not known */
};

int store_search(struct store *store, const struct store_search *search,
    int (*visit)(void *context, const struct store_hit *hit, struct error *error), void *context,
    struct error *error);

/* The part of a text that is worth showing: around offset, at most characters long, whole
 * characters, one line; "..." where something is left out. The caller frees it. NULL: no memory. */
char *store_excerpt(const char *text, size_t length, size_t offset, size_t characters);

#endif
