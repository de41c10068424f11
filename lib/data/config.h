/*
 * The configuration: one table of keys (config_keys), from which the files are
 * validated and --help, turnstone.toml(5) and `ts-config` are made.
 *
 * A value comes from the first of: a flag, the environment, the project's
 * .turnstone/config.toml (only when trusted), the user's config.toml, the
 * system's /etc/turnstone/config.toml, the built-in default. An empty text
 * counts as unset for secrets. A file that cannot be read, an unknown key, a
 * wrong type or range: all such errors are reported together, and loading fails.
 *
 * Names: "section.key", as in "api.base_url". A program passes what its flags
 * said on to the programs it starts through the environment (config_export).
 */
#ifndef DATA_CONFIG_H
#define DATA_CONFIG_H

#include "base/error.h"
#include "base/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct buffer;

enum config_type {
    CONFIG_TEXT,
    CONFIG_SECRET, /* a text that is never shown */
    CONFIG_PATH,   /* a text; a leading ~/ is the home directory */
    CONFIG_INTEGER,
    CONFIG_NUMBER,
    CONFIG_BOOLEAN,
    CONFIG_LIST,  /* of texts */
    CONFIG_TABLE, /* structured */
};

enum config_origin {
    CONFIG_DEFAULT,
    CONFIG_SYSTEM,
    CONFIG_USER,
    CONFIG_PROJECT,
    CONFIG_ENVIRONMENT,
    CONFIG_FLAG,
};

/* Which programs offer a key's flag, one bit each. */
enum config_program {
    CONFIG_FOR_CHAT = 1,
    CONFIG_FOR_LLM = 2,
    CONFIG_FOR_TOOLS = 4, /* ts-tool-prep, ts-tool-exec */
    CONFIG_FOR_APPROVE = 8,
    CONFIG_FOR_RENDER = 16,
    CONFIG_FOR_JAIL = 32,
    CONFIG_FOR_STORE = 64,   /* everything that opens the database */
    CONFIG_FOR_SERVER = 128, /* ts-node, ts-sse, ts-health */
    CONFIG_FOR_ROUTE = 256,  /* ts-route, ts-heartbeat, ts-send */
    CONFIG_FOR_DASH = 512,
    CONFIG_FOR_REPL = 1024,
    CONFIG_FOR_EXEC = 2048, /* ts-tool-exec alone */
    CONFIG_FOR_WEB = 4096,  /* ts-fetch */
    CONFIG_FOR_MCP = 8192,  /* ts-mcp */
};

struct config_key {
    const char *name; /* "section.key" */
    enum config_type type;
    const char *fallback;      /* the default as text; NULL: none */
    double least, most;        /* bounds of numbers; both 0: none */
    const char *choices;       /* "low medium high"; NULL: any */
    const char *placeholder;   /* of the flag's argument, with the unit: "SECONDS"; NULL: by type */
    const char *flag;          /* long option without dashes; NULL: none */
    const char *environment;   /* primary variable */
    const char *environment_2; /* a second, older name; NULL: none */
    unsigned programs;         /* enum config_program */
    bool project;              /* a project file may set it */
    bool later;                /* checked and kept, but for programs that do not exist yet */
    const char *replaced_by;   /* the original's key that has no meaning here: what to do instead */
    const char *help;          /* fragment, lower case, no full stop */
};

extern const struct config_key config_keys[]; /* ends with name NULL */

/*
 * Option table for the flags that programs (enum config_program, or-ed) offer,
 * "--no-x" forms of booleans included; ends with a NULL name. Static storage.
 */
const struct option_spec *config_options(unsigned programs);

/* The key of a name; NULL: unknown. */
const struct config_key *config_find(const char *name);

/* A key of [models.ALIAS]: has the type and bounds of an other key, whose value stands in for it.
 */
struct config_model_key {
    const char *name; /* "base_url" */
    const char *like; /* "api.base_url" */
};

extern const struct config_model_key config_model_keys[]; /* ends with name NULL */

/* The known name nearest to a misspelt one, "section.key" or "section"; NULL: none is near. */
const char *config_nearest(const char *name);

/*
 * Find the files, read, check and merge them with the environment. file, when
 * not NULL, replaces the user's file (also from TURNSTONE_CONFIG). NULL with a
 * sentence "FILE:LINE:COLUMN: ..." (several, joined by newlines, when there are
 * several errors). Warnings for a person go to warn, one sentence each.
 */
struct config *config_load(
    const char *file, void (*warn)(const char *format, ...), struct error *error);
void config_free(struct config *config);

/* The system's file: /etc/turnstone/config.toml, or TURNSTONE_SYSTEM_CONFIG. */
const char *config_system_file(void);

/* The files that were read, in rising precedence: its path and origin, or NULL behind the last. */
const char *config_file(const struct config *config, size_t index, enum config_origin *origin);

