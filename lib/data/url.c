#include "data/url.h"

#include "base/buffer.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEME_MOST = 16, PORT_MOST = 65535, LABEL_MOST = 63 };

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static int hex_digit(char byte)
{
    if (is_digit(byte))
        return byte - '0';
    byte = lower(byte);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* What stands for itself in a path or query (RFC 3986's unreserved). */
static bool is_unreserved(int byte)
{
    return byte < 128 && (is_letter((char)byte) || is_digit((char)byte) ||
                             (byte != 0 && strchr("-._~", byte) != NULL));
}

static unsigned default_port(const char *scheme, size_t length)
{
    if (length == 4 && memcmp(scheme, "http", 4) == 0)
        return 80;
    return length == 5 && memcmp(scheme, "https", 5) == 0 ? 443 : 0;
}

unsigned url_port(const struct url *url)
{
    return url->port != 0 ? url->port : default_port(url->text, url->scheme_length);
}

void url_release(struct url *url)
{
    free(url->text);
    free(url->host);
    *url = (struct url){0};
}

static int no_memory(struct error *error)
{
    return error_set(error, "out of memory");
}

/* Up to and with "://". */
static int parse_scheme(struct url *url, const char **at, struct buffer *text, struct error *error)
{
    const char *scheme = *at;
    size_t length = 0;
    while (is_letter(scheme[length]) ||
           (length > 0 && (is_digit(scheme[length]) ||
                              (scheme[length] != '\0' && strchr("+-.", scheme[length]) != NULL))))
        length++;
    if (length == 0 || length > SCHEME_MOST || strncmp(scheme + length, "://", 3) != 0)
        return error_set(error, "it does not begin with a scheme, as in https://");
    for (size_t i = 0; i < length; i++) {
        if (buffer_append_byte(text, lower(scheme[i])) < 0)
            return no_memory(error);
    }
    url->scheme_length = length;
    *at = scheme + length + 3;
    return buffer_append_text(text, "://") < 0 ? no_memory(error) : 0;
}

/* A last label that is a number makes resolvers take the whole for an IPv4 address. */
static bool ends_in_number(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *label = dot != NULL ? dot + 1 : host;
    if (is_digit(label[0]) && lower(label[1]) == 'x' &&
        strspn(label + 2, "0123456789abcdef") == strlen(label + 2))
        return true;
    return label[strspn(label, "0123456789")] == '\0';
}

static int check_name(const char *host, struct error *error)
{
    size_t label = 0;
    for (const char *at = host; *at != '\0'; at++) {
        if (*at == '.' ? label == 0 : !is_letter(*at) && !is_digit(*at) && *at != '-' && *at != '_')
            return error_set(error, "its host is spelt in a way that could deceive");
        label = *at == '.' ? 0 : label + 1;
        if (label > LABEL_MOST)
            return error_set(error, "its host is no name: a part is over %d bytes", LABEL_MOST);
    }
    unsigned char bytes[sizeof(struct in_addr)];
    if (ends_in_number(host) && inet_pton(AF_INET, host, bytes) != 1)
        return error_set(error, "its host is an IPv4 address that is not four decimal numbers");
    return 0;
}

static int parse_ipv6(struct url *url, const char *text, size_t length, struct error *error)
{
    char address[INET6_ADDRSTRLEN], spelling[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    if (length < 2 || text[length - 1] != ']' || length - 2 >= sizeof address)
        return error_set(error, "its host is no IPv6 address");
    memcpy(address, text + 1, length - 2);
    address[length - 2] = '\0';
    if (inet_pton(AF_INET6, address, bytes) != 1 ||
        inet_ntop(AF_INET6, bytes, spelling, sizeof spelling) == NULL)
        return error_set(error, "its host is no IPv6 address");
    url->host = strdup(spelling);
    return url->host == NULL ? no_memory(error) : 0;
}

static int parse_host(struct url *url, const char *text, size_t length, struct error *error)
{
    if (length > 0 && text[0] == '[')
        return parse_ipv6(url, text, length, error);
    if (length > 0 && text[length - 1] == '.')
        length--;
    if (length == 0 || length > URL_HOST_MOST)
        return error_set(error, length == 0 ? "it names no host" : "its host is too long");
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] >= 0x80)
            return error_set(
                error, "its host is not ASCII: write it in the form that begins with xn--");
    }
    url->host = strndup(text, length);
    if (url->host == NULL)
        return no_memory(error);
    for (char *at = url->host; *at != '\0'; at++)
        *at = lower(*at);
    return check_name(url->host, error);
}

static int parse_port(struct url *url, const char *text, size_t length, struct error *error)
{
    unsigned port = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]) || (port = port * 10 + (unsigned)(text[i] - '0')) > PORT_MOST)
            return error_set(error, "its port is no number up to %d", PORT_MOST);
    }
    if (length > 0 && port == 0)
        return error_set(error, "its port is 0");
    url->port = port;
    return 0;
}

/* Host and port, up to what begins the path. */
static int parse_authority(
    struct url *url, const char **at, struct buffer *text, struct error *error)
{
    const char *authority = *at;
    size_t length = strcspn(authority, "/?#"), host = length;
    if (memchr(authority, '@', length) != NULL)
        return error_set(error, "it has a user or password before its host");
    const char *bracket = memchr(authority, ']', length);
    const char *colon = bracket != NULL
                            ? memchr(bracket, ':', length - (size_t)(bracket - authority))
                            : memchr(authority, ':', length);
    if (colon != NULL)
        host = (size_t)(colon - authority);
    if (parse_host(url, authority, host, error) < 0 ||
        (colon != NULL && parse_port(url, colon + 1, length - host - 1, error) < 0))
        return -1;
    if (url->port == default_port(text->data, url->scheme_length))
        url->port = 0;
    bool brackets = strchr(url->host, ':') != NULL;
    int failed = buffer_printf(text, "%s%s%s", brackets ? "[" : "", url->host, brackets ? "]" : "");
    if (failed == 0 && url->port != 0)
        failed = buffer_printf(text, ":%u", url->port);
    *at = authority + length;
    return failed < 0 ? no_memory(error) : 0;
}

