#include "agent/mcp_result.h"

#include "base/buffer.h"
#include "base/random.h"
#include "data/json.h"
#include "io/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILES_MOST = 32,    /* of one result */
    PREFIX_LENGTH = 64, /* of a file's name */
    SHOWN_WORD = 200,   /* bytes of a name or type that is shown */
    SHOWN_PLACE = 2048, /* bytes of a URI or description that is shown */
    SUFFIX_SIZE = 12,
};

/* base64 with or without padding; white space is passed over. -1: it is something else. */
static int decode(const char *text, unsigned char *bytes, size_t *length)
{
    uint32_t bits = 0;
    int held = 0;
    *length = 0;
    for (; *text != '\0' && *text != '='; text++) {
        int value = *text >= 'A' && *text <= 'Z'   ? *text - 'A'
                    : *text >= 'a' && *text <= 'z' ? *text - 'a' + 26
                    : *text >= '0' && *text <= '9' ? *text - '0' + 52
                    : *text == '+' || *text == '-' ? 62
                    : *text == '/' || *text == '_' ? 63
                                                   : -1;
        if (value < 0 && strchr(" \t\r\n", *text) != NULL)
            continue;
        if (value < 0)
            return -1;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[(*length)++] = (unsigned char)(bits >> held);
        }
    }
    return held == 6 || text[strspn(text, "= \t\r\n")] != '\0' ? -1 : 0;
}

