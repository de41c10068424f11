/* The tree of a document: its memory, adding to tables and arrays, looking things up. */
#include "base/utf8.h"
#include "data/toml_parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 8 << 10, FIRST_CAPACITY = 8 };

/* Memory comes from a list of chunks and goes back all at once. */
struct toml_chunk {
    struct toml_chunk *next;
    size_t used, size;
    max_align_t bytes[];
};

void *toml_allocate(struct toml_parser *parser, size_t size)
{
    struct toml_document *document = parser->document;
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct toml_chunk *chunk = document->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        chunk = malloc(sizeof *chunk + room);
        if (chunk == NULL) {
            error_system(parser->error, "read '%s'", parser->name);
            return NULL;
        }
        chunk->used = 0;
        chunk->size = room;
        chunk->next = document->chunks;
        document->chunks = chunk;
    }
    void *memory = (char *)chunk->bytes + chunk->used;
    chunk->used += size;
    return memory;
}

const char *toml_copy(struct toml_parser *parser, const char *bytes, size_t length)
{
    char *copy = toml_allocate(parser, length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

int toml_column(struct toml_parser *parser, const char *where)
{
    if (parser->counted < parser->line_start) {
        parser->counted = parser->line_start;
        parser->counted_column = 1;
    }
    parser->counted_column += (int)utf8_count(parser->counted, (size_t)(where - parser->counted));
    parser->counted = where;
    return parser->counted_column;
}

int toml_refuse(struct toml_parser *parser, const char *where, const char *format, ...)
{
    char reason[ERROR_TEXT_SIZE / 2];
    va_list values;
    va_start(values, format);
    vsnprintf(reason, sizeof reason, format, values);
    va_end(values);
    int line = 1;
    const char *line_start = parser->start;
    for (const char *at = parser->start; at < where; at++) {
        if (*at == '\n') {
            line++;
            line_start = at + 1;
        }
    }
    size_t column = utf8_count(line_start, (size_t)(where - line_start)) + 1;
    return error_set(parser->error, "%s:%d:%zu: %s", parser->name, line, column, reason);
}

struct toml_value *toml_new_value(
    struct toml_parser *parser, enum toml_type type, enum toml_state state, int line, int column)
{
    struct toml_value *value = toml_allocate(parser, sizeof *value);
    if (value != NULL) {
        *value = (struct toml_value){.type = type, .state = state, .line = line, .column = column};
    }
    return value;
}

/* Make room for one more of size bytes behind the count there are. */
static void *grown(struct toml_parser *parser, struct toml_value *value, void *old, size_t size)
{
    if (value->count < value->capacity)
        return old;
    size_t capacity = value->capacity == 0 ? FIRST_CAPACITY : value->capacity * 2;
    void *memory = toml_allocate(parser, capacity * size);
    if (memory == NULL)
        return NULL;
    if (value->count > 0)
        memcpy(memory, old, value->count * size);
    value->capacity = capacity;
    return memory;
}

struct toml_member *toml_find(const struct toml_value *table, const char *key, size_t length)
{
    for (size_t i = 0; i < table->count; i++) {
        struct toml_member *member = &table->members[i];
        if (member->key_length == length && memcmp(member->key, key, length) == 0)
            return member;
    }
    return NULL;
}

int toml_add_member(struct toml_parser *parser, struct toml_value *table,
    const struct toml_text *key, const char *where, struct toml_value *value)
{
    if (table->count == TOML_MEMBER_LIMIT)
        return toml_refuse(parser, where, "more than %d keys in one table", TOML_MEMBER_LIMIT);
    void *members = grown(parser, table, table->members, sizeof *table->members);
    if (members == NULL)
        return -1;
    table->members = members;
    table->members[table->count++] = (struct toml_member){
        .key = key->text,
        .key_length = key->length,
        .line = key->line,
        .column = key->column,
        .value = value,
    };
    return 0;
}

int toml_add_item(struct toml_parser *parser, struct toml_value *array, struct toml_value *item)
{
    void *items = grown(parser, array, array->items, sizeof(struct toml_value *));
    if (items == NULL)
        return -1;
    array->items = items;
    array->items[array->count++] = item;
    return 0;
}

struct toml_value *toml_add_new(struct toml_parser *parser, struct toml_value *table,
    const struct toml_text *key, const char *where, enum toml_type type, enum toml_state state)
{
    struct toml_value *value = toml_new_value(parser, type, state, key->line, key->column);
    if (value == NULL || toml_add_member(parser, table, key, where, value) < 0)
        return NULL;
    return value;
}

void toml_free(struct toml_document *document)
{
    if (document == NULL)
        return;
    for (struct toml_chunk *chunk = document->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(document);
}

const struct toml_value *toml_root(const struct toml_document *document)
{
    return &document->root;
}

const struct toml_member *toml_member(const struct toml_value *table, const char *key)
{
    return table != NULL && table->type == TOML_TABLE ? toml_find(table, key, strlen(key)) : NULL;
}

const struct toml_value *toml_get(const struct toml_value *table, const char *key)
{
    const struct toml_member *member = toml_member(table, key);
    return member != NULL ? member->value : NULL;
}

const char *toml_type_name(enum toml_type type)
{
    static const char *const names[] = {
        [TOML_STRING] = "a string",
        [TOML_INTEGER] = "an integer",
        [TOML_FLOAT] = "a number",
        [TOML_BOOLEAN] = "a boolean",
        [TOML_OFFSET_DATETIME] = "a time",
        [TOML_LOCAL_DATETIME] = "a time",
        [TOML_LOCAL_DATE] = "a date",
        [TOML_LOCAL_TIME] = "a time",
        [TOML_ARRAY] = "an array",
        [TOML_TABLE] = "a table",
    };
    return names[type];
}
