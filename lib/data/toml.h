/*
 * TOML 1.0, strictly, into a tree that remembers where everything stood.
 *
 * Refused with "FILE:LINE:COLUMN: ..." (columns count characters): whatever
 * https://toml.io/en/v1.0.0 does not allow, and texts beyond the limits below.
 * A byte order mark at the beginning is passed over.
 *
 * A document owns its whole tree; what the look-up functions return lives as
 * long as the document. Texts may hold NUL ("\u0000"): length counts, and a NUL
 * stands behind the last byte.
 */
#ifndef DATA_TOML_H
#define DATA_TOML_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct toml_document;

enum {
    TOML_SIZE_LIMIT = 1 << 20, /* bytes of a text: no configuration comes near */
    TOML_DEPTH_LIMIT = 64,     /* tables and arrays inside each other: readers recurse */
    TOML_MEMBER_LIMIT = 4096,  /* keys of one table: look-up is linear */
    TOML_NUMBER_LIMIT = 1024,  /* bytes of one number */
};

enum toml_type {
    TOML_STRING,
    TOML_INTEGER,
    TOML_FLOAT,
    TOML_BOOLEAN,
    TOML_OFFSET_DATETIME, /* the four kinds of time keep their text, as RFC 3339 writes it */
    TOML_LOCAL_DATETIME,
    TOML_LOCAL_DATE,
    TOML_LOCAL_TIME,
    TOML_ARRAY,
    TOML_TABLE,
};

/* How a table or array came to be decides what may be added to it later. */
enum toml_state {
    TOML_CLOSED,   /* written inline: complete */
    TOML_IMPLIED,  /* only named in the header of a table inside it */
    TOML_HEADED,   /* by its own [header] */
    TOML_DOTTED,   /* by a dotted key */
    TOML_APPENDED, /* an array made by [[headers]] */
};

struct toml_member {
    const char *key;
    size_t key_length;
    int line, column;
    struct toml_value *value;
};

struct toml_value {
    enum toml_type type;
    enum toml_state state; /* the parser's */
    int line, column;      /* from 1; of a table made by a header: where its name stands there */
    size_t count;          /* bytes of text, items or members */
    size_t capacity;       /* the parser's */
    union {
        const char *text; /* strings and times */
        int64_t integer;
        double number;
        bool boolean;
        struct toml_value **items;
        struct toml_member *members; /* in the order of the file */
    };
};

/* name is what errors call the text. NULL with a sentence; the caller frees the document. */
struct toml_document *toml_parse(
    const char *text, size_t length, const char *name, struct error *error);
void toml_free(struct toml_document *document);

const struct toml_value *toml_root(const struct toml_document *document);

/* A member of a table, or its value; NULL when table is NULL, no table, or has no such key. */
const struct toml_member *toml_member(const struct toml_value *table, const char *key);
const struct toml_value *toml_get(const struct toml_value *table, const char *key);

/* "a string", "an integer", ...: for messages. */
const char *toml_type_name(enum toml_type type);

enum toml_json {
    TOML_JSON_PLAIN,  /* as a person would write it; inf and nan cannot be, and fail with EDOM */
    TOML_JSON_TAGGED, /* as the public test suite compares: {"type": "integer", "value": "1"} */
};

/* Append the value as JSON. 0, or -1 (errno). */
int toml_append_json(struct buffer *buffer, const struct toml_value *value, enum toml_json form);

#endif
