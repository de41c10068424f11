/* list, search, name, delete, check: what takes a line or two each. */
#include "base/buffer.h"
#include "data/store_search.h"
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXCERPT = 300, BEGINNING = 80 }; /* characters */

void store_failed(const struct error *error)
{
    die(EXIT_SYSTEM, "%s", error->text);
}

void require_session(const struct request *request, const char *name, struct store_session *session)
{
    struct error error;
    int found = store_session_find(request->store, name, session, &error);
    if (found < 0)
        store_failed(&error);
    if (found == 0)
        die(EXIT_FAILED, "%s", error.text);
}

void print_object(cJSON *object)
{
    char *text = object != NULL ? cJSON_PrintUnformatted(object) : NULL;
    if (text == NULL)
        die(EXIT_SYSTEM, "out of memory");
    puts(text);
    free(text);
    json_free(object);
}

cJSON *describe_session(const struct request *request, const struct store_session *session)
{
    const struct {
        const char *key;
        const char *text;
    } members[] = {
        {"session_id", session->session_id},
        {"alias", session->alias},
        {"title", session->title},
        {"parent_session", session->parent_session},
        {"kind", session->kind},
        {"directory", session->directory},
        {"model", session->model},
        {"model_alias", session->model_alias},
        {"created", session->created},
        {"updated", session->updated},
        {"beginning", session->beginning},
    };
    cJSON *object = cJSON_CreateObject();
    int result = object != NULL ? 0 : -1;
    for (size_t i = 0; i < sizeof members / sizeof members[0] && result == 0; i++)
        result = json_add_string(object, members[i].key, members[i].text);
    bool locked = store_session_is_locked(request->store, session->id);
    if (result < 0 || json_add_integer(object, "messages", session->messages) < 0 ||
        json_add_boolean(object, "in_use", locked) < 0 ||
        (locked && json_add_integer(object, "pid", session->pid) < 0)) {
        json_free(object);
        return NULL;
    }
    return object;
}

struct listing {
    const struct request *request;
    struct columns columns;
};

static void add_session(struct listing *listing, const struct store_session *session)
{
    char messages[32], updated[STORE_TIME_SIZE];
    char *about = NULL;
    snprintf(messages, sizeof messages, "%" PRId64, session->messages);
    snprintf(updated, sizeof updated, "%.16s", session->updated);
    if (session->title != NULL)
        about = strdup(session->title);
    else if (session->beginning != NULL)
        about = store_excerpt(session->beginning, strlen(session->beginning), 0, BEGINNING);
    const char *state =
        store_session_is_locked(listing->request->store, session->id) ? "in use" : session->kind;
    const char *const cells[] = {
        session->session_id, session->alias, updated, messages, state, about};
    columns_add(&listing->columns, cells);
    free(about);
}

static int visit_session(void *context, const struct store_session *session, struct error *error)
{
    (void)error;
    struct listing *listing = context;
    if (listing->request->json)
        print_object(describe_session(listing->request, session));
    else
        add_session(listing, session);
    return 0;
}

int list_sessions(const struct request *request)
{
    static const char *const heading[] = {"ID", "NAME", "USED (UTC)", "MESSAGES", "STATE", "ABOUT"};
    const struct store_session_filter filter = {
        .directory = request->here ? request->directory : NULL,
        .agents = request->all,
        .limit = request->limit > 0 ? request->limit : LIST_DEFAULT,
    };
    struct listing listing = {.request = request};
    struct error error;
    columns_init(&listing.columns, 6, heading);
    if (store_session_list(request->store, &filter, visit_session, &listing, &error) < 0)
        store_failed(&error);
    if (!request->json)
        columns_print_or_say(&listing.columns,
            request->here ? "no sessions of this directory yet" : "no sessions yet");
    columns_release(&listing.columns);
    return EXIT_DONE;
}

/* Search. */

