/* ts-mcp: the tools of MCP servers, and ours as one. */
#include "mcp.h"

#include "common/program.h"
#include "common/settings.h"

#include <string.h>

enum {
    OPTION_JSON = OPTION_LONG,
    OPTION_REFRESH,
    OPTION_AS_TOOL,
    OPTION_HASH,
    OPTION_HINTS,
    OPTION_TOOLS,
};

static const struct option_spec options[] = {
    {OPTION_JSON, "json", NULL, "print JSON instead of text"},
    {OPTION_REFRESH, "refresh", NULL, "ask the servers also for tools that are known"},
    {OPTION_AS_TOOL, "as-tool", NULL, "call: be the program of a tool, as tooldef(5) has it"},
    {OPTION_HASH, "hash", "HEX", "call: only if the tool is still defined as this says"},
    {OPTION_HINTS, "hints", "WORDS", "call: what the server says of the tool, for the preview"},
    {OPTION_TOOLS, "tools", "NAME,...", "serve: only these tools, also those of others"},
    SETTINGS_OPTION_CONFIG,
    {0},
};

static const struct {
    const char *name;
    int (*run)(const struct request *request);
} commands[] = {
    {"tools", command_tools},
    {"list", command_list},
    {"call", command_call},
    {"status", command_status},
    {"session", command_session},
    {"serve", command_serve},
};

int main(int argc, char **argv)
{
    static struct settings settings;
    const struct program program = {
        .name = "ts-mcp",
        .synopsis = "[options] tools|list|call|status|serve|session [operand ...]",
        .purpose = "lists and calls the tools of MCP servers, and serves our own",
        .options = options,
        .shared_options = config_options(CONFIG_FOR_MCP | CONFIG_FOR_STORE | CONFIG_FOR_TOOLS |
                                         CONFIG_FOR_EXEC | CONFIG_FOR_APPROVE),
        .notes = "Commands:\n"
                 "  list [SERVER]             the tools of all servers, or of one, which is asked\n"
                 "  call SERVER TOOL [JSON]   call a tool; '-' reads the arguments from stdin\n"
                 "  status                    how the servers are, and what they say on stderr\n"
                 "  tools                     definitions for the tool pipeline\n"
                 "  serve                     offer our own tools to another client, over stdio\n"
                 "  session                   keep the servers of one conversation\n",
    };
    struct request request = {0};
    const char *value;
    int id;
    program_start(&program, argc, argv);
    while ((id = program_option(&value)) != OPTION_END) {
        if (settings_take(&settings, id, value))
            continue;
        switch (id) {
        case OPTION_JSON:
            request.json = true;
            break;
        case OPTION_REFRESH:
            request.refresh = true;
            break;
        case OPTION_AS_TOOL:
            request.as_tool = true;
            break;
        case OPTION_HASH:
            request.hash = value;
            break;
        case OPTION_HINTS:
            request.hints = value;
            break;
        case OPTION_TOOLS:
            request.tools = value;
            break;
        }
    }
    char **operands = argv + program_operand();
    if (operands[0] == NULL)
        die_usage("a command is needed: tools, list, call, status, serve or session");
    request.operands = operands + 1;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(operands[0], commands[i].name) != 0)
            continue;
        request.config = settings_load(&settings);
        int code = commands[i].run(&request);
        config_free(request.config);
        program_exit(code);
    }
    die_usage("there is no command '%s'", operands[0]);
}
