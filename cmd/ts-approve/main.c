/*
 * ts-approve: prepared batches in, decided batches out; and for people: what
 * waits for a decision, and the decision.
 */
#include "common/program.h"
#include "common/settings.h"
#include "ts-approve/approve.h"
#include "ts-approve/explain.h"
#include "ts-approve/manage.h"

#include <stdlib.h>
#include <string.h>

enum {
    POLICIES_MOST = 64,
    DEFAULT_TIMEOUT = 300,     /* seconds, where the configuration says nothing */
    TIMEOUT_MOST = 31 * 86400, /* seconds */
};

enum option_id {
    OPTION_PROJECT = OPTION_LONG,
    OPTION_TIMEOUT,
    OPTION_EXPLAIN,
    OPTION_JSON,
    OPTION_ALL,
};

static const struct option_spec options[] = {
    SETTINGS_OPTION_CONFIG,
    {OPTION_PROJECT, "project", "DIR", "where relative paths in rules begin (default: here)"},
    {OPTION_TIMEOUT, "timeout", "SECONDS", "longest wait for an answer; 0: no limit"},
    {OPTION_EXPLAIN, "explain", NULL,
        "say how TOOL with ARGUMENTS, or prepared lines on stdin, would be decided, and why"},
    {OPTION_JSON, "json", NULL, "print list, show and rules as lines of JSON"},
    {OPTION_ALL, "all", NULL, "list what was decided too"},
    {0},
};

static const char notes[] =
    "Without a command it is a stage of the tool pipeline: prepared lines become decided ones.\n"
    "\n"
    "Commands:\n"
    "  list                     what waits for an answer\n"
    "  show ID                  the whole of a request\n"
    "  ID allow|deny [MESSAGE]  answer it; the model reads the message\n"
    "  rules [revoke NUMBER]    what was approved for always; take a rule back\n"
    "An id may be cut down to its first four characters or more.\n";

struct choices {
    struct settings settings;
    const char *policies[POLICIES_MOST];
    size_t policy_count;
    const char *project;
    long long timeout; /* seconds; -1: as configured */
    bool explain, json, all;
};

static void load_policy(struct approver *approver, const char *file)
{
    struct error error;
    if (policy_load(&approver->policy, file, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
}

/* --policy may be given several times, and adds to the configured policy: a rule that denies is
 * not lost by naming another file. */
static bool is_policy_option(int id)
{
    const struct option_spec *option = config_options(CONFIG_FOR_APPROVE);
    while (option->name != NULL && option->id != id)
        option++;
    return option->name != NULL && strcmp(option->name, "policy") == 0;
}

static void read_options(struct choices *choices)
{
    const char *value;
    int id;
    while ((id = program_option(&value)) != OPTION_END) {
        if (is_policy_option(id)) {
            if (choices->policy_count == POLICIES_MOST)
                die_usage("too many policies");
            choices->policies[choices->policy_count++] = value;
        } else if (id == OPTION_PROJECT) {
            choices->project = value;
        } else if (id == OPTION_TIMEOUT) {
            choices->timeout = program_integer("timeout", value, 0, TIMEOUT_MOST);
        } else if (id == OPTION_EXPLAIN) {
            choices->explain = true;
        } else if (id == OPTION_JSON) {
            choices->json = true;
        } else if (id == OPTION_ALL) {
            choices->all = true;
        } else {
            settings_take(&choices->settings, id, value);
        }
    }
}

static double default_timeout(const struct config *config)
{
    return config_is_set(config, "approve.timeout") ? config_number(config, "approve.timeout")
                                                    : DEFAULT_TIMEOUT;
}

static void set_up(struct approver *approver, const struct choices *choices)
{
    const char *policy = config_text(approver->config, "approve.policy");
    if (policy != NULL)
        load_policy(approver, policy);
    for (size_t i = 0; i < choices->policy_count; i++)
        load_policy(approver, choices->policies[i]);
    approver->project = realpath(choices->project, NULL);
    if (approver->project == NULL)
        die(EXIT_CONFIG, "project directory '%s' is not there", choices->project);
    approver->timeout =
        choices->timeout >= 0 ? (double)choices->timeout : default_timeout(approver->config);
}

int main(int argc, char **argv)
{
    const struct program program = {
        .name = "ts-approve",
        .synopsis = "[options] [command [argument ...]]",
        .purpose = "decides about prepared tool calls",
        .options = options,
        .notes = notes,
        .shared_options = config_options(CONFIG_FOR_APPROVE),
        .operands_end_options = true, /* a message may begin with a dash */
    };
    static struct approver approver;
    static struct choices choices = {.project = ".", .timeout = -1};
    program_start(&program, argc, argv);
    read_options(&choices);
    char **operands = argv + program_operand();
    approver.config = settings_load(&choices.settings);
    if (operands[0] != NULL && !choices.explain) {
        struct manage_choices wanted = {approver.config, choices.json, choices.all};
        int done = manage(&wanted, operands);
        config_free(approver.config);
        program_exit(done);
    }
    set_up(&approver, &choices);
    int code = choices.explain ? explain(&approver, operands) : stream_run(&approver);
    always_release(&approver);
    policy_release(&approver.policy);
    config_free(approver.config);
    free(approver.project);
    program_exit(code);
}
