/* Sessions: made, found, listed, named, deleted. */
#include "data/store_session.h"

#include "base/buffer.h"
#include "data/store_internal.h"

#include <stdlib.h>
#include <string.h>

enum { AMBIGUOUS_SHOWN = 5 }; /* ids that a sentence about an ambiguous name lists */

#define COLUMNS                                                                                    \
    "SELECT id, session_id, alias, title, parent_session, kind, directory, model, model_alias,"    \
    " created, updated, coalesce((SELECT value ->> '$' FROM session_config"                        \
    "   WHERE session_config.session_id = sessions.session_id AND key = '" STORE_SESSION_BEGINNING \
    "'), (SELECT substr(content, 1, 200) FROM conversations_text"                                  \
    "  WHERE conversations_text.id = (SELECT min(id) FROM conversations"                           \
    "   WHERE conversations.session_id = sessions.session_id AND role = 'user'))),"                \
    " pid, (SELECT count(*) FROM conversations"                                                    \
    "  WHERE conversations.session_id = sessions.session_id) FROM sessions "

void store_session_release(struct store_session *session)
{
    free((char *)session->session_id);
    free((char *)session->alias);
    free((char *)session->title);
    free((char *)session->parent_session);
    free((char *)session->kind);
    free((char *)session->directory);
    free((char *)session->model);
    free((char *)session->model_alias);
    free((char *)session->created);
    free((char *)session->updated);
    free((char *)session->beginning);
    *session = (struct store_session){0};
}

static int fill(struct store_session *session, sqlite3_stmt *row, struct error *error)
{
    *session = (struct store_session){0};
    const char **const texts[] = {&session->session_id, &session->alias, &session->title,
        &session->parent_session, &session->kind, &session->directory, &session->model,
        &session->model_alias, &session->created, &session->updated, &session->beginning};
    int count = (int)(sizeof texts / sizeof texts[0]);
    session->id = store_column_number(row, 0);
    session->pid = store_column_number(row, count + 1);
    session->messages = store_column_number(row, count + 2);
    for (int i = 0; i < count; i++) {
        if (store_column_copy(row, i + 1, texts[i]) < 0) {
            store_session_release(session);
            return error_set(error, "read a session: out of memory");
        }
    }
    return 0;
}

static bool is_letter_or_digit(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

static int check_id(const char *session_id, struct error *error)
{
    size_t length = strlen(session_id);
    bool clean = length > 0 && length < STORE_ID_SIZE;
    for (size_t i = 0; clean && i < length; i++)
        clean = is_letter_or_digit(session_id[i]) || strchr("_-", session_id[i]) != NULL;
    return clean ? 0
                 : error_set(error,
                       "'%.80s' is no id of a session: 1 to %d letters, digits, '_' and '-'",
                       session_id, STORE_ID_SIZE - 1);
}

int store_session_create(
    struct store *store, const struct store_session_details *details, struct error *error)
{
    int64_t taken = 0;
    if (check_id(details->session_id, error) < 0 ||
        store_get_number(store, error, "look for a session",
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE session_id = ?1 OR alias = ?1)",
            STORE_VALUES(store_text(details->session_id)), &taken) < 0)
        return -1;
    if (taken != 0)
        return error_set(error, "there is a session '%s' already", details->session_id);
    int made = store_change(store, error, "make a session",
        "INSERT INTO sessions(session_id, kind, directory, parent_session, model, model_alias)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        STORE_VALUES(store_text(details->session_id), store_text(details->kind),
            store_text(details->directory), store_text(details->parent_session),
            store_text(details->model), store_text(details->model_alias)));
    return made < 0 ? -1 : 0;
}

/* The first row of a query, when there is one. 1, 0, -1. */
static int take_one(
    struct store *store, sqlite3_stmt *query, struct store_session *session, struct error *error)
{
    int row = query != NULL ? store_row(store, query, error) : -1;
    if (row <= 0)
        return row;
    int result = fill(session, query, error);
    store_done(query);
    return result < 0 ? -1 : 1;
}

