/* One file: read, parse, compare with the key table, take what is right. */
#include "data/config_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_LIMIT = 256 }; /* bytes of "section.key": longer ones are unknown anyway */

struct check {
    struct config *config;
    struct config_file *file;
    struct problems *problems;
    const char *secret; /* the first key found to hold one */
};

void problem(struct problems *problems, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    size_t before = problems->text.length;
    if (problems->count > 0)
        buffer_append_byte(&problems->text, '\n');
    if (buffer_vprintf(&problems->text, format, values) < 0)
        buffer_truncate(&problems->text, before);
    problems->count++;
    va_end(values);
}

void problem_at(
    struct problems *problems, const char *path, int line, int column, const char *format, ...)
{
    struct error sentence;
    va_list values;
    va_start(values, format);
    vsnprintf(sentence.text, sizeof sentence.text, format, values);
    va_end(values);
    problem(problems, "%s:%d:%d: %s", path, line, column, sentence.text);
}

static int read_descriptor(int fd, size_t limit, struct buffer *content)
{
    for (;;) {
        if (buffer_reserve(content, 4096) < 0)
            return -1;
        ssize_t count = read(fd, content->data + content->length, 4096);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        content->length += (size_t)count;
        content->data[content->length] = '\0';
        if (count == 0)
            return 0;
        if (content->length > limit) {
            errno = EFBIG;
            return -1;
        }
    }
}

int config_read_file(
    const char *path, size_t limit, struct buffer *content, bool *others_read, struct error *error)
{
    /* O_NONBLOCK: a FIFO without a writer must not hold us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return error_system(error, "open '%s'", path);
    struct stat status;
    int result = 0;
    if (fstat(fd, &status) < 0)
        result = error_system(error, "look at '%s'", path);
    else if (S_ISDIR(status.st_mode))
        result = error_set(error, "open '%s': is a directory", path);
    else if (!S_ISREG(status.st_mode) && strcmp(path, "/dev/null") != 0)
        result = error_set(error, "open '%s': not a regular file", path);
    else if (read_descriptor(fd, limit, content) < 0)
        result = error_system(error, "read '%s'", path);
    else if (others_read != NULL)
        *others_read = (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
    close(fd);
    errno = EIO; /* whatever failed: it is there */
    return result;
}

static void refuse(const struct check *check, const struct toml_member *member, const char *name,
    const char *sentence)
{
    problem_at(check->problems, check->file->path, member->value->line, member->value->column,
        "%s %s", name, sentence);
}

