/* The store: search over what was said, and memories. */
#include "base/buffer.h"
#include "data/store_internal.h"
#include "data/store_memory.h"
#include "data/store_message.h"
#include "data/store_search.h"
#include "data/store_session.h"
#include "io/paths.h"
#include "tap.h"

#include <locale.h>
#include <stdlib.h>

static struct store *store;
static struct error error;
static char file[64];

static void say(const char *session, const char *json)
{
    const struct store_session_details details = {.session_id = session,
        .kind = "chat",
        .directory = strcmp(session, "other") == 0 ? "/other" : "/project"};
    if (store_message_count(store, session, NULL) == 0)
        store_session_create(store, &details, NULL);
    if (store_message_append(store, session, 1, json, strlen(json), NULL, &error) < 0)
        ok(false, "%s", error.text);
}

static int note(void *context, const struct store_hit *hit, struct error *why)
{
    (void)why;
    return buffer_printf(
        context, "%s%lld", ((struct buffer *)context)->length > 0 ? " " : "", (long long)hit->id);
}

static void finds_with(const struct store_search *search, const char *wanted, const char *title)
{
    struct buffer ids;
    buffer_init(&ids, 1000);
    if (store_search(store, search, note, &ids, &error) < 0)
        buffer_append_text(&ids, error.text);
    is_text(ids.data, wanted, title);
    buffer_release(&ids);
}

static void finds(const char *query, const char *wanted, const char *title)
{
    const struct store_search search = {.query = query, .limit = 100, .newest_first = true};
    finds_with(&search, wanted, title);
}

static void fill(void)
{
    say("one", "{\"role\":\"user\",\"content\":\"The quick brown fox; na\xc3\xafve, 100% sure\"}");
    say("one", "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\","
               "\"type\":\"function\",\"function\":{\"name\":\"bash\",\"arguments\":"
               "\"{\\\"command\\\":\\\"echo first\\\\nsecond\\\"}\"}}]}");
    say("one", "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"a->b foxtrot\"}");
    say("other", "{\"role\":\"user\",\"content\":\"\xe6\x9d\xb1\xe4\xba\xac\xe3\x82\xbf\xe3\x83\xaf"
                 "\xe3\x83\xbc\xe3\x81\xaf tower \xf0\x9f\x98\x80\"}");
    say("other", "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"part of it\"},"
                 "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:secretbytes\"}}]}");
    say("other", "{\"role\":\"system\",\"content\":\"You are a quick fox\"}");
    say("other", "{\"role\":\"assistant\",\"content\":\"no JSON\",\"tool_calls\":[{\"function\":"
                 "{\"name\":\"edit\",\"arguments\":\"{broken\"}}]}");
}

static void test_queries(void)
{
    finds("fox", "1", "a word");
    finds("QUICK brown", "1", "every word, in any case");
    finds("quick nothing", "", "all of them");
    finds("fox*", "3 1", "what begins so");
    finds("*", "", "a star alone is a star");
    finds("\"brown fox\"", "1", "words side by side");
    finds("\"fox brown\"", "", "in their order");
    finds("\"quick", "1", "a quote that is not closed");
    finds("naive", "1", "without regard to accents");
    finds("100%", "1", "'%' means nothing");
    finds("10_", "", "nor does '_'");
    finds("->", "3", "signs are found as they are");
    finds("a->b FOXTROT", "3", "beside words");
    finds("fox' OR 1=1 --", "", "a quote ends nothing");
    finds("fox NOT quick", "", "operators are words");
    finds("content : fox", "", "columns are words");
    finds("bash", "2", "the name of a call");
    finds("second", "2", "its arguments, escapes undone");
    finds("command", "", "but not their names");
    finds("function", "", "nor the JSON around them");
    finds("broken", "7", "arguments that are no JSON");
    finds("part", "5", "the text of a message in parts");
    finds("secretbytes", "", "but not its pictures");
    finds("\xe6\x9d\xb1\xe4\xba\xac", "4", "two ideographs");
    finds("\xe4\xba\xac\xe3\x82\xbf\xe3\x83\xaf", "4", "three characters within a run");
    finds("\xe6\x9d\xb1\xe4\xba\xac\xe3\x82\xbf tower", "4", "with a word");
    finds("\xe4\xba\xac\xe6\x9d\xb1", "", "not in another order");
    finds("\xf0\x9f\x98\x80", "4", "a sign beyond the first plane");
    finds("", "7 5 4 3 2 1", "nothing: the newest, without what the system says");
    finds(" \t", "7 5 4 3 2 1", "blanks are nothing");
    finds("\xff", "the query is no UTF-8 text", "bad bytes are refused");
}