static int find_whole(
    struct store *store, const char *name, struct store_session *session, struct error *error)
{
    return take_one(store,
        store_query(store, error, "look for a session",
            COLUMNS "WHERE alias = ?1 OR session_id = ?1 ORDER BY alias IS NOT ?1 LIMIT 1",
            STORE_VALUES(store_text(name))),
        session, error);
}

static int say_ambiguous(struct store *store, const char *prefix, struct error *error)
{
    struct buffer list;
    buffer_init(&list, sizeof error->text);
    sqlite3_stmt *query = store_query(store, error, "look for a session",
        "SELECT session_id, alias FROM sessions WHERE substr(session_id, 1, length(?1)) = ?1"
        " ORDER BY updated DESC, id DESC LIMIT ?2",
        STORE_VALUES(store_text(prefix), store_number(AMBIGUOUS_SHOWN + 1)));
    int row = query != NULL ? 1 : -1;
    for (int shown = 0; row > 0 && (row = store_row(store, query, error)) > 0; shown++) {
        const char *alias = store_column_text(query, 1);
        if (shown < AMBIGUOUS_SHOWN)
            buffer_printf(&list, "%s%s%s%s%s", shown > 0 ? ", " : "", store_column_text(query, 0),
                alias != NULL ? " (" : "", alias != NULL ? alias : "", alias != NULL ? ")" : "");
        else
            buffer_append_text(&list, ", ...");
    }
    if (row == 0)
        error_set(error, "several sessions begin with '%s': %s", prefix, list.data);
    buffer_release(&list);
    return row;
}

int store_session_find(
    struct store *store, const char *name, struct store_session *session, struct error *error)
{
    int found = find_whole(store, name, session, error);
    if (found != 0)
        return found;
    if (strlen(name) < STORE_PREFIX_LEAST || strlen(name) >= STORE_ID_SIZE) {
        error_set(error, "there is no session '%.80s'", name);
        return 0;
    }
    int64_t count = 0;
    /* substr and not LIKE: a '%' in the name is a '%'. */
    if (store_get_number(store, error, "look for a session",
            "SELECT count(*) FROM sessions WHERE substr(session_id, 1, length(?1)) = ?1",
            STORE_VALUES(store_text(name)), &count) < 0)
        return -1;
    if (count > 1)
        return say_ambiguous(store, name, error);
    if (count == 0) {
        error_set(error, "there is no session '%s'", name);
        return 0;
    }
    return take_one(store,
        store_query(store, error, "look for a session",
            COLUMNS "WHERE substr(session_id, 1, length(?1)) = ?1 LIMIT 1",
            STORE_VALUES(store_text(name))),
        session, error);
}

int store_session_last(
    struct store *store, const char *directory, struct store_session *session, struct error *error)
{
    int found = take_one(store,
        store_query(store, error, "look for the last session",
            COLUMNS "WHERE directory = ?1 AND kind = 'chat' AND parent_session IS NULL"
                    " ORDER BY updated DESC, id DESC LIMIT 1",
            STORE_VALUES(store_text(directory))),
        session, error);
    if (found == 0)
        error_set(error, "there is no session of '%s' yet", directory);
    return found;
}

int store_session_list(struct store *store, const struct store_session_filter *filter,
    int (*visit)(void *context, const struct store_session *session, struct error *error),
    void *context, struct error *error)
{
    sqlite3_stmt *query = store_query(store, error, "list the sessions",
        COLUMNS "WHERE (?1 IS NULL OR directory = ?1)"
                " AND (?2 OR (kind = 'chat' AND parent_session IS NULL))"
                " ORDER BY updated DESC, id DESC LIMIT ?3",
        STORE_VALUES(store_text(filter->directory), store_number(filter->agents),
            store_number(store_clamp(filter->limit, 1, STORE_LIST_MOST))));
    int result = query != NULL ? 0 : -1;
    int row = 0;
    while (result == 0 && (row = store_row(store, query, error)) > 0) {
        struct store_session session;
        result = fill(&session, query, error);
        if (result == 0) {
            result = visit(context, &session, error);
            store_session_release(&session);
        }
    }
    store_done(query);
    return row < 0 ? -1 : result;
}

