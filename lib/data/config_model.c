/* [models.ALIAS]: what is said about a model, and which alias is meant. */
#include "data/config.h"

#include "data/config_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Texts made when asked for. */

const char *config_keep(const struct config *config, char *text)
{
    if (text == NULL)
        return NULL;
    for (struct kept *kept = config->kept->next; kept != NULL; kept = kept->next) {
        if (strcmp(kept->text, text) == 0) {
            free(text);
            return kept->text;
        }
    }
    struct kept *kept = malloc(sizeof *kept);
    if (kept == NULL) {
        free(text);
        return NULL;
    }
    *kept = (struct kept){.next = config->kept->next, .text = text};
    config->kept->next = kept;
    return text;
}

/* Aliases. */

static const struct toml_value *model_table(
    const struct config *config, size_t file, const char *alias)
{
    const struct toml_value *root = toml_root(config->files[file].document);
    return toml_get(toml_get(root, "models"), alias);
}

static bool is_alias(const struct config *config, const char *alias)
{
    for (size_t i = 0; i < config->file_count; i++) {
        if (model_table(config, i, alias) != NULL)
            return true;
    }
    return strcmp(alias, "default") == 0;
}

const char *config_model_default(const struct config *config)
{
    const char *name = config_text(config, "model.name");
    if (name != NULL && is_alias(config, name))
        return name;
    return config_text(config, "model.default");
}

const struct toml_value *config_model_value(
    const struct config *config, const char *alias, const char *name)
{
    for (size_t i = config->file_count; i-- > 0;) {
        const struct toml_value *value = toml_get(model_table(config, i, alias), name);
        if (value != NULL && !config_is_empty(value))
            return value;
    }
    return NULL;
}

static void check_alias(const struct config *config, struct problems *problems, const char *name,
    const char *alias, size_t item)
{
    if (alias == NULL || is_alias(config, alias))
        return;
    const struct setting *setting = &config->settings[config_key_index(name)];
    const struct toml_value *tree = setting->tree;
    if (tree != NULL && tree->type == TOML_ARRAY)
        tree = tree->items[item];
    if (tree != NULL)
        problem_at(problems, setting->file->path, tree->line, tree->column,
            "%s names '%s', but there is no [models.%s]", name, alias, alias);
    else
        problem(problems, "%s (in the environment) names '%s', but there is no [models.%s]",
            config_find(name)->environment, alias, alias);
}

void config_check_aliases(const struct config *config, struct problems *problems)
{
    if (config->incomplete)
        return; /* a complaint that follows from another one helps nobody */
    check_alias(config, problems, "model.default", config_text(config, "model.default"), 0);
    check_alias(config, problems, "model.agent_model", config_text(config, "model.agent_model"), 0);
    for (size_t i = 0; i < config_list_size(config, "model.fallback"); i++)
        check_alias(
            config, problems, "model.fallback", config_list_item(config, "model.fallback", i), i);
}

/* Fields. */

bool config_model_overridden(const struct config *config, const char *alias, const char *like)
{
    if (config_origin(config, like) < CONFIG_ENVIRONMENT)
        return false;
    if (strncmp(like, "api.", 4) == 0 || strcmp(like, "model.name") == 0)
        return strcmp(alias, config_text(config, "model.default")) == 0;
    return strcmp(alias, config_model_default(config)) == 0;
}

/* The text of a field, as the highest source has it; NULL: none. */
static const char *field(const struct config *config, const char *alias, const char *name)
{
    const struct config_model_key *key = config_model_keys;
    while (strcmp(key->name, name) != 0)
        key++;
    if (!config_model_overridden(config, alias, key->like)) {
        const struct toml_value *value = config_model_value(config, alias, name);
        if (value != NULL)
            return config_keep(config, config_toml_text(value));
    }
    return config_text(config, key->like);
}

static const char *path_field(const struct config *config, const char *alias, const char *name)
{
    const char *path = field(config, alias, name);
    if (path == NULL || path[0] != '~')
        return path;
    return config_keep(config, config_expand_path(path, NULL, NULL));
}

