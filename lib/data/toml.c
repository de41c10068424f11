/*
 * The structure of a document: expressions, keys, headers, arrays, inline
 * tables. Which table may be extended by what is the hard part of TOML: every
 * table and array carries how it came to be (enum toml_state), and the two
 * walks below (of a header, of a dotted key) allow different ones.
 */
#include "data/toml.h"

#include "base/utf8.h"
#include "data/toml_parser.h"

#include <stdlib.h>
#include <string.h>

struct key_path {
    struct toml_text parts[TOML_DEPTH_LIMIT];
    size_t count;
};

static int parse_value(struct toml_parser *parser, struct toml_value **result, int depth);

static int refuse_here(struct toml_parser *parser, const char *wanted)
{
    int byte = toml_peek(parser, 0);
    if (byte == TOML_END)
        return toml_refuse(parser, parser->at, "the file ends where %s should be", wanted);
    if (byte == '\n' || byte == '\r')
        return toml_refuse(parser, parser->at, "the line ends where %s should be", wanted);
    if (byte < ' ' || byte == 0x7F)
        return toml_refuse(parser, parser->at, "control character 0x%02X", (unsigned)byte);
    uint32_t character;
    int size = utf8_decode(parser->at, (size_t)(parser->end - parser->at), &character);
    return toml_refuse(
        parser, parser->at, "'%.*s' where %s should be", size > 0 ? size : 1, parser->at, wanted);
}

/* White space. */

static void skip_blanks(struct toml_parser *parser)
{
    while (toml_peek(parser, 0) == ' ' || toml_peek(parser, 0) == '\t')
        parser->at++;
}

bool toml_newline(struct toml_parser *parser)
{
    size_t length = toml_peek(parser, 0) == '\r' ? 2 : 1;
    if (toml_peek(parser, length - 1) != '\n')
        return false;
    parser->at += length;
    parser->line++;
    parser->line_start = parser->at;
    return true;
}

static int skip_comment(struct toml_parser *parser)
{
    if (toml_peek(parser, 0) != '#')
        return 0;
    for (;; parser->at++) {
        int byte = toml_peek(parser, 0);
        if (byte == TOML_END || byte == '\n' || (byte == '\r' && toml_peek(parser, 1) == '\n'))
            return 0;
        if ((byte < ' ' && byte != '\t') || byte == 0x7F)
            return toml_refuse(
                parser, parser->at, "control character 0x%02X in a comment", (unsigned)byte);
    }
}

/* Blanks, comments and newlines, as they may stand inside an array. */
static int skip_lines(struct toml_parser *parser)
{
    do {
        skip_blanks(parser);
        if (skip_comment(parser) < 0)
            return -1;
    } while (toml_newline(parser));
    return 0;
}

static int end_of_line(struct toml_parser *parser)
{
    skip_blanks(parser);
    if (skip_comment(parser) < 0)
        return -1;
    if (toml_peek(parser, 0) == TOML_END || toml_newline(parser))
        return 0;
    return refuse_here(parser, "the end of the line");
}

/* Keys. */