int store_session_set_title(
    struct store *store, const char *session_id, const char *title, struct error *error)
{
    if (title != NULL && strlen(title) > STORE_TITLE_LIMIT)
        return error_set(error, "the title is longer than %d bytes", STORE_TITLE_LIMIT);
    return store_change(store, error, "name a session",
        "UPDATE sessions SET title = ?2 WHERE session_id = ?1",
        STORE_VALUES(store_text(session_id), store_text(title)));
}

int store_session_set_model(struct store *store, const char *session_id, const char *model,
    const char *model_alias, struct error *error)
{
    return store_change(store, error, "note the model of a session",
        "UPDATE sessions SET model = ?2, model_alias = ?3 WHERE session_id = ?1",
        STORE_VALUES(store_text(session_id), store_text(model), store_text(model_alias)));
}

static int check_alias(const char *alias, struct error *error)
{
    size_t length = strlen(alias);
    bool clean = length > 0 && length <= STORE_ALIAS_LIMIT && is_letter_or_digit(alias[0]);
    for (size_t i = 0; clean && i < length; i++)
        clean = is_letter_or_digit(alias[i]) || strchr("._-", alias[i]) != NULL;
    if (!clean)
        return error_set(error,
            "'%.80s' cannot be a name: 1 to %d letters, digits, '.', '_' and '-', "
            "the first a letter or digit",
            alias, STORE_ALIAS_LIMIT);
    if (length >= STORE_PREFIX_LEAST && strspn(alias, "0123456789abcdefABCDEF") == length)
        return error_set(error, "'%s' cannot be a name: it looks like the id of a session", alias);
    return 0;
}

int store_session_set_alias(
    struct store *store, const char *session_id, const char *alias, struct error *error)
{
    int64_t taken = 0;
    if (alias != NULL &&
        (check_alias(alias, error) < 0 ||
            store_get_number(store, error, "look for a name",
                "SELECT EXISTS (SELECT 1 FROM sessions"
                " WHERE (alias = ?1 AND session_id <> ?2) OR session_id = ?1)",
                STORE_VALUES(store_text(alias), store_text(session_id)), &taken) < 0))
        return -1;
    if (taken != 0)
        return error_set(error, "another session is called '%s'", alias);
    return store_change(store, error, "name a session",
        "UPDATE sessions SET alias = ?2 WHERE session_id = ?1",
        STORE_VALUES(store_text(session_id), store_text(alias)));
}

int store_session_set_value(struct store *store, const char *session_id, const char *key,
    const char *json, struct error *error)
{
    int changed;
    if (json == NULL)
        changed = store_change(store, error, "forget a setting",
            "DELETE FROM session_config WHERE session_id = ?1 AND key = ?2",
            STORE_VALUES(store_text(session_id), store_text(key)));
    else
        changed = store_change(store, error, "keep a setting",
            "INSERT INTO session_config(session_id, key, value) VALUES (?1, ?2, ?3)"
            " ON CONFLICT (session_id, key) DO UPDATE SET value = excluded.value",
            STORE_VALUES(store_text(session_id), store_text(key), store_text(json)));
    return changed < 0 ? -1 : 0;
}

int store_session_get_value(
    struct store *store, const char *session_id, const char *key, char **json, struct error *error)
{
    *json = NULL;
    sqlite3_stmt *query = store_query(store, error, "read a setting",
        "SELECT value FROM session_config WHERE session_id = ?1 AND key = ?2",
        STORE_VALUES(store_text(session_id), store_text(key)));
    int row = query != NULL ? store_row(store, query, error) : -1;
    if (row <= 0)
        return row;
    const char *value = NULL;
    int result = store_column_copy(query, 0, &value);
    *json = (char *)value;
    store_done(query);
    return result < 0 ? error_set(error, "read a setting: out of memory") : 1;
}