struct hits {
    const struct request *request;
    size_t count;
};

static int visit_hit(void *context, const struct store_hit *hit, struct error *error)
{
    (void)error;
    struct hits *hits = context;
    const struct request *request = hits->request;
    hits->count++;
    char *excerpt = store_excerpt(hit->text, hit->length, hit->match, EXCERPT);
    if (excerpt == NULL)
        die(EXIT_SYSTEM, "out of memory");
    if (request->json) {
        cJSON *object = cJSON_CreateObject();
        if (object == NULL || json_add_integer(object, "id", hit->id) < 0 ||
            json_add_string(object, "session_id", hit->session_id) < 0 ||
            json_add_string(object, "alias", hit->alias) < 0 ||
            json_add_string(object, "timestamp", hit->timestamp) < 0 ||
            json_add_string(object, "role", hit->role) < 0 ||
            json_add_string(object, "tool_name", hit->tool_name) < 0 ||
            json_add_string(object, "excerpt", excerpt) < 0)
            die(EXIT_SYSTEM, "out of memory");
        print_object(object);
    } else {
        bool tool = hit->tool_name != NULL;
        printf("%.16s  %s  %s%s%s%s\n", hit->timestamp,
            hit->alias != NULL ? hit->alias : hit->session_id, hit->role, tool ? " (" : "",
            tool ? hit->tool_name : "", tool ? ")" : "");
        columns_print_text(excerpt, strlen(excerpt), "    ");
    }
    free(excerpt);
    return 0;
}

int search_messages(const struct request *request)
{
    struct buffer query;
    struct error error;
    buffer_init(&query, (size_t)STORE_QUERY_LIMIT + 1);
    for (char **word = request->operands; *word != NULL; word++) {
        if ((query.length > 0 && buffer_append_byte(&query, ' ') < 0) ||
            buffer_append_text(&query, *word) < 0)
            die(EXIT_USAGE, "the query is longer than %d bytes", STORE_QUERY_LIMIT);
    }
    const struct store_search search = {
        .query = query.data,
        .limit = request->limit > 0 ? request->limit : LIST_DEFAULT,
        .newest_first = request->newest,
        .directory = request->here ? request->directory : NULL,
    };
    struct hits hits = {.request = request};
    if (store_search(request->store, &search, visit_hit, &hits, &error) < 0)
        die(EXIT_FAILED, "%s", error.text);
    if (hits.count == 0 && !request->json)
        warn("no message holds these words");
    buffer_release(&query);
    return EXIT_DONE;
}

/* Changes. */

int name_session(const struct request *request)
{
    struct store_session session;
    struct error error;
    require_session(request, request->operands[0], &session);
    int changed =
        store_session_set_alias(request->store, session.session_id, request->operands[1], &error);
    store_session_release(&session);
    if (changed < 0)
        die(EXIT_FAILED, "%s", error.text);
    if (changed == 0)
        die(EXIT_FAILED, "the session is gone");
    return EXIT_DONE;
}

int delete_sessions(const struct request *request)
{
    int code = EXIT_DONE;
    for (char **name = request->operands; *name != NULL; name++) {
        struct store_session session;
        struct error error;
        int found = store_session_find(request->store, *name, &session, &error);
        if (found < 0)
            store_failed(&error);
        /* One that has gone since it was found is deleted, which is what was asked for. */
        if (found == 0 || store_session_delete(request->store, session.session_id, &error) < 0) {
            warn("%s", error.text);
            code = EXIT_FAILED;
        }
        if (found > 0)
            store_session_release(&session);
    }
    return code;
}

int check_store(const struct request *request)
{
    struct error error;
    int mended = store_check(request->store, &error);
    if (mended < 0)
        die(EXIT_FAILED, "%s", error.text);
    printf("%s: %s\n", store_path(request->store),
        mended > 0 ? "the search index was made anew" : "no damage was found");
    return EXIT_DONE;
}
