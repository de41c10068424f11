/* Memories: kept under a normalised key, found in either form. */
#include "data/store_memory.h"

#include "base/buffer.h"
#include "base/utf8.h"
#include "data/store_internal.h"

#include <stdlib.h>
#include <string.h>
#include <wctype.h>

enum {
    FOLDED_LIMIT = (STORE_MEMORY_KEY_LIMIT + STORE_MEMORY_VALUE_LIMIT) * 2, /* bytes */
    QUERY_LIMIT = 4096,                                                     /* bytes */
};

/* The form in which keys are kept and everything is compared. 0, or -1 (errno). */
static int append_folded(struct buffer *folded, const char *text, size_t length)
{
    while (length > 0) {
        char bytes[UTF8_MAXIMUM];
        uint32_t character = 0;
        int size = utf8_decode(text, length, &character);
        if (size <= 0) {
            size = 1;
            character = '?';
        }
        if (character == '-' || character == ' ')
            character = '_';
        if (buffer_append(folded, bytes, utf8_encode((uint32_t)towlower(character), bytes)) < 0)
            return -1;
        text += size;
        length -= (size_t)size;
    }
    return 0;
}

static bool has_controls(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return true;
    }
    return false;
}

int store_memory_normalise(const char *key, char *normalised, struct error *error)
{
    static const char blanks[] = " \t\r\n";
    struct buffer folded;
    key += strspn(key, blanks);
    size_t length = strlen(key);
    while (length > 0 && strchr(blanks, key[length - 1]) != NULL)
        length--;
    if (length == 0)
        return error_set(error, "the key of a memory is empty");
    if (!utf8_valid(key, length) || has_controls(key, length))
        return error_set(error, "the key of a memory must be one line of text");
    buffer_init(&folded, STORE_MEMORY_KEY_LIMIT);
    int result = append_folded(&folded, key, length);
    if (result == 0)
        memcpy(normalised, folded.data, folded.length + 1);
    buffer_release(&folded);
    return result == 0 ? 0
                       : error_set(error, "the key of a memory is longer than %d bytes",
                             STORE_MEMORY_KEY_LIMIT);
}

static int check_value(const char *value, struct error *error)
{
    size_t length = strlen(value);
    if (length == 0)
        return error_set(error, "the value of a memory is empty");
    if (length > STORE_MEMORY_VALUE_LIMIT)
        return error_set(error, "the value of a memory has %zu bytes; %d are the most", length,
            STORE_MEMORY_VALUE_LIMIT);
    return utf8_valid(value, length) ? 0
                                     : error_set(error, "the value of a memory must be UTF-8 text");
}

/* 1 and its value, 0, -1. */
static int get(
    struct store *store, const char *scope, const char *key, char **value, struct error *error)
{
    const char *copy = NULL;
    sqlite3_stmt *query = store_query(store, error, "look for a memory",
        "SELECT value FROM memories WHERE scope = ?1 AND key = ?2",
        STORE_VALUES(store_text(scope), store_text(key)));
    int row = query != NULL ? store_row(store, query, error) : -1;
    *value = NULL;
    if (row <= 0)
        return row;
    int result = store_column_copy(query, 0, &copy);
    store_done(query);
    *value = (char *)copy;
    return result < 0 ? error_set(error, "look for a memory: out of memory") : 1;
}

static int check_room(struct store *store, const char *scope, struct error *error)
{
    int64_t count = 0;
    if (store_get_number(store, error, "count the memories",
            "SELECT count(*) FROM memories WHERE scope = ?1", STORE_VALUES(store_text(scope)),
            &count) < 0)
        return -1;
    return count < STORE_MEMORY_MOST
               ? 0
               : error_set(
                     error, "there are %d memories already: forget some first", STORE_MEMORY_MOST);
}

static int set(struct store *store, const char *scope, const char *key, const char *value,
    char **before, struct error *error)
{
    int found = get(store, scope, key, before, error);
    if (found < 0 || (found == 0 && check_room(store, scope, error) < 0))
        return -1;
    int changed = store_change(store, error, "store a memory",
        "INSERT INTO memories(scope, key, value) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (scope, key) DO UPDATE"
        " SET value = excluded.value, updated = excluded.updated",
        STORE_VALUES(store_text(scope), store_text(key), store_text(value)));
    return changed < 0 ? -1 : found;
}

