#include "agent/mcp_settings.h"

#include "base/buffer.h"
#include "data/config.h"
#include "data/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    FILE_LIMIT = 1 << 20, /* bytes of a JSON file */
    SERVERS_MOST = 64,
    WORDS_MOST = 256,     /* of a command */
    TEXT_MOST = 64 << 10, /* bytes of one word, variable or header */
    TIMEOUT_MOST = 86400, /* seconds */
    HASHED_LIMIT = 4 << 20,
};

struct reader {
    struct mcp_settings *server;
    bool lenient;
    const char *type; /* NULL: not said */
    const cJSON *command, *args;
    mcp_note *note;
    void *context;
};

static int no_memory(struct error *error)
{
    errno = ENOMEM;
    return error_system(error, "keep the MCP servers");
}

static bool is_text(const cJSON *value)
{
    return cJSON_IsString(value) && strlen(value->valuestring) <= TEXT_MOST;
}

/* Names of variables and headers: what neither can hold must not get into either. */
static bool is_table_of_texts(const cJSON *value)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, value)
    {
        if (!is_text(item) || item->string[0] == '\0' || strpbrk(item->string, "=:\r\n ") != NULL ||
            strpbrk(item->valuestring, "\r\n") != NULL)
            return false;
    }
    return cJSON_IsObject(value);
}

static int read_table(cJSON **table, const cJSON *value, struct error *error)
{
    if (!is_table_of_texts(value))
        return error_set(error, "'%s' must be a table of texts of one line", value->string);
    *table = cJSON_Duplicate(value, true);
    return *table == NULL ? no_memory(error) : 0;
}

static int read_type(struct reader *reader, const cJSON *value, struct error *error)
{
    static const char *const http[] = {"http", "streamable-http", "streamableHttp"};
    if (!cJSON_IsString(value))
        return error_set(error, "'type' must be a text");
    reader->type = "stdio";
    if (strcmp(value->valuestring, "stdio") == 0)
        return 0;
    for (size_t i = 0; i < sizeof http / sizeof http[0]; i++) {
        if (strcmp(value->valuestring, http[i]) == 0) {
            reader->type = "http";
            return 0;
        }
    }
    return error_set(error,
        "'type' must be \"stdio\" or \"http\" (streamable HTTP), not \"%.40s\"%s",
        value->valuestring,
        strcmp(value->valuestring, "sse") == 0 ? ": HTTP with SSE was replaced in 2025" : "");
}

static int read_timeout(struct mcp_settings *server, const cJSON *value, struct error *error)
{
    if (!cJSON_IsNumber(value) || !(value->valuedouble > 0) || value->valuedouble > TIMEOUT_MOST)
        return error_set(error, "'timeout' must be a number of seconds up to %d", TIMEOUT_MOST);
    server->timeout = value->valuedouble;
    return 0;
}

static int read_flag(bool *flag, const cJSON *value, struct error *error)
{
    if (!cJSON_IsBool(value))
        return error_set(error, "'%s' must be true or false", value->string);
    *flag = cJSON_IsTrue(value);
    return 0;
}

static int read_sandbox(struct mcp_settings *server, const cJSON *value, struct error *error)
{
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    server->sandbox = strcmp(text, "workspace") == 0 ? MCP_SANDBOX_WORKSPACE : MCP_SANDBOX_OFF;
    if (server->sandbox == MCP_SANDBOX_OFF && strcmp(text, "off") != 0)
        return error_set(error, "'sandbox' must be \"off\" or \"workspace\"");
    return 0;
}

static int read_url(struct mcp_settings *server, const cJSON *value, struct error *error)
{
    if (!is_text(value) || (strncasecmp(value->valuestring, "http://", 7) != 0 &&
                               strncasecmp(value->valuestring, "https://", 8) != 0))
        return error_set(error, "'url' must begin with http:// or https://");
    server->url = strdup(value->valuestring);
    return server->url == NULL ? no_memory(error) : 0;
}

static int read_args(struct reader *reader, const cJSON *value, struct error *error)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, value)
    {
        if (!is_text(item))
            break;
    }
    if (!cJSON_IsArray(value) || item != NULL || cJSON_GetArraySize(value) > WORDS_MOST)
        return error_set(error, "'args' must be a list of at most %d texts", WORDS_MOST);
    reader->args = value;
    return 0;
}

static int read_command(struct reader *reader, const cJSON *value, struct error *error)
{
    if (!is_text(value) || value->valuestring[0] == '\0')
        return error_set(error, "'command' must be a text that is not empty");
    reader->command = value;
    return 0;
}

