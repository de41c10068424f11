#include "content.h"

#include "data/charset.h"

#include <string.h>
#include <strings.h>

enum { BINARY_PROBE = 1024 }; /* bytes in which a NUL shows that it is no text */

/* The type without its parameters. */
static size_t type_length(const char *content_type)
{
    return strcspn(content_type, "; \t,");
}

static bool ends_in(const char *type, size_t length, const char *end)
{
    size_t size = strlen(end);
    return length > size && strncasecmp(type + length - size, end, size) == 0;
}

bool content_is_text(const char *content_type)
{
    static const char *const texts[] = {"application/xhtml+xml", "application/xml",
        "application/json", "application/javascript", "application/ecmascript",
        "application/x-javascript", "application/ndjson", "application/x-ndjson",
        "application/jsonl", "application/yaml", "application/x-yaml", "application/toml",
        "application/sql", "application/x-sh", "application/graphql", "application/rtf",
        "application/x-tex", "message/rfc822", "message/http"};
    size_t length = type_length(content_type);
    if (length == 0)
        return true;
    if (strncasecmp(content_type, "text/", 5) == 0)
        return true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strlen(texts[i]) == length && strncasecmp(content_type, texts[i], length) == 0)
            return true;
    }
    return ends_in(content_type, length, "+json") || ends_in(content_type, length, "+xml");
}

static bool is_html(const char *content_type)
{
    size_t length = type_length(content_type);
    return length == 0 || ends_in(content_type, length, "/html") ||
           ends_in(content_type, length, "/xhtml+xml");
}

int content_decode(
    struct buffer *text, const struct buffer *body, const char *content_type, struct error *error)
{
    const char *charset =
        charset_find(body->data, body->length, content_type, is_html(content_type));
    size_t probe = body->length < BINARY_PROBE ? body->length : BINARY_PROBE;
    if (strncmp(charset, "UTF-16", 6) != 0 && memchr(body->data, '\0', probe) != NULL)
        return error_set(error, "the content is binary (%zu bytes), although it is called %s",
            body->length, content_type[0] != '\0' ? content_type : "nothing");
    return charset_convert(text, body->data, body->length, charset, error);
}