static void refuse_unknown(const struct check *check, const struct toml_member *member,
    const char *what, const char *name, const char *nearest)
{
    problem_at(check->problems, check->file->path, member->line, member->column,
        "unknown %s '%s'%s%s%s", what, name, nearest != NULL ? ": did you mean '" : "",
        nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
}

static void note_secret(struct check *check, const char *name, const struct toml_value *value)
{
    bool empty =
        value->type == TOML_STRING && (value->count == 0 || strcmp(value->text, "none") == 0);
    if (!empty && check->secret == NULL)
        check->secret = name;
}

/* The sections with a structure of their own. */

static const struct config_model_key *find_model_key(const char *name)
{
    for (const struct config_model_key *key = config_model_keys; key->name != NULL; key++) {
        if (strcmp(key->name, name) == 0)
            return key;
    }
    return NULL;
}

static void check_model(struct check *check, const struct toml_member *model)
{
    char name[NAME_LIMIT];
    snprintf(name, sizeof name, "models.%s", model->key);
    if (model->value->type != TOML_TABLE) {
        refuse(check, model, name, "must be a table");
        return;
    }
    for (size_t i = 0; i < model->value->count; i++) {
        const struct toml_member *member = &model->value->members[i];
        const struct config_model_key *known = find_model_key(member->key);
        snprintf(name, sizeof name, "models.%.100s.%.100s", model->key, member->key);
        if (known == NULL) {
            refuse_unknown(check, member, "key", name, config_nearest(name));
            continue;
        }
        const struct config_key *key = config_find(known->like);
        struct error error;
        if (config_check_toml(key, member->value, &error) < 0)
            refuse(check, member, name, error.text);
        else if (key->type == CONFIG_SECRET)
            note_secret(check, "a model's api_key", member->value);
    }
}

static void check_models(struct check *check, const struct toml_value *models)
{
    for (size_t i = 0; i < models->count; i++)
        check_model(check, &models->members[i]);
}

struct shape {
    const char *name;
    enum config_type type;
};

static void check_shape(struct check *check, const char *where, const struct toml_value *table,
    const struct shape *shapes)
{
    char name[NAME_LIMIT];
    for (size_t i = 0; i < table->count; i++) {
        const struct toml_member *member = &table->members[i];
        const struct shape *shape = shapes;
        while (shape->name != NULL && strcmp(shape->name, member->key) != 0)
            shape++;
        snprintf(name, sizeof name, "%.120s.%.100s", where, member->key);
        if (shape->name == NULL) {
            refuse_unknown(check, member, "key", name, NULL);
            continue;
        }
        struct error error;
        struct config_key key = {.name = "", .type = shape->type};
        if (config_check_toml(&key, member->value, &error) < 0)
            refuse(check, member, name, error.text);
    }
}

static void check_servers(struct check *check, const struct toml_value *servers)
{
    static const struct shape shapes[] = {
        {"type", CONFIG_TEXT},
        {"command", CONFIG_TEXT},
        {"args", CONFIG_LIST},
        {"env", CONFIG_TABLE},
        {"url", CONFIG_TEXT},
        {"headers", CONFIG_TABLE},
        {"timeout", CONFIG_NUMBER},
        {"sandbox", CONFIG_TEXT},
        {"network", CONFIG_BOOLEAN},
        {"enabled", CONFIG_BOOLEAN},
        {NULL, CONFIG_TEXT},
    };
    char name[NAME_LIMIT];
    for (size_t i = 0; i < servers->count; i++) {
        const struct toml_member *server = &servers->members[i];
        snprintf(name, sizeof name, "mcp.servers.%.100s", server->key);
        if (server->value->type != TOML_TABLE) {
            refuse(check, server, name, "must be a table");
            continue;
        }
        check_shape(check, name, server->value, shapes);
        const struct toml_value *table = server->value;
        if (strstr(server->key, "__") != NULL)
            refuse(check, server, name, "must not have '__' in its name");
        else if (toml_get(table, "command") == NULL && toml_get(table, "url") == NULL)
            refuse(check, server, name, "needs a command or a url");
        if (toml_get(table, "env") != NULL || toml_get(table, "headers") != NULL)
            note_secret(check, name[0] != '\0' ? "mcp.servers" : NULL, table);
    }
}

static void check_tokens(struct check *check, const struct toml_member *tokens)
{
    static const struct config_key role = {.name = "", .type = CONFIG_TEXT, .choices = "read full"};
    if (tokens->value->type != TOML_ARRAY) {
        refuse(check, tokens, "auth.tokens", "must be an array of tables");
        return;
    }
    for (size_t i = 0; i < tokens->value->count; i++) {
        const struct toml_value *token = tokens->value->items[i];
        const struct toml_member *value = toml_member(token, "value");
        const struct toml_member *kind = toml_member(token, "role");
        struct error error;
        if (token->type != TOML_TABLE || value == NULL || value->value->type != TOML_STRING ||
            value->value->count == 0)
            problem_at(check->problems, check->file->path, token->line, token->column,
                "auth.tokens: item %zu must be a table with a value that is not empty", i + 1);
        else
            note_secret(check, "auth.tokens", value->value);
        if (kind != NULL && config_check_toml(&role, kind->value, &error) < 0)
            refuse(check, kind, "auth.tokens: role", error.text);
    }
}

/* All others. */

static void take(
    struct check *check, const struct config_key *key, const struct toml_member *member)
{
    struct error error;
    struct setting *setting = &check->config->settings[key - config_keys];
    if (strcmp(key->name, "auth.tokens") == 0) {
        check_tokens(check, member);
        setting->origin = check->file->origin;
        setting->file = check->file;
        setting->tree = member->value;
        return;
    }
    if (setting_take_toml(setting, key, check->file, member->value, &error) < 0) {
        refuse(check, member, key->name, error.text);
        return;
    }
    if (config_is_empty(member->value))
        setting_clear(setting);
    else if (key->type == CONFIG_SECRET)
        note_secret(check, key->name, member->value);
    if (strcmp(key->name, "mcp.servers") == 0)
        check_servers(check, member->value);
    if (key->replaced_by != NULL && check->config->warn != NULL)
        check->config->warn("%s:%d:%d: %s means nothing here: %s", check->file->path, member->line,
            member->column, key->name, key->replaced_by);
}

static void check_key(struct check *check, const char *section, const struct toml_member *member)
{
    char name[NAME_LIMIT];
    snprintf(name, sizeof name, "%.120s.%.120s", section, member->key);
    const struct config_key *key = config_find(name);
    if (key == NULL)
        refuse_unknown(check, member, "key", name, config_nearest(name));
    else if (check->file->origin == CONFIG_PROJECT && !key->project)
        refuse(check, member, name, "may not be set by a project's file");
    else
        take(check, key, member);
}

static bool is_section(const char *name)
{
    size_t length = strlen(name);
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        if (strncmp(key->name, name, length) == 0 &&
            (key->name[length] == '.' || key->name[length] == '\0'))
            return true;
    }
    return false;
}