static void test_bounds(void)
{
    char terms[STORE_SEARCH_TERMS * 2 + 4] = "";
    struct store_search search = {.query = "", .limit = 2, .newest_first = true};
    finds_with(&search, "7 5", "as many as asked for");
    search.limit = -5;
    finds_with(&search, "7", "a negative limit is the least");
    search.limit = 1000000;
    search.session = "one";
    finds_with(&search, "3 2 1", "of one session");
    search.session = NULL;
    search.except = "one";
    finds_with(&search, "7 5 4", "but of one");
    search.except = NULL;
    search.directory = "/other";
    search.query = "tower";
    finds_with(&search, "4", "of a project");
    search.directory = "/project";
    finds_with(&search, "", "and not of another");
    for (size_t i = 0; i < STORE_SEARCH_TERMS + 1; i++)
        snprintf(terms + i * 2, 3, "a ");
    finds(terms, "the query has more than 32 terms", "too many terms are refused");
}

static void test_ranking(void)
{
    struct store_search search = {.query = "walrus", .limit = 10};
    say("rank", "{\"role\":\"user\",\"content\":\"walrus walrus walrus\"}");
    say("rank", "{\"role\":\"user\",\"content\":\"a walrus among very many other words here\"}");
    say("rank", "{\"role\":\"user\",\"content\":\"a walrus among very many other words here\"}");
    finds_with(&search, "8 10 9", "the best first, of equals the newer");
    search.newest_first = true;
    finds_with(&search, "10 9 8", "or the newest first");
}

static int keep_excerpt(void *context, const struct store_hit *hit, struct error *why)
{
    (void)why;
    *(char **)context = store_excerpt(hit->text, hit->length, hit->match, 24);
    return 0;
}

static void test_excerpts(void)
{
    char *excerpt = NULL;
    const struct store_search search = {.query = "zebra", .limit = 1};
    say("far",
        "{\"role\":\"user\",\"content\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 \xc3\xa4\xc3\xa4\xc3\xa4"
        "\xc3\xa4\xc3\xa4\xc3\xa4\\n\\n  a ZEBRA on the other side of the road\"}");
    store_search(store, &search, keep_excerpt, &excerpt, &error);
    is_text(excerpt, "...\xc3\xa4\xc3\xa4 a ZEBRA on the other ...", "what is around the match");
    free(excerpt);
    excerpt = store_excerpt("short", 5, 0, 100);
    is_text(excerpt, "short", "a short text whole");
    free(excerpt);
}

/* As a fault of the disk or another program would; the store is opened anew behind it. */
static void damage(const char *sql)
{
    sqlite3 *db = NULL;
    store_close(store);
    sqlite3_open(file, &db);
    ok(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "damage: %s", sql);
    sqlite3_close(db);
    if (!ok(store_open(&store, file, STORE_WRITE, &error) == 0, "the store opens none the less")) {
        fprintf(stderr, "# %s\n", error.text);
        exit(tap_done());
    }
}

static void test_damage(void)
{
    is_number(store_check(store, &error), 0, "the index is sound");
    /* Record 10 tells where everything is. */
    damage("DELETE FROM conversations_fts_data WHERE id = 10");
    finds("walrus", "10 9 8", "and is repaired");
    damage("UPDATE conversations_fts_data SET block = x'ffff' WHERE id = 10");
    say("far", "{\"role\":\"user\",\"content\":\"after the damage\"}");
    finds("damage", "12", "damage that shows when a message is stored is repaired then");
    finds("walrus", "10 9 8", "for all messages");
    damage("DELETE FROM conversations_fts_docsize WHERE id = 12");
    is_number(store_check(store, &error), 0, "opening repairs what ends too early");
    damage("DELETE FROM conversations_fts_docsize WHERE id = 1");
    is_number(store_check(store, &error), 1, "the check repairs the rest");
    is_number(store_check(store, &error), 0, "once");
    finds("fox", "1", "and words are found");
}

/* Memories. */

static int list(void *context, const struct store_memory *memory, struct error *why)
{
    (void)why;
    return buffer_printf(context, "[%s]%s=%s ", memory->scope, memory->key, memory->value);
}