/* The old value is the caller's if it was asked for and the change is stored. */
static int finish(struct store *store, int result, char *before, char **old, struct error *error)
{
    if (result < 0)
        store_rollback(store);
    else if (store_commit(store, error) < 0)
        result = -1;
    else if (result > 0)
        store_empty_log(store); /* the old value is gone from the file too */
    if (old != NULL && result > 0)
        *old = before;
    else
        free(before);
    return result;
}

int store_memory_set(struct store *store, const char *scope, const char *key, const char *value,
    char **old, struct error *error)
{
    char normalised[STORE_MEMORY_KEY_LIMIT + 1];
    char *before = NULL;
    if (old != NULL)
        *old = NULL;
    if (store_memory_normalise(key, normalised, error) < 0 || check_value(value, error) < 0 ||
        store_begin(store, error) < 0)
        return -1;
    int result = set(store, scope, normalised, value, &before, error);
    return finish(store, result, before, old, error);
}

int store_memory_forget(
    struct store *store, const char *scope, const char *key, char **old, struct error *error)
{
    char normalised[STORE_MEMORY_KEY_LIMIT + 1];
    char *before = NULL;
    if (old != NULL)
        *old = NULL;
    if (store_memory_normalise(key, normalised, error) < 0 || store_begin(store, error) < 0)
        return -1;
    int result = get(store, scope, normalised, &before, error);
    if (result > 0)
        result = store_change(store, error, "forget a memory",
            "DELETE FROM memories WHERE scope = ?1 AND key = ?2",
            STORE_VALUES(store_text(scope), store_text(normalised)));
    return finish(store, result, before, old, error);
}

/* Whether every term occurs; both are folded, so that either form of a key is found. 1, 0, -1. */
static int matches(
    const char *terms, const struct store_memory *memory, struct buffer *folded, size_t length)
{
    buffer_clear(folded);
    if (append_folded(folded, memory->key, strlen(memory->key)) < 0 ||
        buffer_append_byte(folded, '\n') < 0 ||
        append_folded(folded, memory->value, strlen(memory->value)) < 0)
        return -1;
    for (const char *end = terms + length; terms < end; terms += strlen(terms) + 1) {
        if (strstr(folded->data, terms) == NULL)
            return 0;
    }
    return 1;
}

/* The terms of a query, folded, each with a NUL behind it. */
static int split_terms(const char *query, struct buffer *terms, struct error *error)
{
    static const char blanks[] = " \t\r\n";
    for (query += strspn(query, blanks); *query != '\0'; query += strspn(query, blanks)) {
        size_t length = strcspn(query, blanks);
        if (append_folded(terms, query, length) < 0 || buffer_append_byte(terms, '\0') < 0)
            return error_set(error, "the query is too long");
        query += length;
    }
    return 0;
}

struct walk {
    int (*visit)(void *context, const struct store_memory *memory, struct error *error);
    void *context;
    struct buffer terms;
    struct buffer folded;
};

static int walk(struct store *store, const char *first, const char *second, struct walk *walk,
    struct error *error)
{
    sqlite3_stmt *query = store_query(store, error, "read the memories",
        "SELECT scope, key, value, created, updated FROM memories"
        " WHERE scope = ?1 OR scope = ?2 ORDER BY scope, key",
        STORE_VALUES(store_text(first), store_text(second)));
    int result = query != NULL ? 0 : -1;
    int row = 0;
    while (result == 0 && (row = store_row(store, query, error)) > 0) {
        const struct store_memory memory = {
            .scope = store_column_text(query, 0),
            .key = store_column_text(query, 1),
            .value = store_column_text(query, 2),
            .created = store_column_text(query, 3),
            .updated = store_column_text(query, 4),
        };
        int match = matches(walk->terms.data, &memory, &walk->folded, walk->terms.length);
        if (match < 0)
            result = error_system(error, "read the memories");
        else if (match > 0)
            result = walk->visit(walk->context, &memory, error);
    }
    store_done(query);
    return row < 0 ? -1 : result;
}

int store_memory_list(struct store *store, const char *const *scopes, const char *query,
    int (*visit)(void *context, const struct store_memory *memory, struct error *error),
    void *context, struct error *error)
{
    struct walk all = {.visit = visit, .context = context};
    buffer_init(&all.terms, QUERY_LIMIT);
    buffer_init(&all.folded, FOLDED_LIMIT);
    int result = split_terms(query != NULL ? query : "", &all.terms, error);
    if (result == 0 && scopes[0] != NULL)
        result = walk(store, scopes[0], scopes[1], &all, error);
    buffer_release(&all.terms);
    buffer_release(&all.folded);
    return result;
}
