#include "data/store_query.h"

#include "base/utf8.h"
#include "data/json.h"
#include "data/store_search.h"

#include <string.h>
#include <strings.h>
#include <wctype.h>

static const char blanks[] = " \t\r\n";

struct term {
    const char *text;
    size_t length;
    bool prefix; /* stands for all that begin so */
};

void store_query_init(struct store_query_parts *parts)
{
    *parts = (struct store_query_parts){0};
    buffer_init(&parts->words, (size_t)STORE_QUERY_LIMIT * 4);
    buffer_init(&parts->trigrams, (size_t)STORE_QUERY_LIMIT * 4);
    buffer_init(&parts->read, (size_t)STORE_QUERY_LIMIT * 8);
    buffer_init(&parts->all, (size_t)STORE_QUERY_LIMIT * 8);
}

void store_query_release(struct store_query_parts *parts)
{
    buffer_release(&parts->words);
    buffer_release(&parts->trigrams);
    buffer_release(&parts->read);
    buffer_release(&parts->all);
}

/* The scripts of conversations_unspaced, store_schema.c. */
static bool is_unspaced(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } scripts[] = {{0x0e00, 0x0eff}, {0x1000, 0x109f}, {0x1780, 0x17ff}, {0x3040, 0x9fff},
        {0xac00, 0xd7af}, {0xf900, 0xfaff}, {0x20000, 0x3ffff}};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        if (character >= scripts[i].first && character <= scripts[i].last)
            return true;
    }
    return false;
}

struct kind {
    size_t characters;
    bool unspaced; /* has a character of such a script */
    bool word;     /* has a letter or digit */
};

static struct kind kind_of(const struct term *term)
{
    struct kind kind = {0};
    for (size_t at = 0; at < term->length;) {
        uint32_t character = 0;
        int size = utf8_decode(term->text + at, term->length - at, &character);
        if (size <= 0)
            break; /* cannot be: the query is UTF-8 */
        kind.characters++;
        kind.unspaced = kind.unspaced || is_unspaced(character);
        kind.word = kind.word || iswalnum((wint_t)character);
        at += (size_t)size;
    }
    return kind;
}

/* The term as a string of an index's own language, in which nothing has a meaning. */
static int append_quoted(struct buffer *expression, const struct term *term, bool prefix)
{
    if (expression->length > 0 && buffer_append_byte(expression, ' ') < 0)
        return -1;
    if (buffer_append_byte(expression, '"') < 0)
        return -1;
    for (size_t i = 0; i < term->length; i++) {
        if ((term->text[i] == '"' && buffer_append_byte(expression, '"') < 0) ||
            buffer_append_byte(expression, term->text[i]) < 0)
            return -1;
    }
    return buffer_append_text(expression, prefix ? "\"*" : "\"");
}

/* In lower case as far as SQLite's lower() goes, which is what it is compared with. */
static int append_lower(struct buffer *array, const struct term *term)
{
    char lower[STORE_QUERY_LIMIT + 1];
    for (size_t i = 0; i < term->length; i++) {
        char byte = term->text[i];
        lower[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
    }
    if (buffer_append_text(array, array->length > 1 ? "," : "") < 0)
        return -1;
    return json_append_string(array, lower, term->length);
}

static int add(struct store_query_parts *parts, const struct term *term)
{
    struct kind kind = kind_of(term);
    if (append_lower(&parts->all, term) < 0)
        return -1;
    if (kind.unspaced && kind.characters >= 3)
        return append_quoted(&parts->trigrams, term, false);
    if (kind.word && !kind.unspaced)
        return append_quoted(&parts->words, term, term->prefix);
    if (!kind.unspaced)
        parts->unspaced = false;
    return append_lower(&parts->read, term);
}

/* The next term, and where what follows it begins. False: there is none. */
static bool next_term(const char **query, struct term *term)
{
    do {
        *query += strspn(*query, blanks);
        if (**query == '\0')
            return false;
        bool quoted = **query == '"';
        *query += quoted;
        term->text = *query;
        term->length = quoted ? strcspn(*query, "\"") : strcspn(*query, blanks);
        *query += term->length;
        *query += quoted && **query == '"';
        term->prefix = !quoted && term->length > 1 && term->text[term->length - 1] == '*';
        term->length -= term->prefix;
    } while (term->length == 0);
    return true;
}

int store_query_parse(struct store_query_parts *parts, const char *query, struct error *error)
{
    struct term term;
    size_t length = strlen(query);
    int count = 0;
    if (length > STORE_QUERY_LIMIT)
        return error_set(error, "the query is longer than %d bytes", STORE_QUERY_LIMIT);
    if (!utf8_valid(query, length))
        return error_set(error, "the query is no UTF-8 text");
    parts->unspaced = true;
    int result = buffer_append_byte(&parts->read, '[') | buffer_append_byte(&parts->all, '[');
    while (result == 0 && next_term(&query, &term)) {
        if (++count > STORE_SEARCH_TERMS)
            return error_set(error, "the query has more than %d terms", STORE_SEARCH_TERMS);
        result = add(parts, &term);
    }
    if (result < 0 || buffer_append_byte(&parts->read, ']') < 0 ||
        buffer_append_byte(&parts->all, ']') < 0)
        return error_system(error, "take the query apart");
    return 0;
}

size_t store_query_match(const struct store_query_parts *parts, const char *text)
{
    cJSON *terms = json_parse(parts->all.data, parts->all.length, NULL);
    const cJSON *term = NULL;
    const char *nearest = NULL;
    cJSON_ArrayForEach(term, terms)
    {
        const char *found = cJSON_IsString(term) ? strcasestr(text, term->valuestring) : NULL;
        if (found != NULL && (nearest == NULL || found < nearest))
            nearest = found;
    }
    json_free(terms);
    return nearest != NULL ? (size_t)(nearest - text) : 0;
}
