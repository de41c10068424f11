/* Private to lib/data/config*.c: what a loaded configuration consists of. */
#ifndef DATA_CONFIG_INTERNAL_H
#define DATA_CONFIG_INTERNAL_H

#include "base/buffer.h"
#include "data/config.h"
#include "data/toml.h"

enum {
    CONFIG_FILES = 3,                /* system, user, project */
    CONFIG_PROBLEMS_LIMIT = 1 << 16, /* bytes of all errors of all files together */
    CONFIG_SECRET_LIMIT = 1 << 16,   /* bytes of a key, a key file, a command's output */
};

/* The value of one key. Scalars are kept as text that has been checked against the key. */
struct setting {
    enum config_origin origin;
    char *text;   /* owned; NULL: none, the fallback holds */
    char **items; /* owned; of a list */
    size_t count;
    const struct config_file *file; /* NULL: from elsewhere */
    const struct toml_value *tree;  /* as the file has it; NULL: from elsewhere */
};

struct config_file {
    enum config_origin origin;
    char *path;                     /* owned */
    struct toml_document *document; /* owned */
};

struct config {
    struct setting *settings;               /* in the order of config_keys */
    struct config_file files[CONFIG_FILES]; /* in rising precedence */
    size_t file_count;
    bool incomplete;    /* a file could not be read: what it defines is not known */
    char *given_file;   /* --config or TURNSTONE_CONFIG; NULL: none */
    char **environment; /* made by config_export */
    struct kept *kept;  /* texts made when asked for */
    void (*warn)(const char *format, ...);
};

/* Errors, collected: one line each. */
struct problems {
    struct buffer text;
    size_t count;
};

void problem(struct problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "FILE:LINE:COLUMN: " + sentence. */
void problem_at(struct problems *problems, const char *path, int line, int column,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

size_t config_key_index(const char *name); /* aborts when there is none */

/* config_check.c: is a value what the key wants? 0, or -1 with a sentence without the name. */
int config_check_text(const struct config_key *key, const char *text, struct error *error);
int config_check_toml(
    const struct config_key *key, const struct toml_value *value, struct error *error);

/* An empty string in a file: the same as if the key were not there. */
bool config_is_empty(const struct toml_value *value);
int config_parse_boolean(const char *text, bool *truth);

/* Scalar, once checked, as text; NULL: no memory. */
char *config_toml_text(const struct toml_value *value);

/* config_file.c */

/* Parse and check a text that stood in a file, and take its values. */
void config_add_content(struct config *config, const char *path, enum config_origin origin,
    const struct buffer *content, bool others_read, struct problems *problems);

/* Read one file and add it. A missing one is no error unless required.
 */
void config_add_file(struct config *config, const char *path, enum config_origin origin,
    bool required, struct problems *problems);

/* Bytes of a file of bounded size that must be a regular one. 0, or -1 with a sentence; errno
 * ENOENT: it is not there. */
int config_read_file(
    const char *path, size_t limit, struct buffer *content, bool *others_read, struct error *error);

/* config.c */

/* "~/" expanded; a relative path in a file begins beside that file. The caller frees it. */
char *config_expand_path(const char *text, const struct config_file *file, struct error *error);
void setting_clear(struct setting *setting);
int setting_take_text(
    struct setting *setting, const struct config_key *key, const char *text, struct error *error);
int setting_take_toml(struct setting *setting, const struct config_key *key,
    const struct config_file *file, const struct toml_value *value, struct error *error);

/* config_project.c: the file of the project we are in, when it is trusted */
void config_add_project(struct config *config, struct problems *problems);

/* config_model.c */

/* The aliases that [model] names must exist. */
void config_check_aliases(const struct config *config, struct problems *problems);

/* What the highest file with it says in [models.ALIAS]; NULL: none does. */
const struct toml_value *config_model_value(
    const struct config *config, const char *alias, const char *name);

/* Whether a flag or the environment overrides this model's field like the key "section.key". */
bool config_model_overridden(const struct config *config, const char *alias, const char *like);

/* A text for as long as config lives; takes it over, also when it fails (NULL). */
struct kept {
    struct kept *next;
    char *text;
};
const char *config_keep(const struct config *config, char *text);

#endif
