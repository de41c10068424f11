/*
 * Options and configuration together: options that config_options offers are
 * put aside while the command line is read, the configuration is loaded, and
 * then they are applied on top of it.
 *
 *     static struct settings settings;
 *     program.shared_options = config_options(CONFIG_FOR_CHAT);
 *     while ((id = program_option(&value)) != OPTION_END) {
 *         if (settings_take(&settings, id, value)) continue;
 *         ...
 *     }
 *     struct config *config = settings_load(&settings);
 */
#ifndef CMD_COMMON_SETTINGS_H
#define CMD_COMMON_SETTINGS_H

#include "base/option.h"
#include "data/config.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SETTINGS_MOST = 256, /* options of one command line */
    OPTION_CONFIG = OPTION_LONG + 600,
};

/* A row for a program's own table. */
#define SETTINGS_OPTION_CONFIG                                                                     \
    {                                                                                              \
        OPTION_CONFIG, "config", "FILE", "read FILE instead of the user's config.toml"             \
    }

struct settings {
    const char *file; /* --config */
    struct {
        int id;
        const char *value;
    } given[SETTINGS_MOST];
    size_t count;
};

/* Whether the option was one of these, and is now kept. Too many end the program. */
bool settings_take(struct settings *settings, int id, const char *value);

/* warn() for config_load, whose pointer type cannot carry a format attribute. */
void settings_warn(const char *format, ...);

/* Ends the program when the files or the environment are wrong (EXIT_CONFIG) or a flag is
 * (EXIT_USAGE), every error on a line of its own. */
struct config *settings_load(const struct settings *settings);

#endif
