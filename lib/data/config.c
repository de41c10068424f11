/* Settings: loaded from files, environment and flags, and asked for by name. */
#include "data/config.h"

#include "base/buffer.h"
#include "data/config_internal.h"
#include "data/json.h"
#include "io/paths.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys. */

const struct config_key *config_find(const char *name)
{
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        if (strcmp(key->name, name) == 0)
            return key;
    }
    return NULL;
}

size_t config_key_index(const char *name)
{
    const struct config_key *key = config_find(name);
    if (key == NULL) {
        fprintf(stderr, "there is no configuration key '%s'\n", name);
        abort();
    }
    return (size_t)(key - config_keys);
}

static size_t key_count(void)
{
    size_t count = 0;
    while (config_keys[count].name != NULL)
        count++;
    return count;
}

/* One setting. */

void setting_clear(struct setting *setting)
{
    free(setting->text);
    for (size_t i = 0; i < setting->count; i++)
        free(setting->items[i]);
    free(setting->items);
    *setting = (struct setting){0};
}

static int setting_add_item(struct setting *setting, const char *text, size_t length)
{
    char **items = realloc(setting->items, (setting->count + 1) * sizeof *items);
    if (items == NULL)
        return -1;
    setting->items = items;
    items[setting->count] = strndup(text, length);
    if (items[setting->count] == NULL)
        return -1;
    setting->count++;
    return 0;
}

/* Names between commas, white space around them dropped, empty ones too. */
static int setting_split(struct setting *setting, const char *text)
{
    while (*text != '\0') {
        text += strspn(text, " \t,");
        size_t length = strcspn(text, ",");
        size_t trimmed = length;
        while (trimmed > 0 && (text[trimmed - 1] == ' ' || text[trimmed - 1] == '\t'))
            trimmed--;
        if (trimmed > 0 && setting_add_item(setting, text, trimmed) < 0)
            return -1;
        text += length;
    }
    return 0;
}

char *config_expand_path(const char *text, const struct config_file *file, struct error *error)
{
    char path[PATH_MAX];
    if (text[0] == '~') {
        if (paths_expand_home(path, sizeof path, text, error) < 0)
            return NULL;
        return strdup(path);
    }
    /* A relative path in a file means the same wherever the program is started. */
    const char *slash = file != NULL ? strrchr(file->path, '/') : NULL;
    if (text[0] == '/' || text[0] == '\0' || slash == NULL)
        return strdup(text);
    int length =
        snprintf(path, sizeof path, "%.*s/%s", (int)(slash - file->path), file->path, text);
    if (length < 0 || (size_t)length >= sizeof path) {
        error_set(error, "path too long");
        return NULL;
    }
    return strdup(path);
}

static int take_checked(struct setting *setting, const struct config_key *key, const char *text,
    const struct config_file *file, struct error *error)
{
    bool truth;
    error_set(error, "out of memory");
    if (key->type == CONFIG_PATH)
        setting->text = config_expand_path(text, file, error);
    else if (key->type == CONFIG_BOOLEAN && config_parse_boolean(text, &truth) == 0)
        setting->text = strdup(truth ? "true" : "false");
    else
        setting->text = strdup(text);
    return setting->text != NULL ? 0 : -1;
}

int setting_take_text(
    struct setting *setting, const struct config_key *key, const char *text, struct error *error)
{
    if (config_check_text(key, text, error) < 0)
        return -1;
    setting_clear(setting);
    if (key->type == CONFIG_LIST && setting_split(setting, text) < 0)
        return error_system(error, "take the value");
    return take_checked(setting, key, text, NULL, error);
}

int setting_take_toml(struct setting *setting, const struct config_key *key,
    const struct config_file *file, const struct toml_value *value, struct error *error)
{
    if (config_check_toml(key, value, error) < 0)
        return -1;
    setting_clear(setting);
    setting->origin = file->origin;
    setting->file = file;
    setting->tree = value;
    if (key->type == CONFIG_LIST) {
        for (size_t i = 0; i < value->count; i++) {
            const struct toml_value *item = value->items[i];
            if (setting_add_item(setting, item->text, item->count) < 0)
                return error_system(error, "take the value");
        }
        return 0;
    }
    char *text = config_toml_text(value);
    if (text == NULL)
        return error_system(error, "take the value");
    int status = take_checked(setting, key, text, file, error);
    free(text);
    return status;
}

/* Environment. */

