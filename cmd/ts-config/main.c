/* ts-config: checks, shows and edits the configuration. */
#include "common/program.h"
#include "ts_config.h"

#include <string.h>

enum { OPTION_ORIGIN = OPTION_LONG, OPTION_JSON, OPTION_MDOC };

static const struct option_spec options[] = {
    SETTINGS_OPTION_CONFIG,
    {OPTION_ORIGIN, "origin", NULL, "show: say where each value comes from"},
    {OPTION_JSON, "json", NULL, "show, keys: one JSON object"},
    {OPTION_MDOC, "mdoc", NULL, "keys: the list of turnstone.toml(5)"},
    {0},
};

static const struct {
    const char *name;
    int (*run)(const struct request *request);
    int least, most; /* operands; most negative: any number */
} commands[] = {
    {"check", check_files, 0, -1},
    {"show", show_settings, 0, -1},
    {"get", get_setting, 1, 1},
    {"keys", list_keys, 0, 0},
    {"edit", edit_file, 0, 0},
    {"path", print_paths, 0, 0},
    {"trust", trust_files, 0, -1},
    {"untrust", untrust_files, 0, -1},
    {"toml-json", print_toml, 0, 1},
};

static const char notes[] =
    "Commands:\n"
    "  check [FILE ...]    report every error of the files\n"
    "  show [KEY ...]      what is in force; secrets only as set or unset\n"
    "  get KEY             one value; exit 1 when it is not set\n"
    "  keys                every key there is\n"
    "  edit                change the user's file; a broken one is refused\n"
    "  path                the files that are looked for\n"
    "  trust [PATH ...]    let the project's file be read, its tools be used\n"
    "  untrust [PATH ...]  no longer\n"
    "  toml-json [FILE]    any TOML as JSON with types\n";

static int run(const struct request *request, const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        program_count_operands(name, request->operands, commands[i].least, commands[i].most);
        return commands[i].run(request);
    }
    die_usage("unknown command '%s'", name);
}

int main(int argc, char **argv)
{
    static struct request request;
    static struct program program = {
        .name = "ts-config",
        .synopsis = "[options] command [argument ...]",
        .purpose = "checks, shows and edits the configuration",
        .options = options,
        .notes = notes,
    };
    program.shared_options =
        config_options(CONFIG_FOR_CHAT | CONFIG_FOR_LLM | CONFIG_FOR_TOOLS | CONFIG_FOR_APPROVE |
                       CONFIG_FOR_RENDER | CONFIG_FOR_JAIL | CONFIG_FOR_STORE | CONFIG_FOR_REPL);
    program_start(&program, argc, argv);
    const char *value;
    int id;
    while ((id = program_option(&value)) != OPTION_END) {
        if (id == OPTION_ORIGIN)
            request.origin = true;
        else if (id == OPTION_JSON)
            request.json = true;
        else if (id == OPTION_MDOC)
            request.mdoc = true;
        else
            settings_take(&request.settings, id, value);
    }
    argv += program_operand();
    if (argv[0] == NULL)
        die_usage("say what to do");
    request.operands = argv + 1;
    program_exit(run(&request, argv[0]));
}
