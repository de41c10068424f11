/* ts-session: lists, shows, searches, names and deletes stored conversations. */
#include "common/settings.h"
#include "session.h"

#include <string.h>
#include <unistd.h>

enum { OPTION_ALL = OPTION_LONG, OPTION_HERE, OPTION_JSON, OPTION_NEWEST, OPTION_LIMIT };

static const struct option_spec options[] = {
    SETTINGS_OPTION_CONFIG,
    {OPTION_ALL, "all", NULL, "list: also the sessions of agents"},
    {OPTION_HERE, "here", NULL, "list, search: only sessions of this directory"},
    {OPTION_JSON, "json", NULL, "a JSON object per line"},
    {OPTION_NEWEST, "newest", NULL, "search: the newest first, not the best"},
    {OPTION_LIMIT, "limit", "N", "most lines of a list"},
    {0},
};

static const char notes[] = "Commands:\n"
                            "  list             the sessions, the last used first\n"
                            "  show ID          one with all its messages\n"
                            "  search [QUERY]   messages that hold every word\n"
                            "  name ID [ALIAS]  give a name, or take it away\n"
                            "  delete ID ...    remove sessions for good\n"
                            "  audit [ID]       what tools were run, and who decided\n"
                            "  check            look for damage, mend the search index\n"
                            "ID is a name, an id, or the first four or more characters of one.\n";

static const struct command {
    const char *name;
    int (*run)(const struct request *request);
    int least, most; /* operands; most negative: any number */
    enum store_mode mode;
} commands[] = {
    {"list", list_sessions, 0, 0, STORE_READ},
    {"show", show_session, 1, 1, STORE_READ},
    {"search", search_messages, 0, -1, STORE_READ},
    {"name", name_session, 1, 2, STORE_WRITE},
    {"delete", delete_sessions, 1, -1, STORE_WRITE},
    {"audit", show_audit, 0, 1, STORE_READ},
    {"check", check_store, 0, 0, STORE_WRITE},
};

static const struct command *find_command(char **operands)
{
    if (operands[0] == NULL)
        die_usage("a command is needed: list, show, search, name, delete, audit or check");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, operands[0]) == 0) {
            program_count_operands(operands[0], operands + 1, commands[i].least, commands[i].most);
            return &commands[i];
        }
    }
    die_usage("unknown command '%s'", operands[0]);
}

static bool take_option(struct request *request, int id, const char *value)
{
    switch (id) {
    case OPTION_ALL:
        request->all = true;
        return true;
    case OPTION_HERE:
        request->here = true;
        return true;
    case OPTION_JSON:
        request->json = true;
        return true;
    case OPTION_NEWEST:
        request->newest = true;
        return true;
    case OPTION_LIMIT:
        request->limit = program_integer("limit", value, 1, LIMIT_MOST);
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static struct settings settings;
    static struct request request;
    static struct program program = {
        .name = "ts-session",
        .synopsis = "[options] command [argument ...]",
        .purpose = "lists, shows, searches, names and deletes stored conversations",
        .options = options,
        .notes = notes,
    };
    program.shared_options = config_options(CONFIG_FOR_STORE);
    program_start(&program, argc, argv);
    const char *value;
    int id;
    while ((id = program_option(&value)) != OPTION_END) {
        if (!take_option(&request, id, value))
            settings_take(&settings, id, value);
    }
    argv += program_operand();
    const struct command *command = find_command(argv);
    request.operands = argv + 1;
    if (getcwd(request.directory, sizeof request.directory) == NULL)
        request.directory[0] = '\0';
    struct config *config = settings_load(&settings);
    struct error error;
    if (store_open(&request.store, config_text(config, "store.path"), command->mode, &error) < 0)
        store_failed(&error);
    int code = command->run(&request);
    store_close(request.store);
    config_free(config);
    program_exit(code);
}
