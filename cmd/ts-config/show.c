/* show and get: what is in force. */
#include "base/buffer.h"
#include "base/utf8.h"
#include "common/program.h"
#include "data/json.h"
#include "data/toml.h"
#include "ts_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_LIMIT = 8 << 20 }; /* bytes of what is shown */

const char *origin_name(enum config_origin origin)
{
    static const char *const names[] = {
        [CONFIG_DEFAULT] = "default",
        [CONFIG_SYSTEM] = "system",
        [CONFIG_USER] = "user",
        [CONFIG_PROJECT] = "project",
        [CONFIG_ENVIRONMENT] = "environment",
        [CONFIG_FLAG] = "flag",
    };
    return names[origin];
}

const struct config_key *require_key(const char *name)
{
    const struct config_key *key = config_find(name);
    if (key != NULL)
        return key;
    const char *nearest = config_nearest(name);
    if (nearest != NULL)
        die_usage("unknown key '%s': did you mean '%s'?", name, nearest);
    die_usage("unknown key '%s'", name);
}

/* Tables may hold keys and headers with keys: only that they are there is told. */
static bool is_hidden(const struct config_key *key)
{
    return key->type == CONFIG_SECRET || strcmp(key->name, "auth.tokens") == 0 ||
           strcmp(key->name, "mcp.servers") == 0;
}

/* A proxy may be written with its password: everything before its @ is taken out. */
static void hide_password(char *text)
{
    static const char mask[] = "***";
    char *user = strstr(text, "://");
    if (user == NULL)
        return;
    user += strlen("://");
    size_t length = strcspn(user, "/?#");
    char *at = memrchr(user, '@', length);
    if (at == NULL)
        return;
    size_t kept = (size_t)(at - user) < sizeof mask - 1 ? (size_t)(at - user) : sizeof mask - 1;
    memcpy(user, mask, kept);
    memmove(user + kept, at, strlen(at) + 1);
}

/* What may be shown of a value; the caller frees it. NULL: unset. */
static char *shown(const struct config *config, const struct config_key *key)
{
    char *text = config_print(config, key->name);
    if (!is_hidden(key)) {
        if (text != NULL && key->type == CONFIG_TEXT)
            hide_password(text);
        return text;
    }
    const char *word = text != NULL ? "set" : "unset";
    free(text);
    return strdup(word);
}

static noreturn void die_memory(void)
{
    die(EXIT_SYSTEM, "out of memory");
}

static bool is_wanted(const struct request *request, const struct config_key *key)
{
    for (char **name = request->operands; *name != NULL; name++) {
        if (strcmp(*name, key->name) == 0)
            return true;
    }
    /* [models] is a table of tables, which ts-models lists. */
    return request->operands[0] == NULL && strcmp(key->name, "models") != 0;
}

/* As a table. */

struct widths {
    size_t name, value;
};

enum { VALUE_COLUMN_MOST = 40 }; /* columns: a longer value pushes its origin aside alone */

static void print_row(const struct config *config, const struct config_key *key, const char *text,
    const struct widths *widths, bool with_origin)
{
    struct buffer visible;
    buffer_init(&visible, ROWS_LIMIT);
    if (utf8_append_visible(&visible, text, strlen(text), false) < 0)
        die_memory();
    size_t width = utf8_count(visible.data, visible.length);
    printf("%-*s  %s", (int)widths->name, key->name, visible.data);
    if (with_origin) {
        int padding = width < widths->value ? (int)(widths->value - width) : 0;
        const char *file = config_origin_file(config, key->name);
        printf("%*s  %s", padding, "", origin_name(config_origin(config, key->name)));
        if (file != NULL)
            printf(" %s", file);
    }
    putchar('\n');
    buffer_release(&visible);
}

static void print_table(const struct config *config, const struct request *request)
{
    struct widths widths = {0, 0};
    for (int pass = 0; pass < 2; pass++) {
        for (const struct config_key *key = config_keys; key->name != NULL; key++) {
            if (!is_wanted(request, key))
                continue;
            char *value = shown(config, key);
            const char *text = value != NULL ? value : "-";
            size_t width = utf8_count(text, strlen(text));
            if (pass == 1)
                print_row(config, key, text, &widths, request->origin);
            if (strlen(key->name) > widths.name)
                widths.name = strlen(key->name);
            if (width > widths.value && width <= VALUE_COLUMN_MOST)
                widths.value = width;
            free(value);
        }
    }
}

/* As JSON. */

static cJSON *list_json(const struct config *config, const char *name)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; list != NULL && i < config_list_size(config, name); i++) {
        cJSON *item = cJSON_CreateString(config_list_item(config, name, i));
        if (item == NULL || !cJSON_AddItemToArray(list, item))
            die_memory();
    }
    return list;
}

static cJSON *value_json(const struct config *config, const struct config_key *key, char *text)
{
    if (key->type == CONFIG_LIST)
        return list_json(config, key->name);
    if (text == NULL)
        return cJSON_CreateNull();
    switch (key->type) {
    case CONFIG_BOOLEAN:
        return cJSON_CreateBool(config_boolean(config, key->name));
    case CONFIG_INTEGER:
    case CONFIG_NUMBER:
        return cJSON_CreateNumber(config_number(config, key->name));
    case CONFIG_TABLE:
        return is_hidden(key) ? cJSON_CreateString(text) : cJSON_CreateRaw(text);
    default:
        return cJSON_CreateString(text);
    }
}

static void print_json(const struct config *config, const struct request *request)
{
    cJSON *object = cJSON_CreateObject();
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        if (!is_wanted(request, key))
            continue;
        char *text = shown(config, key);
        cJSON *row = cJSON_CreateObject();
        if (object == NULL || row == NULL ||
            json_add(row, "value", value_json(config, key, text)) < 0 ||
            json_add_string(row, "origin", origin_name(config_origin(config, key->name))) < 0 ||
            json_add_string(row, "file", config_origin_file(config, key->name)) < 0 ||
            json_add(object, key->name, row) < 0)
            die_memory();
        free(text);
    }
    char *text = cJSON_PrintUnformatted(object);
    if (text == NULL || puts(text) < 0)
        die(EXIT_SYSTEM, "print the settings: %s", strerror(errno));
    free(text);
    json_free(object);
}

int show_settings(const struct request *request)
{
    for (char **name = request->operands; *name != NULL; name++)
        require_key(*name);
    struct config *config = settings_load(&request->settings);
    if (request->json)
        print_json(config, request);
    else
        print_table(config, request);
    config_free(config);
    return EXIT_DONE;
}

int get_setting(const struct request *request)
{
    const struct config_key *key = require_key(request->operands[0]);
    struct config *config = settings_load(&request->settings);
    char *text = config_print(config, key->name);
    bool set = text != NULL;
    if (set && key->type == CONFIG_TEXT)
        hide_password(text);
    if (set && is_hidden(key))
        puts("set");
    else if (set && key->type == CONFIG_LIST) {
        for (size_t i = 0; i < config_list_size(config, key->name); i++)
            puts(config_list_item(config, key->name, i));
    } else if (set)
        puts(text);
    free(text);
    config_free(config);
    return set ? EXIT_DONE : EXIT_FAILED;
}
