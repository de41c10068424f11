/* ts-memory: what is to be remembered across conversations, for people and scripts. */
#include "common/columns.h"
#include "common/program.h"
#include "common/recall.h"
#include "common/settings.h"
#include "data/json.h"
#include "data/store_memory.h"
#include "data/store_search.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_SCOPE = OPTION_LONG, OPTION_JSON, OPTION_LIMIT };

static const struct option_spec options[] = {
    SETTINGS_OPTION_CONFIG,
    {OPTION_SCOPE, "scope", "SCOPE", "project or user; else both, and new ones for the project"},
    {OPTION_JSON, "json", NULL, "list: a JSON object per line"},
    {OPTION_LIMIT, "limit", "N", "recall: most entries of a kind (1 to 50, default 20)"},
    {0},
};

static const char notes[] =
    "Commands:\n"
    "  remember KEY VALUE  keep a value; an old one of the key is replaced\n"
    "  recall [WORD ...]   memories and messages that hold every word\n"
    "  forget KEY          remove a memory\n"
    "  list [WORD ...]     memories alone\n";

struct request {
    struct store *store;
    char project[PATH_MAX];
    const char *scope; /* "user", "project"; NULL: not said */
    bool json;
    int64_t limit;
    char **operands;
};

static noreturn void fail(const struct error *error)
{
    die(EXIT_FAILED, "%s", error->text);
}

/* Where a new memory goes. */
static const char *place(const struct request *request)
{
    bool user = request->scope != NULL && strcmp(request->scope, "user") == 0;
    return user ? STORE_SCOPE_USER : request->project;
}

static const char *scope_word(const char *scope)
{
    return scope[0] != '\0' ? "project" : "user";
}

static int remember(const struct request *request)
{
    struct error error;
    char *old = NULL;
    int found = store_memory_set(
        request->store, place(request), request->operands[0], request->operands[1], &old, &error);
    if (found < 0)
        fail(&error);
    if (found > 0)
        warn("before it was: %s", old);
    free(old);
    return EXIT_DONE;
}

static int forget(const struct request *request)
{
    struct error error;
    char *old = NULL;
    const char *scope = place(request);
    int found = store_memory_forget(request->store, scope, request->operands[0], &old, &error);
    if (found == 0 && request->scope == NULL) {
        scope = STORE_SCOPE_USER;
        found = store_memory_forget(request->store, scope, request->operands[0], &old, &error);
    }
    if (found < 0)
        fail(&error);
    if (found == 0)
        die(EXIT_FAILED, "there is no memory '%s'", request->operands[0]);
    warn("it was, for the %s: %s", scope_word(scope), old);
    free(old);
    return EXIT_DONE;
}

static int print_json(void *context, const struct store_memory *memory, struct error *error)
{
    (void)context;
    cJSON *object = cJSON_CreateObject();
    if (object == NULL || json_add_string(object, "scope", scope_word(memory->scope)) < 0 ||
        (memory->scope[0] != '\0' && json_add_string(object, "project", memory->scope) < 0) ||
        json_add_string(object, "key", memory->key) < 0 ||
        json_add_string(object, "value", memory->value) < 0 ||
        json_add_string(object, "created", memory->created) < 0 ||
        json_add_string(object, "updated", memory->updated) < 0) {
        json_free(object);
        return error_set(error, "out of memory");
    }
    char *text = cJSON_PrintUnformatted(object);
    json_free(object);
    if (text == NULL)
        return error_set(error, "out of memory");
    puts(text);
    free(text);
    return 0;
}

static int add_row(void *context, const struct store_memory *memory, struct error *error)
{
    (void)error;
    const char *const cells[] = {memory->key, scope_word(memory->scope), memory->value};
    columns_add(context, cells);
    return 0;
}