static void check_section(struct check *check, const struct toml_member *section)
{
    const struct toml_value *table = section->value;
    if (!is_section(section->key)) {
        const char *what = table->type == TOML_TABLE ? "section" : "key";
        refuse_unknown(check, section, what, section->key, config_nearest(section->key));
    } else if (table->type != TOML_TABLE) {
        refuse(check, section, section->key, "is a section: write [section] and its keys below");
    } else if (strcmp(section->key, "models") == 0) {
        if (check->file->origin == CONFIG_PROJECT)
            refuse(check, section, "models", "may not be set by a project's file");
        else
            check_models(check, table);
    } else {
        for (size_t i = 0; i < table->count; i++)
            check_key(check, section->key, &table->members[i]);
    }
}

static void check_document(struct check *check, bool others_read)
{
    const struct toml_value *root = toml_root(check->file->document);
    for (size_t i = 0; i < root->count; i++)
        check_section(check, &root->members[i]);
    const struct config *config = check->config;
    if (others_read && check->secret != NULL && config->warn != NULL)
        config->warn("'%s' holds %s and others can read it: chmod 600 '%s'", check->file->path,
            check->secret, check->file->path);
}

void config_add_content(struct config *config, const char *path, enum config_origin origin,
    const struct buffer *content, bool others_read, struct problems *problems)
{
    struct error error = {"out of memory"};
    struct config_file *file = &config->files[config->file_count];
    file->origin = origin;
    file->path = strdup(path);
    if (file->path != NULL)
        file->document = toml_parse(content->data, content->length, path, &error);
    if (file->document == NULL) {
        problem(problems, "%s", error.text);
        config->incomplete = true;
        free(file->path);
        *file = (struct config_file){0};
        return;
    }
    config->file_count++;
    struct check check = {.config = config, .file = file, .problems = problems};
    check_document(&check, others_read);
}

void config_add_file(struct config *config, const char *path, enum config_origin origin,
    bool required, struct problems *problems)
{
    struct error error;
    struct buffer content;
    bool others_read = false;
    buffer_init(&content, TOML_SIZE_LIMIT + 8192);
    if (config_read_file(path, TOML_SIZE_LIMIT, &content, &others_read, &error) == 0) {
        config_add_content(config, path, origin, &content, others_read, problems);
    } else if (required || (errno != ENOENT && errno != ENOTDIR)) {
        problem(problems, "%s", error.text);
        config->incomplete = true;
    }
    buffer_release(&content);
}
