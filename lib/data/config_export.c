/* The environment that a program gives to those it starts. */
#include "data/config_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The variable's name has the length before '='. */
static bool is_named(const char *entry, const char *name)
{
    size_t length = strlen(name);
    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool ends_in(const char *entry, const char *end)
{
    size_t length = strcspn(entry, "="), size = strlen(end);
    return length >= size && memcmp(entry + length - size, end, size) == 0;
}

enum { NO_SECRET = 0, OTHER_SECRET = 1 << 30 };

static unsigned secret_of_key(const struct config_key *key)
{
    if (strcmp(key->name, "api.api_key") == 0 || strcmp(key->name, "api.api_key_command") == 0)
        return CONFIG_MODEL_SECRETS;
    if (strcmp(key->name, "api.tavily_key") == 0)
        return CONFIG_SEARCH_SECRETS;
    return key->type == CONFIG_SECRET ? OTHER_SECRET : NO_SECRET;
}

/* Whose key a variable holds; NO_SECRET: none. */
static unsigned secret_of(const char *entry)
{
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        if ((key->environment != NULL && is_named(entry, key->environment)) ||
            (key->environment_2 != NULL && is_named(entry, key->environment_2)))
            return secret_of_key(key);
    }
    /* No key of ours, but by its name one: a person's, for api_key_command. */
    bool named = strncmp(entry, "TURNSTONE_", 10) == 0 &&
                 (ends_in(entry, "TOKEN") || ends_in(entry, "KEY") || ends_in(entry, "PASSWORD") ||
                     ends_in(entry, "SECRET"));
    return named ? CONFIG_MODEL_SECRETS : NO_SECRET;
}

static bool is_replaced(const struct config *config, const char *entry)
{
    if (is_named(entry, "TS_CONFIG_WARNED") ||
        (config->given_file != NULL && is_named(entry, "TURNSTONE_CONFIG")))
        return true;
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        if (config->settings[key - config_keys].origin == CONFIG_FLAG && key->environment != NULL &&
            is_named(entry, key->environment))
            return true;
    }
    return false;
}

struct list {
    char **entries;
    size_t count, capacity;
};

static int add(struct list *list, const char *name, const char *value)
{
    if (list->count + 1 >= list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        char **entries = realloc(list->entries, capacity * sizeof *entries);
        if (entries == NULL)
            return -1;
        list->entries = entries;
        list->capacity = capacity;
    }
    struct buffer entry;
    buffer_init(&entry, TOML_SIZE_LIMIT * 2);
    int status = buffer_append_text(&entry, name);
    if (value != NULL && status == 0)
        status = buffer_printf(&entry, "=%s", value);
    char *text = status == 0 ? buffer_take(&entry) : NULL;
    buffer_release(&entry);
    if (text == NULL)
        return -1;
    list->entries[list->count++] = text;
    list->entries[list->count] = NULL;
    return 0;
}

static int add_flags(struct list *list, const struct config *config)
{
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        const struct setting *setting = &config->settings[key - config_keys];
        if (setting->origin == CONFIG_FLAG && key->environment != NULL &&
            add(list, key->environment, setting->text) < 0)
            return -1;
    }
    return 0;
}

static void release(char **entries)
{
    for (char **entry = entries; entry != NULL && *entry != NULL; entry++)
        free(*entry);
    free(entries);
}

char **config_export(struct config *config, unsigned secrets)
{
    struct list list = {0};
    /* What was warned about once need not be said again by every stage of a pipeline. */
    int status = add(&list, "TS_CONFIG_WARNED", "1");
    for (char **entry = environ; status == 0 && entry != NULL && *entry != NULL; entry++) {
        if (!is_replaced(config, *entry) && (secret_of(*entry) & ~secrets) == 0)
            status = add(&list, *entry, NULL);
    }
    if (status == 0 && config->given_file != NULL)
        status = add(&list, "TURNSTONE_CONFIG", config->given_file);
    if (status == 0)
        status = add_flags(&list, config);
    if (status < 0) {
        release(list.entries);
        return NULL;
    }
    release(config->environment);
    config->environment = list.entries;
    return list.entries;
}
