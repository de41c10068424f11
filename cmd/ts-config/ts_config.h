/* What the parts of ts-config share: one function per subcommand, each returning an exit code. */
#ifndef CMD_TS_CONFIG_H
#define CMD_TS_CONFIG_H

#include "common/settings.h"
#include "data/config.h"

#include <stdbool.h>

struct request {
    struct settings settings;
    bool origin;     /* --origin */
    bool json;       /* --json */
    bool mdoc;       /* --mdoc */
    char **operands; /* behind the subcommand; ends with NULL */
};

/* The key of a name, or the end with EXIT_USAGE and the nearest name. */
const struct config_key *require_key(const char *name);

int show_settings(const struct request *request);
int get_setting(const struct request *request);
int list_keys(const struct request *request);
int check_files(const struct request *request);
int edit_file(const struct request *request);
int print_paths(const struct request *request);
int trust_files(const struct request *request);
int untrust_files(const struct request *request);
int print_toml(const struct request *request);

/* "default", "system", ... */
const char *origin_name(enum config_origin origin);

/* Lines of a report on stderr, each as a message of its own. */
void warn_each(const char *lines);

#endif
