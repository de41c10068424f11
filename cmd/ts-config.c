/* ts-config: looks at the configuration. */
#include "common/program.h"
#include "common/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    static const struct option_spec options[] = {SETTINGS_OPTION_CONFIG, {0}};
    static struct program program = {
        .name = "ts-config",
        .synopsis = "[options] get KEY",
        .purpose = "looks at the configuration",
        .options = options,
    };
    static struct settings settings;
    program.shared_options = config_options(CONFIG_FOR_CHAT | CONFIG_FOR_LLM | CONFIG_FOR_TOOLS |
        CONFIG_FOR_APPROVE | CONFIG_FOR_RENDER | CONFIG_FOR_JAIL | CONFIG_FOR_STORE);
    program_start(&program, argc, argv);
    const char *value;
    int id;
    while ((id = program_option(&value)) != OPTION_END)
        settings_take(&settings, id, value);
    argv += program_operand();
    if (argv[0] == NULL || strcmp(argv[0], "get") != 0 || argv[1] == NULL || argv[2] != NULL)
        die_usage("say what to do: get KEY");
    const struct config_key *key = config_find(argv[1]);
    if (key == NULL)
        die_usage("unknown key '%s'", argv[1]);
    struct config *config = settings_load(&settings);
    char *text = key->type == CONFIG_SECRET ? NULL : config_print(config, key->name);
    if (text != NULL)
        puts(text);
    int status = text != NULL ? EXIT_DONE : EXIT_FAILED;
    free(text);
    config_free(config);
    program_exit(status);
}
