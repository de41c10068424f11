#include "headers.h"

#include "base/buffer.h"
#include "data/json.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char variable[] = "TS_MCP_HEADERS";

/* What the transport itself says, or HTTP does. */
static const char *const reserved[] = {"accept", "connection", "content-length", "content-type",
    "expect", "host", "last-event-id", "mcp-method", "mcp-name", "mcp-protocol-version",
    "mcp-session-id", "te", "trailer", "transfer-encoding", "upgrade"};

void headers_release(struct headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        explicit_bzero(headers->lines[i], strlen(headers->lines[i]));
        free(headers->lines[i]);
    }
    *headers = (struct headers){0};
}

static bool is_name(const char *name)
{
    static const char letters[] =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t length = strlen(name);
    return length > 0 && length <= 256 && strspn(name, letters) == length;
}

static bool is_value(const char *value)
{
    size_t length = strlen(value);
    for (size_t i = 0; i < length; i++) {
        if ((value[i] < ' ' && value[i] != '\t') || value[i] > '~')
            return false;
    }
    return length == 0 ||
           (strchr(" \t", value[0]) == NULL && strchr(" \t", value[length - 1]) == NULL);
}

int headers_add(struct headers *headers, const char *name, const char *value, struct error *error)
{
    if (!is_name(name))
        return error_set(error, "'%.60s' is no name of a header", name);
    if (!is_value(value) || strlen(value) > HEADER_VALUE_MOST)
        return error_set(
            error, "the value of header '%.60s' is no text that a header can hold", name);
    if (headers->count == HEADERS_MOST)
        return error_set(error, "more than %d headers", HEADERS_MOST);
    char *line;
    /* A header without a value is written in this way for libcurl. */
    if (asprintf(&line, value[0] != '\0' ? "%s: %s" : "%s;%s", name, value) < 0)
        return error_set(error, "out of memory");
    headers->lines[headers->count++] = line;
    return 0;
}

static int append_base64(struct buffer *text, const char *bytes, size_t length)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        size_t rest = length - i;
        unsigned bits = (unsigned)(unsigned char)bytes[i] << 16;
        if (rest > 1)
            bits |= (unsigned)(unsigned char)bytes[i + 1] << 8;
        if (rest > 2)
            bits |= (unsigned char)bytes[i + 2];
        const char group[] = {letters[bits >> 18], letters[bits >> 12 & 63],
            rest > 1 ? letters[bits >> 6 & 63] : '=', rest > 2 ? letters[bits & 63] : '='};
        if (buffer_append(text, group, sizeof group) < 0)
            return -1;
    }
    return 0;
}

int headers_add_encoded(
    struct headers *headers, const char *name, const char *value, struct error *error)
{
    static const char begin[] = "=?base64?", end[] = "?=";
    size_t length = strlen(value);
    bool marked = length >= sizeof begin + sizeof end - 2 &&
                  strncmp(value, begin, sizeof begin - 1) == 0 &&
                  strcmp(value + length - (sizeof end - 1), end) == 0;
    if (is_value(value) && !marked)
        return headers_add(headers, name, value, error);
    struct buffer text;
    buffer_init(&text, HEADER_VALUE_MOST);
    int result = buffer_append_text(&text, begin) < 0 || append_base64(&text, value, length) < 0 ||
                         buffer_append_text(&text, end) < 0
                     ? error_set(error, "the value of header '%.60s' is too long", name)
                     : headers_add(headers, name, text.data, error);
    buffer_release(&text);
    return result;
}

static int take_header(
    struct headers *headers, const cJSON *header, struct redactor *redactor, struct error *error)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (strcasecmp(header->string, reserved[i]) == 0)
            return error_set(error, "header '%s' is set by the transport itself", reserved[i]);
    }
    if (!cJSON_IsString(header))
        return error_set(error, "the value of header '%.60s' must be a text", header->string);
    if (headers_add(headers, header->string, header->valuestring, error) < 0)
        return -1;
    /* "Bearer KEY": the key is found without the word, too. */
    const char *last = strrchr(header->valuestring, ' ');
    if (redact_add(redactor, header->valuestring) < 0 ||
        redact_add(redactor, last != NULL ? last + 1 : NULL) < 0)
        return error_set(error, "out of memory");
    return 0;
}

int headers_from_environment(
    struct headers *headers, struct redactor *redactor, struct error *error)
{
    char *text = getenv(variable);
    if (text == NULL)
        return 0;
    cJSON *tree = json_parse_object(text, strlen(text), NULL);
    int result = tree == NULL ? error_set(error, "it is no JSON object") : 0;
    const cJSON *header;
    cJSON_ArrayForEach(header, tree)
    {
        if (result == 0 && headers->count > HEADERS_MOST / 2)
            result = error_set(error, "more than %d headers", HEADERS_MOST / 2);
        if (result == 0)
            result = take_header(headers, header, redactor, error);
    }
    json_free(tree);
    explicit_bzero(text, strlen(text));
    unsetenv(variable);
    return result < 0 ? error_prefix(error, "%s: ", variable) : 0;
}
