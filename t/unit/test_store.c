/* The store: opening, versions, sessions, messages, locks. */
#include "data/store.h"
#include "data/store_internal.h"
#include "data/store_message.h"
#include "data/store_session.h"
#include "io/paths.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/turnstone-store.XXXXXX";
static char file[128];

static struct store *open_store(enum store_mode mode)
{
    struct store *store = NULL;
    struct error error = {0};
    if (store_open(&store, file, mode, &error) < 0)
        fprintf(stderr, "# %s\n", error.text);
    return store;
}

static int create(struct store *store, const char *session_id, struct error *error)
{
    const struct store_session_details details = {
        .session_id = session_id, .kind = "chat", .directory = "/project"};
    return store_session_create(store, &details, error);
}

static int collect(void *context, const struct store_message *message, struct error *error)
{
    (void)error;
    char *end = strchr(context, '\0');
    memcpy(end, message->json, message->length);
    memcpy(end + message->length, "\n", sizeof "\n");
    return 0;
}

static int append(struct store *store, const char *session, const char *json, struct error *error)
{
    return store_message_append(store, session, 1, json, strlen(json), NULL, error);
}

static void test_read_nothing(void)
{
    struct store *store = open_store(STORE_READ);
    struct store_session session;
    struct error error = {0};
    ok(store != NULL, "a database that is not there can be read");
    is_number(store_session_find(store, "abcd", &session, &error), 0, "and has no session");
    is_text(error.text, "there is no session 'abcd'", "which is said");
    store_close(store);
    ok(access(file, F_OK) < 0, "and it is not made");
}

static void test_modes(void)
{
    struct stat status;
    char path[160];
    struct store *store = open_store(STORE_WRITE);
    ok(store != NULL, "a database is made");
    static const char *const names[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", file, names[i]);
        ok(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600, "'%s' is 0600", names[i]);
    }
    store_close(store);
}

static void test_messages(void)
{
    struct error error = {0};
    char all[1024] = "";
    struct store *store = open_store(STORE_WRITE);
    is_number(create(store, "aaaabbbbcccc", &error), 0, "a session is made");
    is_number(create(store, "aaaabbbbcccc", &error), -1, "but not twice");
    is_text(error.text, "there is a session 'aaaabbbbcccc' already", "which is said");
    is_number(append(store, "aaaabbbbcccc", "{\"role\":\"user\",\"content\":\"hi \\ud83d\\ude00\"}",
                  &error),
        0, "a message is stored");
    is_number(append(store, "aaaabbbbcccc", "{\"role\":\"assistant\",  \"content\":null}", &error),
        0, "another is");
    is_number(append(store, "nobody", "{\"role\":\"user\"}", &error), -1, "not for nobody");
    is_number(append(store, "aaaabbbbcccc", "{\"content\":1}", &error), -1, "not without a role");
    is_number(append(store, "aaaabbbbcccc", "{\"role\":", &error), -1, "not what is no JSON");
    is_number(store_message_load(store, "aaaabbbbcccc", collect, all, &error), 0, "they are read");
    is_text(all,
        "{\"role\":\"user\",\"content\":\"hi \\ud83d\\ude00\"}\n"
        "{\"role\":\"assistant\",  \"content\":null}\n",
        "byte for byte, in order");
    is_number(store_message_count(store, "aaaabbbbcccc", &error), 2, "and counted");
    store_close(store);
}

static void test_transactions(void)
{
    struct error error = {0};
    struct store *store = open_store(STORE_WRITE);
    store_begin(store, &error);
    create(store, "gone", &error);
    append(store, "gone", "{\"role\":\"user\"}", &error);
    store_rollback(store);
    is_number(store_message_count(store, "gone", &error), 0, "a rollback leaves nothing");
    store_begin(store, &error);
    create(store, "half", &error);
    is_number(append(store, "half", "no JSON", &error), -1, "a part fails");
    is_number(store_commit(store, &error), -1, "then the whole is refused");
    is_number(store_begin(store, &error), 0, "and the next begins anew");
    create(store, "whole", &error);
    is_number(append(store, "whole", "{\"role\":\"user\"}", &error), 0, "a message within");
    is_number(store_commit(store, &error), 0, "is committed");
    is_number(store_message_count(store, "whole", &error), 1, "and is there");
    store_close(store);
}