static int64_t integer_field(const struct config *config, const char *alias, const char *name)
{
    const char *text = field(config, alias, name);
    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

static double number_field(
    const struct config *config, const char *alias, const char *name, double unset)
{
    const char *text = field(config, alias, name);
    return text != NULL ? strtod(text, NULL) : unset;
}

static bool boolean_field(const struct config *config, const char *alias, const char *name)
{
    const char *text = field(config, alias, name);
    return text != NULL && strcmp(text, "true") == 0;
}

/* An alias other than the default one has the name of its own table, or the server is asked. */
static const char *model_name(const struct config *config, const char *alias)
{
    const struct toml_value *value = config_model_value(config, alias, "model");
    const char *name = config_text(config, "model.name");
    bool named = name != NULL && !is_alias(config, name) &&
                 strcmp(alias, config_text(config, "model.default")) == 0;
    if (named && (value == NULL || config_model_overridden(config, alias, "model.name")))
        return name;
    return value != NULL ? value->text : NULL;
}

static const char *without_slash(const struct config *config, const char *url)
{
    size_t length = strlen(url);
    if (url[length - 1] != '/')
        return url;
    while (length > 0 && url[length - 1] == '/')
        length--;
    return config_keep(config, strndup(url, length));
}

static int refuse_alias(const struct config *config, const char *alias, struct error *error)
{
    struct buffer names;
    buffer_init(&names, ERROR_TEXT_SIZE / 2);
    buffer_append_text(&names, "default");
    for (size_t i = 0; i < config->file_count; i++) {
        const struct toml_value *models = toml_get(toml_root(config->files[i].document), "models");
        for (size_t j = 0; models != NULL && j < models->count; j++) {
            if (strcmp(models->members[j].key, "default") != 0)
                buffer_printf(&names, ", %.100s", models->members[j].key);
        }
    }
    error_set(error, "there is no model '%.100s', only: %s", alias, names.data);
    buffer_release(&names);
    return -1;
}

int config_model(
    const struct config *config, const char *alias, struct config_model *model, struct error *error)
{
    if (alias == NULL || alias[0] == '\0')
        alias = config_model_default(config);
    if (!is_alias(config, alias))
        return refuse_alias(config, alias, error);
    *model = (struct config_model){
        .alias = alias,
        .model = model_name(config, alias),
        .base_url = without_slash(config, field(config, alias, "base_url")),
        .unix_socket = path_field(config, alias, "unix_socket"),
        .ca_file = path_field(config, alias, "ca_file"),
        .proxy = field(config, alias, "proxy"),
        .verify_tls = boolean_field(config, alias, "verify_tls"),
        .context_window = integer_field(config, alias, "context_window"),
        .max_tokens = integer_field(config, alias, "max_tokens"),
        .temperature = number_field(config, alias, "temperature", NAN),
        .reasoning_effort = field(config, alias, "reasoning_effort"),
        .system_role = field(config, alias, "system_role"),
        .effort_field = field(config, alias, "effort_field"),
        .token_limit_field = field(config, alias, "token_limit_field"),
        .think_tags = field(config, alias, "think_tags"),
        .replay_reasoning = boolean_field(config, alias, "replay_reasoning"),
        .require_finish_reason = boolean_field(config, alias, "require_finish_reason"),
        .extra_body = field(config, alias, "extra_body"),
        .connect_timeout = number_field(config, alias, "connect_timeout", 0),
        .first_byte_timeout = number_field(config, alias, "first_byte_timeout", 0),
        .first_byte_timeout_set = config_is_set(config, "model.first_byte_timeout") ||
                                  config_model_value(config, alias, "first_byte_timeout") != NULL,
        .idle_timeout = number_field(config, alias, "idle_timeout", 0),
        .retries = integer_field(config, alias, "retries"),
    };
    model->alias = config_keep(config, strdup(alias));
    if (model->base_url == NULL || model->alias == NULL)
        return error_set(error, "out of memory");
    return 0;
}