static int read_member(struct reader *reader, const cJSON *value, struct error *error)
{
    struct mcp_settings *server = reader->server;
    const char *key = value->string;
    if (strcmp(key, "type") == 0)
        return read_type(reader, value, error);
    if (strcmp(key, "command") == 0)
        return read_command(reader, value, error);
    if (strcmp(key, "args") == 0)
        return read_args(reader, value, error);
    if (strcmp(key, "env") == 0)
        return read_table(&server->env, value, error);
    if (strcmp(key, "headers") == 0)
        return read_table(&server->headers, value, error);
    if (strcmp(key, "url") == 0)
        return read_url(server, value, error);
    if (strcmp(key, "timeout") == 0)
        return read_timeout(server, value, error);
    if (strcmp(key, "sandbox") == 0)
        return read_sandbox(server, value, error);
    if (strcmp(key, "network") == 0)
        return read_flag(&server->network, value, error);
    if (strcmp(key, "enabled") == 0)
        return read_flag(&server->enabled, value, error);
    if (reader->lenient && strcmp(key, "disabled") == 0) {
        bool disabled = false;
        int result = read_flag(&disabled, value, error);
        server->enabled = server->enabled && !disabled;
        return result;
    }
    if (!reader->lenient)
        return error_set(error, "unknown member '%s'", key);
    struct error text;
    error_set(&text, "MCP server '%s': member '%s' means nothing here", server->name, key);
    if (reader->note != NULL)
        reader->note(reader->context, text.text);
    return 0;
}

static int build_command(struct reader *reader, struct error *error)
{
    struct mcp_settings *server = reader->server;
    size_t count = 1 + (size_t)cJSON_GetArraySize(reader->args);
    server->command = calloc(count + 1, sizeof *server->command);
    if (server->command == NULL ||
        (server->command[0] = strdup(reader->command->valuestring)) == NULL)
        return no_memory(error);
    const cJSON *item;
    size_t index = 1;
    cJSON_ArrayForEach(item, reader->args)
    {
        if ((server->command[index++] = strdup(item->valuestring)) == NULL)
            return no_memory(error);
    }
    return 0;
}

/* Members that refer to each other. */
static int check_server(struct reader *reader, struct error *error)
{
    struct mcp_settings *server = reader->server;
    bool http = reader->type != NULL ? strcmp(reader->type, "http") == 0 : server->url != NULL;
    if (http && server->url == NULL)
        return error_set(error, "'url' is needed for type \"http\"");
    if (http && reader->command != NULL)
        return error_set(error, "'command' and 'url' contradict each other");
    if (!http && server->url != NULL)
        return error_set(error, "'url' does not go with type \"stdio\"");
    if (!http && reader->command == NULL)
        return error_set(error, "'command' is needed");
    if (!http && server->headers != NULL)
        return error_set(error, "'headers' go with 'url' only");
    return http ? 0 : build_command(reader, error);
}

/* The values of variables and headers are secrets: only their names count. */
static int hash_server(struct mcp_settings *server, struct error *error)
{
    struct buffer text;
    const cJSON *item;
    int result = 0;
    buffer_init(&text, HASHED_LIMIT);
    for (char **word = server->command; word != NULL && *word != NULL; word++)
        result |= buffer_append(&text, *word, strlen(*word) + 1);
    if (server->url != NULL)
        result |= buffer_append_text(&text, server->url);
    cJSON_ArrayForEach(item, server->env)
    {
        result |= buffer_append(&text, item->string, strlen(item->string) + 1);
    }
    cJSON_ArrayForEach(item, server->headers)
    {
        result |= buffer_append(&text, item->string, strlen(item->string) + 1);
    }
    mcp_hash(server->hash, text.data, text.length);
    buffer_release(&text);
    return result == 0 ? 0 : error_set(error, "its settings are too long");
}

static int read_server(struct reader *reader, const cJSON *value, struct error *error)
{
    const cJSON *member;
    if (mcp_server_name_check(value->string, error) < 0)
        return -1;
    if (!cJSON_IsObject(value))
        return error_set(error, "must be a table");
    if ((reader->server->name = strdup(value->string)) == NULL)
        return no_memory(error);
    cJSON_ArrayForEach(member, value)
    {
        if (json_get(value, member->string) != member)
            return error_set(error, "member '%s' is given twice", member->string);
        if (read_member(reader, member, error) < 0)
            return -1;
    }
    if (check_server(reader, error) < 0)
        return -1;
    return hash_server(reader->server, error);
}