static void test_names(void)
{
    struct error error = {0};
    struct store_session session = {0};
    struct store *store = open_store(STORE_WRITE);
    create(store, "aaaabbbbdddd", &error);
    create(store, "100%abc", NULL);
    is_number(store_session_find(store, "aaaabbbbc", &session, &error), 1, "a prefix is found");
    is_text(session.session_id, "aaaabbbbcccc", "the right one");
    store_session_release(&session);
    is_number(store_session_find(store, "aaaa", &session, &error), 0, "an ambiguous one is not");
    ok(strstr(error.text, "aaaabbbbcccc") != NULL && strstr(error.text, "aaaabbbbdddd") != NULL,
        "those it may mean are listed: %s", error.text);
    is_number(store_session_find(store, "aaa", &session, &error), 0, "three characters are not");
    is_number(store_session_find(store, "aaa%", &session, &error), 0, "'%' is no pattern");
    is_number(store_session_find(store, "____", &session, &error), 0, "'_' is no pattern");
    is_number(store_session_set_alias(store, "aaaabbbbdddd", "docs", &error), 1, "a name is given");
    is_number(store_session_set_alias(store, "nobody", "x", &error), 0, "not to nobody");
    is_number(store_session_set_alias(store, "aaaabbbbcccc", "docs", &error), -1, "not twice");
    static const char *const bad[] = {
        "aaaabbbbcccc", "whole", "beef", "", "a b", "-x", "a/b", "\x1b[m"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        is_number(store_session_set_alias(store, "aaaabbbbcccc", bad[i], &error), -1, error.text);
    is_number(store_session_find(store, "docs", &session, &error), 1, "it is found by its name");
    is_text(session.session_id, "aaaabbbbdddd", "the right one");
    store_session_release(&session);
    is_number(create(store, "docs", &error), -1, "no session takes a name for its id");
    is_number(store_session_last(store, "/project", &session, &error), 1, "the last one");
    is_text(session.session_id, "aaaabbbbdddd", "is the one made last");
    store_session_release(&session);
    is_number(
        append(store, "whole", "{\"role\":\"user\"}", &error), 0, "something is said in another");
    store_session_last(store, "/project", &session, &error);
    is_text(session.session_id, "whole", "which is the last one then");
    store_session_release(&session);
    is_number(store_session_last(store, "/elsewhere", &session, &error), 0, "none of elsewhere");
    store_close(store);
}

static void test_locks(void)
{
    struct error error = {0};
    char wanted[128];
    struct store *store = open_store(STORE_WRITE), *other = open_store(STORE_WRITE);
    is_number(store_session_lock(store, "whole", &error), 0, "a session is locked");
    is_number(store_session_lock(other, "whole", &error), -1, "once");
    snprintf(wanted, sizeof wanted, "session 'whole' is in use by process %d", (int)getpid());
    is_text(error.text, wanted, "the owner is named");
    is_number(store_session_delete(other, "whole", &error), -1, "a locked one is not deleted");
    is_number(store_session_lock(other, "aaaabbbbcccc", &error), 0, "another can be locked");
    store_close(store);
    is_number(store_session_lock(other, "whole", &error), 0, "closing unlocks");
    store_session_unlock(other, "whole");
    is_number(store_session_delete(other, "whole", &error), 1, "it is deleted");
    is_number(store_session_delete(other, "whole", &error), 0, "once");
    is_number(store_message_count(other, "whole", &error), 0, "with its messages");
    store_close(other);
}

static void test_versions(void)
{
    static const struct store_migration migrations[] = {
        {.scripts = {"CREATE TABLE one(a);", "INSERT INTO one VALUES (1);"}},
        {.scripts = {"ALTER TABLE one ADD COLUMN b DEFAULT 2;"}},
        {.scripts = {"CREATE TABLE two(a);", "NONSENSE;"}},
    };
    char backup[160];
    struct stat status;
    struct error error = {0};
    struct store store = {.locks = -1, .mode = STORE_WRITE};
    int64_t number = 0;
    snprintf(store.path, sizeof store.path, "%s/versions.db", directory);
    snprintf(backup, sizeof backup, "%s-backup-v1", store.path);
    sqlite3_open(store.path, &store.db);
    is_number(store_migrate(&store, migrations, 1, &error), 0, "version 1 is made");
    ok(access(backup, F_OK) < 0, "nothing is copied when there was nothing");
    is_number(store_migrate(&store, migrations, 2, &error), 0, "version 2 is made of it");
    is_number(
        store_get_number(&store, &error, "x", "SELECT a + b FROM one", STORE_NO_VALUES, &number), 1,
        "the tables are new");
    is_number(number, 3, "and hold what they held");
    ok(stat(backup, &status) == 0 && (status.st_mode & 0777) == 0600, "a copy was made first");
    is_number(store_migrate(&store, migrations, 3, &error), -1, "one that fails");
    is_number(
        store_get_number(&store, &error, "x",
            "SELECT count(*) FROM sqlite_schema WHERE name = 'two'", STORE_NO_VALUES, &number),
        1, "is undone");
    is_number(number, 0, "as a whole");
    is_number(store_migrate(&store, migrations, 2, &error), 0, "version 2 still works");
    is_number(store_migrate(&store, migrations, 1, &error), -1, "version 1 refuses it");
    ok(strstr(error.text, "newer version") != NULL, "and says why: %s", error.text);
    for (size_t at = 0; at < STORE_STATEMENTS && store.statements[at].sql != NULL; at++)
        sqlite3_finalize(store.statements[at].statement);
    sqlite3_close(store.db);
}

static void test_networks(void)
{
    is_text(store_network_name(0x6969), "NFS", "NFS is a network");
    is_text(store_network_name(0xffffffffff534d42), "SMB", "a sign-extended number is known");
    ok(store_network_name(0xef53) == NULL, "ext4 is none");
}

int main(void)
{
    if (mkdtemp(directory) == NULL)
        return 1;
    snprintf(file, sizeof file, "%s/data/turnstone.db", directory);
    test_read_nothing();
    test_modes();
    test_messages();
    test_transactions();
    test_names();
    test_locks();
    test_versions();
    test_networks();
    paths_remove_tree(directory, NULL);
    return tap_done();
}
