/* The key of a model: which source it comes from, and getting it from there. */
#include "data/config_internal.h"

#include "base/clock.h"
#include "io/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { COMMAND_TIMEOUT_MS = 10000 }; /* for a person to unlock a password store */

enum source_kind { SOURCE_NONE, SOURCE_TEXT, SOURCE_FILE, SOURCE_COMMAND };

struct source {
    enum source_kind kind;
    const char *value;
    enum config_origin origin;
    const struct config_file *file; /* a relative path begins beside it */
};

static const struct {
    const char *name;
    const char *like;
    enum source_kind kind;
} sources[] = {
    {"api_key", "api.api_key", SOURCE_TEXT},
    {"api_key_file", "api.api_key_file", SOURCE_FILE},
    {"api_key_command", "api.api_key_command", SOURCE_COMMAND},
};

/* Which. */

/* Of [api]: what the highest place says; in one place a key comes before a file and a command. */
static struct source main_source(const struct config *config)
{
    struct source best = {SOURCE_NONE, NULL, CONFIG_DEFAULT, NULL};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        const char *value = config_text(config, sources[i].like);
        enum config_origin origin = config_origin(config, sources[i].like);
        if (value != NULL && origin > best.origin)
            best = (struct source){sources[i].kind, value, origin, NULL};
    }
    return best;
}

static struct source model_source(const struct config *config, const char *alias)
{
    for (size_t f = config->file_count; f-- > 0;) {
        const struct config_file *file = &config->files[f];
        const struct toml_value *table =
            toml_get(toml_get(toml_root(file->document), "models"), alias);
        for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
            const struct toml_value *value = toml_get(table, sources[i].name);
            if (value != NULL && !config_is_empty(value))
                return (struct source){sources[i].kind, value->text, file->origin, file};
        }
    }
    return (struct source){SOURCE_NONE, NULL, CONFIG_DEFAULT, NULL};
}

struct url_origin {
    bool tls;
    const char *host;
    size_t host_length;
    int port;
};

static struct url_origin url_origin(const char *url)
{
    struct url_origin origin = {.tls = strncmp(url, "https://", 8) == 0};
    origin.host = url + (origin.tls ? 8 : 7);
    size_t length = strcspn(origin.host, "/?#");
    size_t host = length;
    while (host > 0 && origin.host[host - 1] >= '0' && origin.host[host - 1] <= '9')
        host--;
    bool has_port = host > 0 && origin.host[host - 1] == ':';
    origin.host_length = has_port ? host - 1 : length;
    origin.port = has_port && host < length ? atoi(origin.host + host) : origin.tls ? 443 : 80;
    return origin;
}

static bool same_origin(const char *one, const char *other)
{
    struct url_origin a = url_origin(one), b = url_origin(other);
    return a.tls == b.tls && a.port == b.port && a.host_length == b.host_length &&
           strncasecmp(a.host, b.host, a.host_length) == 0;
}

static bool is_local(const char *url)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    struct url_origin origin = url_origin(url);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        if (strlen(hosts[i]) == origin.host_length &&
            strncasecmp(hosts[i], origin.host, origin.host_length) == 0)
            return true;
    }
    return false;
}

/* [api]'s key belongs to [api]'s address; where nobody set that, to the default model's. */
static int main_address(
    const struct config *config, struct config_model *model, struct error *error)
{
    const char *alias = config_text(config, "model.default");
    if (config_model(config, alias, model, error) < 0)
        return -1;
    if (config_is_set(config, "api.base_url"))
        model->base_url = config_text(config, "api.base_url");
    if (config_is_set(config, "api.unix_socket"))
        model->unix_socket = config_text(config, "api.unix_socket");
    return 0;
}

