/* Search: which rows, from the indexes or by reading; then what they say. */
#include "data/store_search.h"

#include "base/buffer.h"
#include "base/utf8.h"
#include "data/store_internal.h"
#include "data/store_query.h"

#include <string.h>

/*
 * The parameters of every search, whichever way hits are found: ?1 the
 * expression (by reading: whether only rows in scripts without blanks count),
 * ?2 session, ?3 other than session, ?4 directory, ?5 newest first, ?6 limit,
 * ?7 a second expression, for the index of three characters, ?8 terms that must
 * be found by reading. The rows are chosen first, by their numbers; then the
 * texts of those few are made.
 */
#define TEXT                                                                                       \
    "coalesce(t.content, '') || iif(t.content <> '' AND t.calls <> '', char(10), '')"              \
    " || coalesce(t.calls, '')"

/* Which sessions count is looked up in the index over them, not in the rows, which are long: a word
 * that is everywhere would have all of them read. */
#define CHOOSE(hits, order)                                                                        \
    "WITH hits(id, score) AS (" hits "),"                                                          \
    " chosen(id, score) AS (SELECT h.id, iif(?5, 0, h.score) FROM hits AS h WHERE"                 \
    "  ((?2 IS NULL AND ?3 IS NULL AND ?4 IS NULL) OR h.id IN (SELECT m.id"                        \
    "   FROM sessions AS s JOIN conversations AS m ON m.session_id = s.session_id"                 \
    "   WHERE (?2 IS NULL OR s.session_id = ?2) AND (?3 IS NULL OR s.session_id <> ?3)"            \
    "   AND (?4 IS NULL OR s.directory = ?4)))"                                                    \
    "  AND (?7 IS NULL OR h.id IN (SELECT rowid FROM conversations_trigram"                        \
    "   WHERE conversations_trigram MATCH ?7))"                                                    \
    "  AND (?8 IS NULL OR EXISTS (SELECT 1 FROM conversations_text AS t WHERE t.id = h.id"         \
    "   AND NOT EXISTS (SELECT 1 FROM json_each(?8) AS term"                                       \
    "    WHERE instr(lower(" TEXT "), term.value) = 0)))"                                          \
    "  ORDER BY " order " LIMIT ?6)"                                                               \
    " SELECT m.id, m.session_id, s.alias, m.timestamp, m.role, m.tool_name, " TEXT                 \
    " FROM chosen AS c JOIN conversations AS m ON m.id = c.id"                                     \
    " JOIN sessions AS s ON s.session_id = m.session_id JOIN conversations_text AS t ON t.id = "   \
    "c.id"                                                                                         \
    " ORDER BY c.score, c.id DESC"

#define BEST   "2, 1 DESC"
#define NEWEST "h.id DESC" /* as the indexes give them: the walk ends at the limit */
#define WORDS  "SELECT rowid, rank FROM conversations_fts WHERE conversations_fts MATCH ?1"
#define TRIGRAMS                                                                                   \
    "SELECT rowid, rank FROM conversations_trigram WHERE conversations_trigram MATCH ?1"
#define READING                                                                                    \
    "SELECT id, 0 FROM conversations WHERE role <> 'system'"                                       \
    " AND (NOT ?1 OR id IN (SELECT id FROM conversations_trigram_docsize))"

struct statements {
    const char *best, *newest;
};
static const struct statements by_words = {CHOOSE(WORDS, BEST), CHOOSE(WORDS, NEWEST)};
static const struct statements by_trigrams = {CHOOSE(TRIGRAMS, BEST), CHOOSE(TRIGRAMS, NEWEST)};
static const struct statements by_reading = {CHOOSE(READING, NEWEST), CHOOSE(READING, NEWEST)};

struct walk {
    struct store *store;
    const struct store_search *search;
    const struct store_query_parts *parts;
    int (*visit)(void *context, const struct store_hit *hit, struct error *error);
    void *context;
    size_t visited;
};