static void recalls(const char *scope, const char *query, const char *wanted, const char *title)
{
    const char *const scopes[2] = {STORE_SCOPE_USER, scope};
    struct buffer text;
    buffer_init(&text, 10000);
    if (store_memory_list(store, scopes, query, list, &text, &error) < 0)
        buffer_append_text(&text, error.text);
    is_text(text.data, wanted, title);
    buffer_release(&text);
}

static void test_memories(void)
{
    char *old = NULL;
    is_number(store_memory_set(store, "", " My-Key ", "uses the my-form", &old, &error), 0, "new");
    ok(old == NULL, "nothing was there");
    is_number(store_memory_set(store, "", "my key", "Two WORDS", &old, &error), 1, "changed");
    is_text(old, "uses the my-form", "the old value is told");
    free(old);
    store_memory_set(store, "/p", "port", "8080", NULL, &error);
    store_memory_set(store, "/q", "port", "9090", NULL, &error);
    recalls(NULL, NULL, "[]my_key=Two WORDS ", "those of the user");
    recalls("/p", "", "[]my_key=Two WORDS [/p]port=8080 ", "and of a project");
    recalls("/p", "my-key", "[]my_key=Two WORDS ", "by the key as it was typed");
    recalls("/p", "MY_KEY words", "[]my_key=Two WORDS ", "by the key as it is kept, and the value");
    recalls("/p", "my_key 8080", "", "every term must occur");
    recalls("/p", "%", "", "'%' is a sign");
    is_number(store_memory_forget(store, "/p", "PORT", &old, &error), 1, "forgotten");
    is_text(old, "8080", "with what it was");
    free(old);
    is_number(store_memory_forget(store, "/p", "port", &old, &error), 0, "once");
    recalls("/q", "port", "[/q]port=9090 ", "and not the other project's");
}

static void test_memory_bounds(void)
{
    char key[STORE_MEMORY_KEY_LIMIT + 2], value[STORE_MEMORY_VALUE_LIMIT + 2];
    memset(key, 'k', sizeof key - 1);
    memset(value, 'v', sizeof value - 1);
    key[sizeof key - 1] = value[sizeof value - 1] = '\0';
    is_number(store_memory_set(store, "", key, "v", NULL, &error), -1, error.text);
    is_number(store_memory_set(store, "", "k", value, NULL, &error), -1, error.text);
    is_number(store_memory_set(store, "", "  ", "v", NULL, &error), -1, error.text);
    is_number(store_memory_set(store, "", "k", "", NULL, &error), -1, error.text);
    is_number(store_memory_set(store, "",
                  "a\x1b"
                  "b",
                  "v", NULL, &error),
        -1, error.text);
    is_number(store_memory_set(store, "", "k\xff", "v", NULL, &error), -1, error.text);
    is_number(store_memory_set(store, "", "k", "\xff", NULL, &error), -1, error.text);
    key[STORE_MEMORY_KEY_LIMIT] = '\0';
    is_number(store_memory_set(store, "", key, "v", NULL, &error), 0, "the longest key");
    is_number(
        store_memory_set(store, "", "\xc3\x84", "v", NULL, &error), 0, "a letter beyond ASCII");
    is_number(store_memory_forget(store, "", "\xc3\xa4", NULL, &error), 1, "in lower case");
    store_begin(store, &error);
    int result = 0;
    for (int i = 0; i <= STORE_MEMORY_MOST && result >= 0; i++) {
        snprintf(key, sizeof key, "many %d", i);
        result = store_memory_set(store, "/many", key, "v", NULL, &error);
    }
    is_text(error.text, "there are 1000 memories already: forget some first", "there is an end");
    store_rollback(store);
}

int main(void)
{
    char directory[] = "/tmp/turnstone-store.XXXXXX";
    setlocale(LC_CTYPE, "C.UTF-8");
    if (mkdtemp(directory) == NULL)
        return 1;
    snprintf(file, sizeof file, "%s/search.db", directory);
    if (store_open(&store, file, STORE_WRITE, &error) < 0)
        return 1;
    fill();
    test_queries();
    test_bounds();
    test_ranking();
    test_excerpts();
    test_damage();
    test_memories();
    test_memory_bounds();
    store_close(store);
    paths_remove_tree(directory, NULL);
    return tap_done();
}