static bool is_bare(int byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

static int parse_key(struct toml_parser *parser, struct toml_text *key)
{
    key->line = parser->line;
    key->column = toml_column(parser, parser->at);
    int byte = toml_peek(parser, 0);
    if (byte == '"' || byte == '\'')
        return toml_string(parser, false, key);
    const char *begin = parser->at;
    while (is_bare(toml_peek(parser, 0)))
        parser->at++;
    key->length = (size_t)(parser->at - begin);
    if (key->length == 0)
        return refuse_here(parser, "a key");
    key->text = toml_copy(parser, begin, key->length);
    return key->text != NULL ? 0 : -1;
}

static int parse_path(struct toml_parser *parser, struct key_path *path, int depth)
{
    path->count = 0;
    for (;;) {
        skip_blanks(parser);
        if ((int)path->count + depth >= TOML_DEPTH_LIMIT)
            return toml_refuse(
                parser, parser->at, "more than %d tables inside each other", TOML_DEPTH_LIMIT);
        if (parse_key(parser, &path->parts[path->count++]) < 0)
            return -1;
        skip_blanks(parser);
        if (toml_peek(parser, 0) != '.')
            return 0;
        parser->at++;
    }
}

static int refuse_again(
    struct toml_parser *parser, const char *where, const struct toml_text *key, int line)
{
    return toml_refuse(parser, where, "'%.*s' is already defined in line %d",
        (int)(key->length < 80 ? key->length : 80), key->text, line);
}

/* The table that a dotted key's part but the last leads to: new, or made by dotted keys too. */
static struct toml_value *step_dotted(struct toml_parser *parser, struct toml_value *table,
    const struct toml_text *part, const char *where)
{
    const struct toml_member *member = toml_find(table, part->text, part->length);
    if (member == NULL)
        return toml_add_new(parser, table, part, where, TOML_TABLE, TOML_DOTTED);
    if (member->value->type == TOML_TABLE && member->value->state == TOML_DOTTED)
        return member->value;
    refuse_again(parser, where, part, member->line);
    return NULL;
}

static int parse_pair(struct toml_parser *parser, struct toml_value *table, int depth)
{
    struct key_path path;
    const char *where = parser->at;
    if (parse_path(parser, &path, depth) < 0)
        return -1;
    for (size_t i = 0; i + 1 < path.count; i++) {
        table = step_dotted(parser, table, &path.parts[i], where);
        if (table == NULL)
            return -1;
    }
    const struct toml_text *last = &path.parts[path.count - 1];
    const struct toml_member *member = toml_find(table, last->text, last->length);
    if (member != NULL)
        return refuse_again(parser, where, last, member->line);
    if (toml_peek(parser, 0) != '=')
        return refuse_here(parser, "'='");
    parser->at++;
    skip_blanks(parser);
    struct toml_value *value;
    if (parse_value(parser, &value, depth + (int)path.count) < 0)
        return -1;
    return toml_add_member(parser, table, last, where, value);
}

/* Headers. */

/* The table that a header's part but the last leads to; in an array of tables, the newest one. */
static struct toml_value *step_header(struct toml_parser *parser, struct toml_value *table,
    const struct toml_text *part, const char *where)
{
    const struct toml_member *member = toml_find(table, part->text, part->length);
    if (member == NULL)
        return toml_add_new(parser, table, part, where, TOML_TABLE, TOML_IMPLIED);
    struct toml_value *value = member->value;
    if (value->type == TOML_ARRAY && value->state == TOML_APPENDED)
        return value->items[value->count - 1];
    if (value->type == TOML_TABLE && value->state != TOML_CLOSED)
        return value;
    refuse_again(parser, where, part, member->line);
    return NULL;
}

static struct toml_value *open_table(struct toml_parser *parser, struct toml_value *table,
    const struct toml_text *key, const char *where)
{
    const struct toml_member *member = toml_find(table, key->text, key->length);
    if (member == NULL)
        return toml_add_new(parser, table, key, where, TOML_TABLE, TOML_HEADED);
    struct toml_value *value = member->value;
    if (value->type == TOML_TABLE && value->state == TOML_IMPLIED) {
        value->state = TOML_HEADED;
        return value;
    }
    refuse_again(parser, where, key, member->line);
    return NULL;
}

static struct toml_value *append_table(struct toml_parser *parser, struct toml_value *table,
    const struct toml_text *key, const char *where)
{
    const struct toml_member *member = toml_find(table, key->text, key->length);
    struct toml_value *array =
        member != NULL ? member->value
                       : toml_add_new(parser, table, key, where, TOML_ARRAY, TOML_APPENDED);
    if (array == NULL)
        return NULL;
    if (array->type != TOML_ARRAY || array->state != TOML_APPENDED) {
        refuse_again(parser, where, key, member->line);
        return NULL;
    }
    struct toml_value *item =
        toml_new_value(parser, TOML_TABLE, TOML_HEADED, key->line, key->column);
    return item != NULL && toml_add_item(parser, array, item) == 0 ? item : NULL;
}

/* "[a.b]" or "[[a.b]]": the table that the following pairs go into. */
static int parse_header(struct toml_parser *parser, struct toml_value **current, int *depth)
{
    const char *where = parser->at++;
    bool array = toml_peek(parser, 0) == '[';
    if (array)
        parser->at++;
    struct key_path path;
    if (parse_path(parser, &path, 0) < 0)
        return -1;
    for (int i = 0; i < (array ? 2 : 1); i++) {
        if (toml_peek(parser, 0) != ']')
            return refuse_here(parser, array ? "']]'" : "']'");
        parser->at++;
    }
    struct toml_value *table = &parser->document->root;
    for (size_t i = 0; i + 1 < path.count && table != NULL; i++)
        table = step_header(parser, table, &path.parts[i], where);
    if (table == NULL)
        return -1;
    const struct toml_text *last = &path.parts[path.count - 1];
    *current =
        array ? append_table(parser, table, last, where) : open_table(parser, table, last, where);
    *depth = (int)path.count;
    return *current != NULL ? 0 : -1;
}

/* Values. */

static int parse_array(struct toml_parser *parser, struct toml_value *array, int depth)
{
    parser->at++;
    array->type = TOML_ARRAY;
    for (;;) {
        if (skip_lines(parser) < 0)
            return -1;
        if (toml_peek(parser, 0) == ']')
            break;
        struct toml_value *item;
        if (parse_value(parser, &item, depth + 1) < 0 || toml_add_item(parser, array, item) < 0 ||
            skip_lines(parser) < 0)
            return -1;
        if (toml_peek(parser, 0) == ']')
            break;
        if (toml_peek(parser, 0) != ',')
            return refuse_here(parser, "',' or ']'");
        parser->at++;
    }
    parser->at++;
    return 0;
}

/* What dotted keys made inside an inline table is complete with it. */
static void close_tables(struct toml_value *table)
{
    table->state = TOML_CLOSED;
    for (size_t i = 0; i < table->count; i++) {
        struct toml_value *value = table->members[i].value;
        if (value->type == TOML_TABLE && value->state == TOML_DOTTED)
            close_tables(value);
    }
}

static int parse_inline_table(struct toml_parser *parser, struct toml_value *table, int depth)
{
    parser->at++;
    table->type = TOML_TABLE;
    skip_blanks(parser);
    bool empty = toml_peek(parser, 0) == '}';
    while (!empty) {
        skip_blanks(parser);
        if (parse_pair(parser, table, depth) < 0)
            return -1;
        skip_blanks(parser);
        if (toml_peek(parser, 0) == '}')
            break;
        if (toml_peek(parser, 0) != ',')
            return refuse_here(parser, "',' or '}'");
        parser->at++;
    }
    parser->at++;
    close_tables(table);
    return 0;
}

static int parse_value(struct toml_parser *parser, struct toml_value **result, int depth)
{
    if (depth > TOML_DEPTH_LIMIT)
        return toml_refuse(
            parser, parser->at, "more than %d values inside each other", TOML_DEPTH_LIMIT);
    struct toml_value *value = toml_new_value(
        parser, TOML_STRING, TOML_CLOSED, parser->line, toml_column(parser, parser->at));
    if (value == NULL)
        return -1;
    *result = value;
    struct toml_text string;
    switch (toml_peek(parser, 0)) {
    case '[':
        return parse_array(parser, value, depth);
    case '{':
        return parse_inline_table(parser, value, depth);
    case '"':
    case '\'':
        if (toml_string(parser, true, &string) < 0)
            return -1;
        value->text = string.text;
        value->count = string.length;
        return 0;
    case TOML_END:
    case '\n':
    case '\r':
    case '#':
        return refuse_here(parser, "a value");
    default:
        return toml_scalar(parser, value);
    }
}

/* The document. */

static int parse_document(struct toml_parser *parser)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    size_t length = (size_t)(parser->end - parser->start);
    size_t valid = utf8_valid_prefix(parser->start, length);
    if (valid < length)
        return toml_refuse(parser, parser->start + valid, "byte 0x%02X is no UTF-8",
            (unsigned)(unsigned char)parser->start[valid]);
    if (length >= 3 && memcmp(parser->at, byte_order_mark, 3) == 0)
        parser->at = parser->line_start = parser->counted = parser->start = parser->start + 3;
    struct toml_value *current = &parser->document->root;
    int depth = 0;
    for (;;) {
        if (skip_lines(parser) < 0)
            return -1;
        int byte = toml_peek(parser, 0);
        if (byte == TOML_END)
            return 0;
        int status = byte == '[' ? parse_header(parser, &current, &depth)
                                 : parse_pair(parser, current, depth);
        if (status < 0 || end_of_line(parser) < 0)
            return -1;
    }
}

struct toml_document *toml_parse(
    const char *text, size_t length, const char *name, struct error *error)
{
    if (length > TOML_SIZE_LIMIT) {
        error_set(error, "%s: larger than %d bytes", name, TOML_SIZE_LIMIT);
        return NULL;
    }
    struct toml_document *document = calloc(1, sizeof *document);
    if (document == NULL) {
        error_system(error, "read '%s'", name);
        return NULL;
    }
    document->root =
        (struct toml_value){.type = TOML_TABLE, .state = TOML_HEADED, .line = 1, .column = 1};
    struct toml_parser parser = {
        .name = name,
        .start = text,
        .at = text,
        .line_start = text,
        .end = text + length,
        .line = 1,
        .counted = text,
        .counted_column = 1,
        .document = document,
        .error = error,
    };
    buffer_init(&parser.scratch, TOML_SIZE_LIMIT);
    int status = parse_document(&parser);
    buffer_release(&parser.scratch);
    if (status == 0)
        return document;
    toml_free(document);
    return NULL;
}
