/*
 * A query as a person types it, taken apart for the indexes (store_search.h
 * says what a query may hold).
 *
 * A term is looked for in one of three ways: in the index of words; in the
 * index of three characters, when it is in a script without blanks; or by
 * reading, when neither index can know it: two ideographs, "->".
 */
#ifndef DATA_STORE_QUERY_H
#define DATA_STORE_QUERY_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct store_query_parts {
    struct buffer words;    /* expression for the index of words; empty: no such term */
    struct buffer trigrams; /* for the index of three characters */
    struct buffer read;     /* terms to be found by reading: a JSON array; "[]": none */
    struct buffer all;      /* every term that way, for when the indexes cannot be used */
    bool unspaced;          /* only terms in scripts without blanks are to be found by reading */
};

void store_query_init(struct store_query_parts *parts);
void store_query_release(struct store_query_parts *parts);

/* 0, or -1 with a sentence when the query is too long, has too many terms, or is no text. */
int store_query_parse(struct store_query_parts *parts, const char *query, struct error *error);

/* Where one of the terms stands in a text, in any case; 0 when none is found as it was typed. */
size_t store_query_match(const struct store_query_parts *parts, const char *text);

#endif