/*
 * An empty variable can say 'none' only where an empty value means that. Where
 * it would be wrong (numbers) or dangerous (secrets), it counts as not set.
 */
static bool is_given(const struct config_key *key, const char *value)
{
    if (value == NULL)
        return false;
    bool may_be_empty = key->type == CONFIG_LIST || key->type == CONFIG_PATH ||
                        (key->type == CONFIG_TEXT && key->choices == NULL && key->fallback == NULL);
    return value[0] != '\0' || may_be_empty;
}

static void add_environment(struct config *config, struct problems *problems)
{
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        const char *variable = key->environment;
        const char *value = variable != NULL ? getenv(variable) : NULL;
        if (!is_given(key, value) && key->environment_2 != NULL) {
            variable = key->environment_2;
            value = getenv(variable);
        }
        if (!is_given(key, value))
            continue;
        struct error error;
        struct setting *setting = &config->settings[key - config_keys];
        if (setting_take_text(setting, key, value, &error) < 0)
            problem(problems, "%s (in the environment) %s", variable, error.text);
        else
            setting->origin = CONFIG_ENVIRONMENT;
    }
}

/* Loading. */

const char *config_system_file(void)
{
    const char *given = getenv("TURNSTONE_SYSTEM_CONFIG");
    return given != NULL && given[0] != '\0' ? given : "/etc/turnstone/config.toml";
}

static void add_files(struct config *config, const char *given, struct problems *problems)
{
    config_add_file(config, config_system_file(), CONFIG_SYSTEM, false, problems);
    if (given == NULL || given[0] == '\0')
        given = getenv("TURNSTONE_CONFIG");
    if (given != NULL && given[0] != '\0') {
        char path[PATH_MAX];
        struct error error;
        if (paths_resolve(path, sizeof path, ".", given, &error) < 0)
            problem(problems, "%s", error.text);
        else if ((config->given_file = strdup(path)) == NULL)
            problem(problems, "out of memory");
        else
            config_add_file(config, path, CONFIG_USER, true, problems);
        return;
    }
    char path[PATH_MAX];
    /* Without a home directory there is no user's file. */
    if (paths_user(path, sizeof path, PATHS_CONFIG, "config.toml", NULL) == 0)
        config_add_file(config, path, CONFIG_USER, false, problems);
}

/* As many whole lines as the sentence holds, and how many there are beside them. */
static void report(const struct problems *problems, struct error *error)
{
    if (error == NULL)
        return;
    const char *text = problems->text.data;
    size_t length = problems->text.length;
    size_t shown = problems->count;
    size_t room = sizeof error->text - 64;
    while (length > room && shown > 1) {
        while (text[length - 1] != '\n')
            length--;
        length--;
        shown--;
    }
    if (shown < problems->count)
        error_set(error, "%.*s\nand %zu more: see ts-config check", (int)length, text,
            problems->count - shown);
    else
        error_set(error, "%.*s", (int)length, text);
}

/* The items of lists that are not empty by default; other defaults are read where they stand. */
static int add_default_lists(struct config *config)
{
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        if (key->type == CONFIG_LIST && key->fallback != NULL &&
            setting_split(&config->settings[key - config_keys], key->fallback) < 0)
            return -1;
    }
    return 0;
}

static struct config *config_new(void (*warn)(const char *format, ...))
{
    struct config *config = calloc(1, sizeof *config);
    if (config == NULL)
        return NULL;
    config->settings = calloc(key_count(), sizeof *config->settings);
    config->kept = calloc(1, sizeof *config->kept);
    config->warn = warn;
    if (config->settings != NULL && config->kept != NULL && add_default_lists(config) == 0)
        return config;
    config_free(config);
    return NULL;
}

struct config *config_load(
    const char *file, void (*warn)(const char *format, ...), struct error *error)
{
    struct config *config = config_new(getenv("TS_CONFIG_WARNED") == NULL ? warn : NULL);
    if (config == NULL) {
        error_system(error, "load the configuration");
        return NULL;
    }
    struct problems problems = {.count = 0};
    buffer_init(&problems.text, CONFIG_PROBLEMS_LIMIT);
    add_files(config, file, &problems);
    config_add_project(config, &problems);
    add_environment(config, &problems);
    config_check_aliases(config, &problems);
    if (problems.count > 0) {
        report(&problems, error);
        config_free(config);
        config = NULL;
    }
    buffer_release(&problems.text);
    return config;
}