static int show(struct walk *walk, sqlite3_stmt *row, struct error *error)
{
    struct store_hit hit = {
        .id = store_column_number(row, 0),
        .session_id = store_column_text(row, 1),
        .alias = store_column_text(row, 2),
        .timestamp = store_column_text(row, 3),
        .role = store_column_text(row, 4),
        .tool_name = store_column_text(row, 5),
        .text = store_column_text(row, 6),
        .length = (size_t)sqlite3_column_bytes(row, 6),
    };
    if (hit.text == NULL)
        return error_set(error, "search: out of memory");
    hit.match = store_query_match(walk->parts, hit.text);
    walk->visited++;
    return walk->visit(walk->context, &hit, error);
}

static int run(struct walk *walk, const struct statements *by, struct store_value first,
    const char *trigrams, const char *read, struct error *error)
{
    const struct store_search *search = walk->search;
    sqlite3_stmt *query =
        store_query(walk->store, error, "search", search->newest_first ? by->newest : by->best,
            STORE_VALUES(first, store_text(search->session), store_text(search->except),
                store_text(search->directory), store_number(search->newest_first),
                store_number(store_clamp(search->limit, 1, STORE_SEARCH_MOST)),
                store_text(trigrams), store_text(read)));
    int result = query != NULL ? 0 : -1;
    int row = 0;
    while (result == 0 && (row = store_row(walk->store, query, error)) > 0)
        result = show(walk, query, error);
    store_done(query);
    return row < 0 ? -1 : result;
}

static int run_by_index(struct walk *walk, struct error *error)
{
    const struct store_query_parts *parts = walk->parts;
    const char *read = strcmp(parts->read.data, "[]") != 0 ? parts->read.data : NULL;
    const char *trigrams = parts->trigrams.length > 0 ? parts->trigrams.data : NULL;
    if (parts->words.length > 0)
        return run(walk, &by_words, store_text(parts->words.data), trigrams, read, error);
    if (trigrams != NULL)
        return run(walk, &by_trigrams, store_text(trigrams), NULL, read, error);
    return run(walk, &by_reading, store_number(read != NULL && parts->unspaced), NULL, read, error);
}

int store_search(struct store *store, const struct store_search *search,
    int (*visit)(void *context, const struct store_hit *hit, struct error *error), void *context,
    struct error *error)
{
    struct store_query_parts parts;
    struct walk walk = {
        .store = store, .search = search, .parts = &parts, .visit = visit, .context = context};
    store_query_init(&parts);
    int result = store_query_parse(&parts, search->query != NULL ? search->query : "", error);
    if (result == 0) {
        result = run_by_index(&walk, error);
        /* A damaged index answers no question; what was said is still there to be read. */
        if (result < 0 && walk.visited == 0 && store_index_is_damaged(store))
            result = run(&walk, &by_reading, store_number(0), NULL, parts.all.data, error);
    }
    store_query_release(&parts);
    return result;
}

/* Step back to where a character begins. */
static size_t boundary(const char *text, size_t at)
{
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

char *store_excerpt(const char *text, size_t length, size_t offset, size_t characters)
{
    struct buffer excerpt;
    size_t start = 0, shown = 0;
    bool blank = false;
    buffer_init(&excerpt, characters * UTF8_MAXIMUM + sizeof "......");
    /* A third of it before the match: enough to see what it belongs to. */
    if (utf8_count(text, offset) > characters / 3) {
        start = offset;
        for (size_t back = characters / 3; back > 0 && start > 0; back--)
            start = boundary(text, start - 1);
    }
    int result = start > 0 ? buffer_append_text(&excerpt, "...") : 0;
    size_t at = start;
    while (result == 0 && at < length && shown < characters) {
        size_t next = at + 1;
        while (next < length && ((unsigned char)text[next] & 0xc0) == 0x80)
            next++;
        bool is_blank = strchr(" \t\r\n", text[at]) != NULL;
        if (!is_blank)
            result = buffer_append(&excerpt, text + at, next - at);
        else if (!blank)
            result = buffer_append_byte(&excerpt, ' ');
        shown += !is_blank || !blank;
        blank = is_blank;
        at = next;
    }
    if (result == 0 && at < length)
        result = buffer_append_text(&excerpt, "...");
    char *taken = result == 0 ? buffer_take(&excerpt) : NULL;
    buffer_release(&excerpt);
    return taken;
}