/* One character of a path or query in its one spelling; *at moves behind it. */
static int append_character(struct buffer *text, const char **at)
{
    const char *from = *at;
    int high = from[0] == '%' ? hex_digit(from[1]) : -1;
    int low = high >= 0 ? hex_digit(from[2]) : -1;
    if (low >= 0) {
        *at = from + 3;
        int byte = high << 4 | low;
        return is_unreserved(byte) ? buffer_append_byte(text, (char)byte)
                                   : buffer_printf(text, "%%%02X", (unsigned)byte);
    }
    *at = from + 1;
    unsigned char byte = (unsigned char)from[0];
    return byte >= 0x80 || strchr("%\"<>`{}|^", byte) != NULL ? buffer_printf(text, "%%%02X", byte)
                                                              : buffer_append_byte(text, from[0]);
}

/* End a segment: "." and ".." are taken away, with what they step over. 0, or -1. */
static int end_segment(struct buffer *text, size_t root, bool last)
{
    size_t start = text->length;
    while (start > root + 1 && text->data[start - 1] != '/')
        start--;
    const char *segment = text->data + start;
    size_t length = text->length - start;
    bool one = length == 1 && segment[0] == '.';
    bool two = length == 2 && segment[0] == '.' && segment[1] == '.';
    if (!one && !two)
        return last ? 0 : buffer_append_byte(text, '/');
    buffer_truncate(text, start);
    if (!two || start <= root + 1)
        return 0;
    start--;
    while (start > root + 1 && text->data[start - 1] != '/')
        start--;
    buffer_truncate(text, start);
    return 0;
}

static int parse_path(struct url *url, const char *at, struct buffer *text, struct error *error)
{
    size_t root = text->length;
    url->path_offset = root;
    if (buffer_append_byte(text, '/') < 0)
        return no_memory(error);
    if (*at == '/')
        at++;
    while (*at != '\0' && *at != '?' && *at != '#') {
        bool slash = *at == '/';
        at += slash;
        if ((slash ? end_segment(text, root, false) : append_character(text, &at)) < 0)
            return no_memory(error);
    }
    if (end_segment(text, root, true) < 0)
        return no_memory(error);
    while (*at != '\0' && *at != '#') {
        if (append_character(text, &at) < 0)
            return no_memory(error);
    }
    return 0;
}

static int check_bytes(const char *text, struct error *error)
{
    if (strlen(text) > URL_LENGTH_MOST)
        return error_set(error, "it is over %d bytes long", URL_LENGTH_MOST);
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte <= ' ' || byte == 0x7F)
            return error_set(error, "it holds a space or control character");
        if (byte == '\\')
            return error_set(error, "it holds a backslash");
    }
    return 0;
}

int url_parse(struct url *url, const char *text, struct error *error)
{
    struct buffer whole;
    *url = (struct url){0};
    /* Each byte may become an escape of three. */
    buffer_init(&whole, (size_t)URL_LENGTH_MOST * 3 + 64);
    int result = check_bytes(text, error);
    if (result == 0)
        result = parse_scheme(url, &text, &whole, error);
    if (result == 0)
        result = parse_authority(url, &text, &whole, error);
    if (result == 0)
        result = parse_path(url, text, &whole, error);
    if (result == 0 && (url->text = buffer_take(&whole)) == NULL)
        result = no_memory(error);
    buffer_release(&whole);
    if (result < 0)
        url_release(url);
    return result;
}

static bool has_scheme(const char *text)
{
    size_t length = 0;
    while (
        is_letter(text[length]) || (length > 0 && (is_digit(text[length]) || text[length] == '+' ||
                                                      text[length] == '-' || text[length] == '.')))
        length++;
    return length > 0 && text[length] == ':';
}

/* How much of the base stands before the reference (RFC 3986, section 5.2). */
static size_t kept_length(const struct url *base, const char *reference)
{
    const char *path = base->text + base->path_offset;
    if (strncmp(reference, "//", 2) == 0)
        return base->scheme_length + 1;
    if (reference[0] == '/')
        return base->path_offset;
    size_t end = strcspn(path, "?");
    if (reference[0] == '?')
        return base->path_offset + end;
    if (reference[0] == '#' || reference[0] == '\0')
        return strlen(base->text);
    while (path[end - 1] != '/')
        end--;
    return base->path_offset + end;
}

int url_resolve(const struct url *base, const char *reference, struct buffer *text)
{
    struct buffer whole;
    struct url url;
    buffer_init(&whole, (size_t)URL_LENGTH_MOST * 8);
    int result =
        has_scheme(reference) ? 0 : buffer_append(&whole, base->text, kept_length(base, reference));
    if (result == 0)
        result = buffer_append_text(&whole, reference);
    if (result == 0 && url_parse(&url, whole.data, NULL) == 0) {
        result = buffer_append_text(text, url.text);
        /* The part of the page that is meant is not sent, but it is where a reader looks. */
        const char *part = strchr(reference, '#');
        if (result == 0 && part != NULL)
            result = buffer_append_text(text, part);
        url_release(&url);
    } else if (result == 0) {
        result = buffer_append(text, whole.data, whole.length);
    }
    buffer_release(&whole);
    return result;
}