/* The words behind a command as one query; NULL: there are none. The caller frees it. */
static char *join_words(char *const *words)
{
    struct buffer query;
    if (words[0] == NULL)
        return NULL;
    buffer_init(&query, (size_t)STORE_QUERY_LIMIT + 1);
    for (; *words != NULL; words++) {
        if ((query.length > 0 && buffer_append_byte(&query, ' ') < 0) ||
            buffer_append_text(&query, *words) < 0)
            die(EXIT_USAGE, "the query is longer than %d bytes", STORE_QUERY_LIMIT);
    }
    return buffer_take(&query);
}

static int list(const struct request *request)
{
    static const char *const heading[] = {"KEY", "SCOPE", "VALUE"};
    bool user_only = request->scope != NULL && strcmp(request->scope, "user") == 0;
    const char *const both[] = {STORE_SCOPE_USER, user_only ? NULL : request->project};
    const char *const project[] = {request->project, NULL};
    bool project_only = request->scope != NULL && !user_only;
    char *query = join_words(request->operands);
    struct columns columns;
    struct error error;
    columns_init(&columns, 3, heading);
    if (store_memory_list(request->store, project_only ? project : both, query,
            request->json ? print_json : add_row, &columns, &error) < 0)
        fail(&error);
    if (!request->json)
        columns_print_or_say(&columns,
            query != NULL ? "no memory holds these words" : "nothing is remembered here yet");
    columns_release(&columns);
    free(query);
    return EXIT_DONE;
}

static int recall(const struct request *request)
{
    char *query = join_words(request->operands);
    const struct recall what = {
        .query = query,
        .project = request->project,
        .user = request->scope != NULL && strcmp(request->scope, "user") == 0,
        .limit = request->limit,
    };
    struct buffer text;
    struct error error;
    buffer_init(&text, (size_t)16 << 20);
    if (recall_append(&text, request->store, &what, &error) < 0)
        fail(&error);
    fwrite(text.data, 1, text.length, stdout);
    buffer_release(&text);
    free(query);
    return EXIT_DONE;
}

static const struct command {
    const char *name;
    int (*run)(const struct request *request);
    int least, most; /* operands; most negative: any number */
    enum store_mode mode;
} commands[] = {
    {"remember", remember, 2, 2, STORE_WRITE},
    {"recall", recall, 0, -1, STORE_READ},
    {"forget", forget, 1, 1, STORE_WRITE},
    {"list", list, 0, -1, STORE_READ},
};

static const struct command *find_command(char **operands)
{
    if (operands[0] == NULL)
        die_usage("a command is needed: remember, recall, forget or list");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, operands[0]) == 0) {
            program_count_operands(operands[0], operands + 1, commands[i].least, commands[i].most);
            return &commands[i];
        }
    }
    die_usage("unknown command '%s'", operands[0]);
}

int main(int argc, char **argv)
{
    static struct settings settings;
    static struct request request = {.limit = RECALL_DEFAULT};
    static struct program program = {
        .name = "ts-memory",
        .synopsis = "[options] command [argument ...]",
        .purpose = "keeps and finds memories across conversations",
        .options = options,
        .notes = notes,
    };
    program.shared_options = config_options(CONFIG_FOR_STORE);
    program_start(&program, argc, argv);
    const char *value;
    int id;
    while ((id = program_option(&value)) != OPTION_END) {
        if (id == OPTION_SCOPE)
            request.scope = value;
        else if (id == OPTION_JSON)
            request.json = true;
        else if (id == OPTION_LIMIT)
            request.limit = program_integer("limit", value, 1, RECALL_MOST);
        else
            settings_take(&settings, id, value);
    }
    if (request.scope != NULL && strcmp(request.scope, "user") != 0 &&
        strcmp(request.scope, "project") != 0)
        die_usage("--scope: '%s' is neither project nor user", request.scope);
    argv += program_operand();
    const struct command *command = find_command(argv);
    request.operands = argv + 1;
    struct config *config = settings_load(&settings);
    struct error error;
    if (recall_project(request.project, &error) < 0 ||
        store_open(&request.store, config_text(config, "store.path"), command->mode, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    int code = command->run(&request);
    store_close(request.store);
    config_free(config);
    program_exit(code);
}
