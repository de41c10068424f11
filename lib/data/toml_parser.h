/*
 * Private to lib/data/toml*.c: what the structure of a document (toml.c) and
 * its scalars (toml_scalar.c, toml_time.c) share.
 */
#ifndef DATA_TOML_PARSER_H
#define DATA_TOML_PARSER_H

#include "base/buffer.h"
#include "data/toml.h"

enum { TOML_END = -1 };

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