/*
 * Check one file alone, as a user's file: 0, or -1 with its errors, joined by
 * newlines, in text.
 */
int config_check_file(const char *path, void (*warn)(const char *format, ...), struct buffer *text);

/*
 * The nearest directory/name, from a directory upward as far as the top of its
 * repository; path has PATH_MAX bytes. The home directory and what is above it
 * belong to no project.
 */
bool config_find_above(const char *directory, const char *name, char *path);

/* The file of the project we are in, trusted or not; path has PATH_MAX bytes. */
bool config_find_project(char *path);

/* The id of a key's option, as config_options has it. */
int config_option(const char *name);

/* Take an option of config_options; value NULL for a switch. 0, or -1 with a sentence. */
int config_set_option(struct config *config, int option, const char *value, struct error *error);

/* Values, owned by config. An empty text is NULL too: for every key it means 'none'. Asking for an
 * unknown name is a bug and aborts. */
const char *config_text(const struct config *config, const char *name); /* NULL: unset */
int64_t config_integer(const struct config *config, const char *name);
double config_number(const struct config *config, const char *name);
bool config_boolean(const struct config *config, const char *name);
size_t config_list_size(const struct config *config, const char *name);
const char *config_list_item(const struct config *config, const char *name, size_t index);

/* Any value as text, lists with commas, tables as JSON; a secret as it is. The caller frees it.
 * NULL: unset. */
char *config_print(const struct config *config, const char *name);

/* Where a value comes from; and for files, the file's name, else NULL. */
enum config_origin config_origin(const struct config *config, const char *name);
const char *config_origin_file(const struct config *config, const char *name);

/* Somebody set it: the origin is not CONFIG_DEFAULT. */
bool config_is_set(const struct config *config, const char *name);

/* Whose keys an environment may hold, or-ed. */
enum config_secrets {
    CONFIG_NO_SECRETS,
    CONFIG_MODEL_SECRETS,  /* of [api], and what api_key_command may read */
    CONFIG_SEARCH_SECRETS, /* of web search */
};

/*
 * An environment for a child: ours without secrets, with the variables of all
 * keys whose value came from a flag. The variables that hold keys stay for
 * those in secrets (enum config_secrets). NULL-terminated; the next call and
 * config_free free it. NULL: no memory.
 */
char **config_export(struct config *config, unsigned secrets);

/* Models. */

struct config_model {
    const char *alias;
    const char *model;       /* NULL: ask the server */
    const char *base_url;    /* without a trailing slash */
    const char *unix_socket; /* NULL, or a path: base_url then names only host and path */
    const char *ca_file;     /* NULL: the system's */
    const char *proxy;       /* NULL: as http_proxy and https_proxy say */
    bool verify_tls;
    int64_t context_window;        /* 0: not set, ask the server or assume the default */
    int64_t max_tokens;            /* 0: not set */
    double temperature;            /* NAN: not set */
    const char *reasoning_effort;  /* NULL: not set */
    const char *system_role;       /* "system" or "developer" */
    const char *effort_field;      /* where reasoning_effort goes: "reasoning_effort",
                                      "chat_template_kwargs" or "none" */
    const char *token_limit_field; /* "max_completion_tokens" or "max_tokens" */
    const char *think_tags;        /* "auto" (only at the start), "always", "never" */
    bool replay_reasoning;         /* send reasoning back under the name it came with */
    bool require_finish_reason;    /* a stream without one is an interrupted one */
    const char *extra_body;        /* JSON object text, or NULL */
    double connect_timeout;        /* seconds */
    double first_byte_timeout;     /* seconds; 0: none */
    bool first_byte_timeout_set;   /* somebody chose it; else it may not fit a local server */
    double idle_timeout;           /* seconds; 0: none */
    int64_t retries;
};

/*
 * Which alias NULL stands for: model.name where that is one, else model.default.
 * A field of a model comes from [models.ALIAS], else from [model] or [api]; but
 * for that one alias flags and environment come first ([api]'s only where it
 * is model.default's: TURNSTONE_BASE_URL does not redirect a model that was
 * chosen by name).
 */
const char *config_model_default(const struct config *config);

/* The model of an alias; NULL or "" is the default one. 0, or -1 with a sentence naming the aliases
 * there are. The texts belong to config. */
int config_model(const struct config *config, const char *alias, struct config_model *model,
    struct error *error);

/*
 * The key for a model, from api_key, api_key_file, api_key_command or the
 * environment, inherited from [api] only for the same origin of URL. The
 * caller frees *key and wipes it; NULL when there is none. 0, or -1 with a
 * sentence that never holds the key.
 */
int config_model_key(
    const struct config *config, const char *alias, char **key, struct error *error);

#endif
