/*
 * Private to lib/data/toml*.c: what the structure of a document (toml.c), its
 * tree (toml_tree.c), strings (toml_string.c) and scalars (toml_scalar.c) share.
 */
#ifndef DATA_TOML_PARSER_H
#define DATA_TOML_PARSER_H

#include "base/buffer.h"
#include "data/toml.h"

enum { TOML_END = -1 };

struct toml_chunk;

struct toml_document {
    struct toml_chunk *chunks;
    struct toml_value root;
};

struct toml_parser {
    const char *name;
    const char *start, *end, *at;
    const char *line_start;
    int line;
    const char *counted; /* in this line; characters before it: counted_column - 1 */
    int counted_column;
    struct toml_document *document;
    struct buffer scratch; /* a string while it is read */
    struct error *error;
};

struct toml_text {
    const char *text;
    size_t length;
    int line, column;
};

/* Memory that lives as long as the document. NULL with the error set. */
void *toml_allocate(struct toml_parser *parser, size_t size);

/* Bytes copied there, with a NUL behind them. */
const char *toml_copy(struct toml_parser *parser, const char *bytes, size_t length);

/* Refuse, pointing at a place in the text. Always -1. */
int toml_refuse(struct toml_parser *parser, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The column of a place in the present line, not before the last one asked for. */
int toml_column(struct toml_parser *parser, const char *where);

/* A value of that kind, without contents. NULL with the error set. */
struct toml_value *toml_new_value(
    struct toml_parser *parser, enum toml_type type, enum toml_state state, int line, int column);

/* A table's member of that name; NULL: none. */
struct toml_member *toml_find(const struct toml_value *table, const char *key, size_t length);

/* Add to a table or an array; where is pointed at when there are too many. 0 or -1; NULL. */
int toml_add_member(struct toml_parser *parser, struct toml_value *table,
    const struct toml_text *key, const char *where, struct toml_value *value);
int toml_add_item(struct toml_parser *parser, struct toml_value *array, struct toml_value *item);
struct toml_value *toml_add_new(struct toml_parser *parser, struct toml_value *table,
    const struct toml_text *key, const char *where, enum toml_type type, enum toml_state state);

/* The byte count further on, or TOML_END. */
static inline int toml_peek(const struct toml_parser *parser, size_t ahead)
{
    return (size_t)(parser->end - parser->at) > ahead ? (unsigned char)parser->at[ahead] : TOML_END;
}

/* Pass "\n" or "\r\n" when one is here. */
bool toml_newline(struct toml_parser *parser);

/* A string that begins here, of any of the four kinds or only of the two one-line kinds. 0 or -1.
 */
int toml_string(struct toml_parser *parser, bool multiline, struct toml_text *string);

/* A number, boolean or time. 0 or -1. */
int toml_scalar(struct toml_parser *parser, struct toml_value *value);

#endif