int config_check_file(const char *path, void (*warn)(const char *format, ...), struct buffer *text)
{
    struct config *config = config_new(warn);
    if (config == NULL) {
        buffer_append_text(text, "out of memory");
        return -1;
    }
    struct problems problems = {.count = 0};
    buffer_init(&problems.text, CONFIG_PROBLEMS_LIMIT);
    config_add_file(config, path, CONFIG_USER, true, &problems);
    config_check_aliases(config, &problems);
    buffer_append(text, problems.text.data, problems.text.length);
    buffer_release(&problems.text);
    config_free(config);
    return problems.count == 0 ? 0 : -1;
}

const char *config_file(const struct config *config, size_t index, enum config_origin *origin)
{
    if (index >= config->file_count)
        return NULL;
    *origin = config->files[index].origin;
    return config->files[index].path;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; config->settings != NULL && config_keys[i].name != NULL; i++)
        setting_clear(&config->settings[i]);
    free(config->settings);
    for (struct kept *kept = config->kept, *next; kept != NULL; kept = next) {
        next = kept->next;
        free(kept->text);
        free(kept);
    }
    for (size_t i = 0; i < config->file_count; i++) {
        free(config->files[i].path);
        toml_free(config->files[i].document);
    }
    free(config->given_file);
    for (char **entry = config->environment; entry != NULL && *entry != NULL; entry++)
        free(*entry);
    free(config->environment);
    free(config);
}

/* Flags. */

int config_set_option(struct config *config, int option, const char *value, struct error *error)
{
    size_t index = (size_t)(option - OPTION_SHARED) / 2;
    bool negated = (option - OPTION_SHARED) % 2 != 0;
    const struct config_key *key = &config_keys[index];
    if (key->type == CONFIG_BOOLEAN)
        value = negated ? "false" : "true";
    struct setting *setting = &config->settings[index];
    if (setting_take_text(setting, key, value, error) < 0)
        return error_prefix(error, "--%s ", key->flag);
    setting->origin = CONFIG_FLAG;
    return 0;
}

/* Values. */

static const struct setting *setting_of(const struct config *config, const char *name)
{
    return &config->settings[config_key_index(name)];
}

const char *config_text(const struct config *config, const char *name)
{
    size_t index = config_key_index(name);
    const struct setting *setting = &config->settings[index];
    const char *text =
        setting->origin != CONFIG_DEFAULT ? setting->text : config_keys[index].fallback;
    return text != NULL && text[0] != '\0' ? text : NULL;
}

int64_t config_integer(const struct config *config, const char *name)
{
    const char *text = config_text(config, name);
    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

double config_number(const struct config *config, const char *name)
{
    const char *text = config_text(config, name);
    return text != NULL ? strtod(text, NULL) : 0;
}

bool config_boolean(const struct config *config, const char *name)
{
    const char *text = config_text(config, name);
    return text != NULL && strcmp(text, "true") == 0;
}

size_t config_list_size(const struct config *config, const char *name)
{
    return setting_of(config, name)->count;
}

const char *config_list_item(const struct config *config, const char *name, size_t index)
{
    const struct setting *setting = setting_of(config, name);
    return index < setting->count ? setting->items[index] : NULL;
}

enum config_origin config_origin(const struct config *config, const char *name)
{
    return setting_of(config, name)->origin;
}

const char *config_origin_file(const struct config *config, const char *name)
{
    const struct config_file *file = setting_of(config, name)->file;
    return file != NULL ? file->path : NULL;
}

bool config_is_set(const struct config *config, const char *name)
{
    return config_origin(config, name) != CONFIG_DEFAULT;
}

char *config_print(const struct config *config, const char *name)
{
    size_t index = config_key_index(name);
    const struct setting *setting = &config->settings[index];
    const char *text = config_text(config, name);
    if (config_keys[index].type != CONFIG_LIST)
        return text != NULL            ? strdup(text)
               : setting->tree != NULL ? config_toml_text(setting->tree)
                                       : NULL;
    if (setting->count == 0)
        return NULL;
    struct buffer buffer;
    buffer_init(&buffer, TOML_SIZE_LIMIT * 2);
    for (size_t i = 0; i < setting->count; i++) {
        if ((i > 0 && buffer_append_byte(&buffer, ',') < 0) ||
            buffer_append_text(&buffer, setting->items[i]) < 0)
            break;
    }
    char *joined = buffer_take(&buffer);
    buffer_release(&buffer);
    return joined;
}