static int read_all(struct mcp_settings_list *list, const cJSON *servers, bool lenient,
    double timeout, mcp_note *note, void *context, struct error *error)
{
    const cJSON *value;
    if (cJSON_GetArraySize(servers) > SERVERS_MOST)
        return error_set(error, "more than %d MCP servers", SERVERS_MOST);
    list->servers = calloc((size_t)cJSON_GetArraySize(servers) + 1, sizeof *list->servers);
    if (list->servers == NULL)
        return no_memory(error);
    cJSON_ArrayForEach(value, servers)
    {
        struct mcp_settings *server = &list->servers[list->count++];
        server->enabled = true;
        server->timeout = timeout;
        struct reader reader = {
            .server = server, .lenient = lenient, .note = note, .context = context};
        if (json_get(servers, value->string) != value)
            return error_set(error, "MCP server '%.60s' is given twice", value->string);
        if (read_server(&reader, value, error) < 0)
            return error_prefix(error, "MCP server '%.60s': ", value->string);
    }
    return 0;
}

int mcp_settings_read(struct mcp_settings_list *list, const cJSON *servers, bool lenient,
    double timeout, mcp_note *note, void *context, struct error *error)
{
    *list = (struct mcp_settings_list){0};
    if (read_all(list, servers, lenient, timeout, note, context, error) == 0)
        return 0;
    mcp_settings_release(list);
    return -1;
}

void mcp_settings_release(struct mcp_settings_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct mcp_settings *server = &list->servers[i];
        for (char **word = server->command; word != NULL && *word != NULL; word++)
            free(*word);
        free(server->command);
        free(server->name);
        free(server->url);
        json_free(server->env);
        json_free(server->headers);
    }
    free(list->servers);
    *list = (struct mcp_settings_list){0};
}

const struct mcp_settings *mcp_settings_find(const struct mcp_settings_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->servers[i].name, name) == 0)
            return &list->servers[i];
    }
    return NULL;
}

/* Where they come from. */

static int read_file(const char *path, struct buffer *text, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t count = fd < 0 ? -1 : 1;
    while (count > 0) {
        if (buffer_reserve(text, 4096) < 0) {
            count = -1;
            break;
        }
        count = read(fd, text->data + text->length, 4096);
        if (count > 0)
            text->length += (size_t)count;
    }
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    text->data[text->length] = '\0';
    return count < 0 ? error_system(error, "read the MCP servers in '%s'", path) : 0;
}

static int load_file(struct mcp_settings_list *list, const char *path, double timeout,
    mcp_note *note, void *context, struct error *error)
{
    struct buffer text;
    cJSON *tree = NULL;
    buffer_init(&text, FILE_LIMIT);
    int result = read_file(path, &text, error);
    if (result == 0 && (tree = json_parse_object(text.data, text.length, error)) == NULL)
        result = error_prefix(error, "%s: ", path);
    buffer_release(&text);
    const cJSON *servers = json_get(tree, "mcpServers");
    if (result == 0 && !cJSON_IsObject(servers))
        result = error_set(error, "%s: there is no object 'mcpServers'", path);
    if (result == 0 && mcp_settings_read(list, servers, true, timeout, note, context, error) < 0)
        result = error_prefix(error, "%s: ", path);
    json_free(tree);
    return result;
}

static int load_config(struct mcp_settings_list *list, const struct config *config, double timeout,
    mcp_note *note, void *context, struct error *error)
{
    char *text = config_print(config, "mcp.servers");
    if (text == NULL)
        return 0;
    cJSON *tree = json_parse_object(text, strlen(text), error);
    int result =
        tree == NULL ? -1 : mcp_settings_read(list, tree, false, timeout, note, context, error);
    if (result < 0) {
        const char *file = config_origin_file(config, "mcp.servers");
        error_prefix(error, "%s: [mcp.servers]: ", file != NULL ? file : "configuration");
    }
    json_free(tree);
    free(text);
    return result;
}

bool mcp_settings_given(const struct config *config)
{
    return config_text(config, "mcp.config_path") != NULL || config_is_set(config, "mcp.servers");
}

int mcp_settings_load(struct mcp_settings_list *list, const struct config *config, double timeout,
    mcp_note *note, void *context, struct error *error)
{
    const char *path = config_text(config, "mcp.config_path");
    *list = (struct mcp_settings_list){0};
    if (path != NULL && load_file(list, path, timeout, note, context, error) < 0)
        return -1;
    if (list->count > 0)
        return 0;
    mcp_settings_release(list);
    return load_config(list, config, timeout, note, context, error);
}