static bool same_text(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static int find_source(
    const struct config *config, const char *alias, struct source *source, struct error *error)
{
    struct config_model model, home;
    if (config_model(config, alias, &model, error) < 0 || main_address(config, &home, error) < 0)
        return -1;
    struct source shared = main_source(config);
    struct source own = model_source(config, model.alias);
    bool inherits = same_origin(model.base_url, home.base_url) &&
                    same_text(model.unix_socket, home.unix_socket);
    bool is_default = strcmp(model.alias, config_text(config, "model.default")) == 0;
    bool overridden = is_default && shared.origin >= CONFIG_ENVIRONMENT;
    *source = inherits && (overridden || own.kind == SOURCE_NONE) ? shared : own;
    if (source->kind == SOURCE_NONE && !inherits && shared.kind != SOURCE_NONE &&
        !is_local(model.base_url))
        return error_set(error,
            "[models.%s] has an address of its own (%s), so it does not get the key of [api]: "
            "set its api_key, api_key_file or api_key_command, or api_key = \"none\"",
            model.alias, model.base_url);
    return 0;
}

/* Getting it. */

/* The first line, trimmed; nothing in it may end a header line. */
static char *first_line(struct buffer *content, const char *where, struct error *error)
{
    size_t length = strcspn(content->data, "\r\n");
    while (length > 0 && (content->data[length - 1] == ' ' || content->data[length - 1] == '\t'))
        length--;
    size_t start = strspn(content->data, " \t");
    if (start >= length) {
        error_set(error, "%s gives no key", where);
        return NULL;
    }
    for (size_t i = start; i < length; i++) {
        if ((unsigned char)content->data[i] < ' ' || content->data[i] == 0x7F) {
            error_set(error, "%s gives a key with control characters", where);
            return NULL;
        }
    }
    char *key = strndup(content->data + start, length - start);
    if (key == NULL)
        error_system(error, "keep the key");
    return key;
}

static void wipe(struct buffer *buffer)
{
    explicit_bzero(buffer->data, buffer->capacity);
    buffer_release(buffer);
}

static char *from_file(const struct config *config, const char *path, struct error *error)
{
    struct buffer content;
    buffer_init(&content, CONFIG_SECRET_LIMIT * 2);
    bool others_read = false;
    char *key = NULL;
    char where[ERROR_TEXT_SIZE / 2];
    snprintf(where, sizeof where, "'%s'", path);
    if (config_read_file(path, CONFIG_SECRET_LIMIT, &content, &others_read, error) == 0)
        key = first_line(&content, where, error);
    else
        error_prefix(error, "api_key_file: ");
    if (key != NULL && others_read && config->warn != NULL)
        config->warn("'%s' holds a key and others can read it: chmod 600 '%s'", path, path);
    wipe(&content);
    return key;
}

/* Everything up to the end of the output, or the deadline. 0, or -1 with a sentence. */
static int read_output(int fd, int64_t deadline, struct buffer *output, struct error *error)
{
    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int64_t left = deadline - clock_monotonic_ms();
        int count = left > 0 ? poll(&ready, 1, (int)left) : 0;
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_system(error, "wait for api_key_command");
        if (count == 0)
            return error_set(
                error, "api_key_command did not end within %d seconds", COMMAND_TIMEOUT_MS / 1000);
        if (buffer_reserve(output, 1024) < 0)
            return error_system(error, "read the output of api_key_command");
        ssize_t size = read(fd, output->data + output->length, 1024);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return error_system(error, "read the output of api_key_command");
        output->length += (size_t)size;
        output->data[output->length] = '\0';
        if (size == 0)
            return 0;
        if (output->length > CONFIG_SECRET_LIMIT)
            return error_set(error, "api_key_command prints more than a key");
    }
}

static int run(const char *command, struct buffer *output, struct error *error)
{
    int read_end = -1, write_end = -1;
    if (process_pipe(&read_end, &write_end) < 0)
        return error_system(error, "start api_key_command");
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
    struct spawn spawn = {
        .path = "/bin/sh",
        .argv = argv,
        .descriptors = {SPAWN_NULL, write_end, STDERR_FILENO},
        .descriptor_count = 3,
        .group = SPAWN_OWN_GROUP,
    };
    struct process process;
    int status = process_spawn(&process, &spawn, error);
    close_descriptor(&write_end);
    if (status == 0) {
        int64_t deadline = clock_monotonic_ms() + COMMAND_TIMEOUT_MS;
        int code = 0;
        status = read_output(read_end, deadline, output, error);
        if (status == 0 && !process_wait(&process, deadline, &code))
            status = error_set(
                error, "api_key_command did not end within %d seconds", COMMAND_TIMEOUT_MS / 1000);
        if (status < 0) {
            process_signal_group(&process, SIGKILL);
            process_kill(&process);
        } else if (code != 0) {
            status = error_set(error, "api_key_command failed with exit code %d", code);
        }
    }
    close_descriptor(&read_end);
    return status;
}

static char *from_command(const char *command, struct error *error)
{
    struct buffer output;
    buffer_init(&output, CONFIG_SECRET_LIMIT * 2);
    char *key = NULL;
    if (run(command, &output, error) == 0)
        key = first_line(&output, "api_key_command", error);
    wipe(&output);
    return key;
}

int config_model_key(
    const struct config *config, const char *alias, char **key, struct error *error)
{
    *key = NULL;
    struct source source;
    if (find_source(config, alias, &source, error) < 0)
        return -1;
    char *path;
    switch (source.kind) {
    case SOURCE_NONE:
        return 0;
    case SOURCE_TEXT:
        if (strcmp(source.value, "none") == 0)
            return 0;
        *key = strdup(source.value);
        return *key != NULL ? 0 : error_system(error, "keep the key");
    case SOURCE_FILE:
        path = config_expand_path(source.value, source.file, error);
        if (path != NULL)
            *key = from_file(config, path, error);
        free(path);
        break;
    case SOURCE_COMMAND:
        *key = from_command(source.value, error);
        break;
    }
    return *key != NULL ? 0 : -1;
}