/* ".png" for image/png: what a person's programs go by. */
static void suffix_of(const char *mime, char suffix[SUFFIX_SIZE])
{
    const char *slash = strchr(mime, '/');
    size_t length = 0;
    suffix[length++] = '.';
    for (const char *at = slash != NULL ? slash + 1 : ""; *at != '\0'; at++) {
        if (length == SUFFIX_SIZE - 1 ||
            !((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9')))
            break;
        suffix[length++] = *at;
    }
    suffix[length] = '\0';
    if (length == 1 || strcmp(suffix, ".octet") == 0 || strcmp(suffix, ".x") == 0)
        snprintf(suffix, SUFFIX_SIZE, ".bin");
}

static int make_directory(struct mcp_files *files, struct error *error)
{
    char parent[PATH_MAX], name[RANDOM_SESSION_ID_SIZE];
    if (files->directory[0] != '\0')
        return 0;
    if (paths_user(parent, sizeof parent, PATHS_STATE, "spill", error) < 0 ||
        paths_make_private(parent, error) < 0)
        return -1;
    random_hex(name, sizeof name);
    if (snprintf(files->directory, sizeof files->directory, "%s/%s", parent, name) >=
        (int)sizeof files->directory)
        return error_set(error, "path too long: '%s'", parent);
    return paths_make_private(files->directory, error);
}

static void safe_prefix(const struct mcp_files *files, char prefix[PREFIX_LENGTH + 1])
{
    size_t length = 0;
    for (const char *at = files->prefix; *at != '\0' && length < PREFIX_LENGTH; at++)
        prefix[length++] = (char)((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
                                          (*at >= 'A' && *at <= 'Z') || *at == '-'
                                      ? *at
                                      : '_');
    prefix[length] = '\0';
}

static int write_all(int fd, const unsigned char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, bytes, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        bytes += count;
        length -= (size_t)count;
    }
    return 0;
}

static int save(struct mcp_files *files, const char *mime, const unsigned char *bytes,
    size_t length, char path[PATH_MAX], struct error *error)
{
    char prefix[PREFIX_LENGTH + 1], suffix[SUFFIX_SIZE];
    if (files->count == FILES_MOST)
        return error_set(error, "more than %d files in one result", FILES_MOST);
    if (make_directory(files, error) < 0)
        return -1;
    safe_prefix(files, prefix);
    suffix_of(mime, suffix);
    if (snprintf(path, PATH_MAX, "%s/%s-%d%s", files->directory, prefix, ++files->count, suffix) >=
        PATH_MAX)
        return error_set(error, "path too long: '%s'", files->directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int result = fd < 0 ? -1 : write_all(fd, bytes, length);
    if (result < 0)
        error_system(error, "write '%s'", path);
    if (fd >= 0)
        close(fd);
    return result;
}

/* "[image/png, 1234 bytes: /path]" */
static int append_bytes(struct buffer *text, const char *mime, const char *data, const char *of,
    struct mcp_files *files)
{
    struct error error;
    char path[PATH_MAX];
    size_t length = 0;
    unsigned char *bytes = malloc(strlen(data) / 4 * 3 + 4);
    if (bytes == NULL)
        return -1;
    int result;
    if (decode(data, bytes, &length) < 0)
        result = buffer_printf(text, "[%.*s%s: not saved: it is not base64]", SHOWN_WORD, mime, of);
    else if (save(files, mime, bytes, length, path, &error) < 0)
        result = buffer_printf(
            text, "[%.*s%s, %zu bytes: not saved: %s]", SHOWN_WORD, mime, of, length, error.text);
    else
        result = buffer_printf(
            text, "[%.*s%s, %zu bytes: saved as %s]", SHOWN_WORD, mime, of, length, path);
    free(bytes);
    return result;
}

static const char *text_of(const cJSON *object, const char *key, const char *fallback)
{
    const char *text = json_string(object, key);
    return text != NULL && text[0] != '\0' ? text : fallback;
}

static int append_link(struct buffer *text, const cJSON *item)
{
    int64_t size;
    const char *mime = json_string(item, "mimeType");
    const char *description = json_string(item, "description");
    if (buffer_printf(text, "[resource '%.*s'", SHOWN_WORD, text_of(item, "name", "?")) < 0 ||
        (mime != NULL && buffer_printf(text, ", %.*s", SHOWN_WORD, mime) < 0) ||
        (json_integer(item, "size", &size) &&
            buffer_printf(text, ", %" PRId64 " bytes", size) < 0) ||
        buffer_printf(text, ": %.*s]", SHOWN_PLACE, text_of(item, "uri", "no URI")) < 0)
        return -1;
    return description != NULL ? buffer_printf(text, " %.*s", SHOWN_PLACE, description) : 0;
}

static int append_resource(struct buffer *text, const cJSON *item, struct mcp_files *files)
{
    const cJSON *resource = json_object(item, "resource");
    const char *content = json_string(resource, "text");
    const char *blob = json_string(resource, "blob");
    const char *mime = text_of(resource, "mimeType", content != NULL ? "text" : "data");
    char of[SHOWN_PLACE + 32];
    snprintf(
        of, sizeof of, " of resource %.*s", SHOWN_PLACE, text_of(resource, "uri", "without URI"));
    if (content != NULL)
        return buffer_printf(text, "[%.*s%s]\n", SHOWN_WORD, mime, of) < 0
                   ? -1
                   : buffer_append_text(text, content);
    if (blob != NULL)
        return append_bytes(text, mime, blob, of, files);
    return buffer_printf(text, "[%.*s%s: empty]", SHOWN_WORD, mime, of);
}

static int append_item(struct buffer *text, const cJSON *item, struct mcp_files *files)
{
    const char *type = text_of(item, "type", "");
    const char *content = json_string(item, "text");
    const char *data = json_string(item, "data");
    if (strcmp(type, "text") == 0 && content != NULL)
        return buffer_append_text(text, content);
    if ((strcmp(type, "image") == 0 || strcmp(type, "audio") == 0) && data != NULL)
        return append_bytes(text, text_of(item, "mimeType", type), data, "", files);
    if (strcmp(type, "resource_link") == 0)
        return append_link(text, item);
    if (strcmp(type, "resource") == 0)
        return append_resource(text, item, files);
    return buffer_printf(
        text, "[content of type '%.*s', which is not known here]", SHOWN_WORD, type);
}

static int append_content(struct buffer *text, const cJSON *result, struct mcp_files *files)
{
    const cJSON *content = json_array(result, "content");
    const cJSON *structured = json_get(result, "structuredContent");
    const cJSON *item;
    bool texts = false, first = true;
    cJSON_ArrayForEach(item, content)
    {
        const char *type = json_string(item, "type");
        texts = texts || (type != NULL && strcmp(type, "text") == 0);
    }
    cJSON_ArrayForEach(item, content)
    {
        if ((!first && buffer_append_byte(text, '\n') < 0) || append_item(text, item, files) < 0)
            return -1;
        first = false;
    }
    /* A text beside it says the same, by the specification. */
    if (structured == NULL || texts)
        return first ? buffer_append_text(text, "(no output)") : 0;
    if (!first && buffer_append_byte(text, '\n') < 0)
        return -1;
    return json_append(text, structured);
}

int mcp_result_append(struct buffer *text, const cJSON *result, struct mcp_files *files,
    bool *failed, struct error *error)
{
    *failed = json_boolean(result, "isError", false);
    if (!cJSON_IsObject(result) ||
        (json_array(result, "content") == NULL && json_get(result, "structuredContent") == NULL))
        return error_set(error, "the server's answer is no result of a tool");
    if (*failed && buffer_append_text(text, "Error: ") < 0)
        return error_system(error, "keep the result");
    if (append_content(text, result, files) < 0)
        return errno == EMSGSIZE
                   ? error_set(error, "the result is longer than %zu bytes", text->maximum)
                   : error_system(error, "keep the result");
    return 0;
}
