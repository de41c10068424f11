#include "agent/url_pattern.h"

#include "agent/glob.h"
#include "data/url.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parts {
    char *scheme, *host, *port, *path; /* port NULL: none was named */
    char *copy;                        /* owns the other texts */
};

bool url_like(const char *text)
{
    text += strspn(text, " \t\r\n\f\v");
    size_t scheme = 0;
    while (isalnum((unsigned char)text[scheme]) ||
           (text[scheme] != '\0' && strchr("+-.", text[scheme]) != NULL))
        scheme++;
    return scheme > 0 && strncmp(text + scheme, "://", 3) == 0;
}

static bool is_url_pattern(const char *pattern)
{
    return strstr(pattern, "://") != NULL;
}

static void lower(char *text)
{
    for (; *text != '\0'; text++)
        *text = (char)tolower((unsigned char)*text);
}

static bool split(struct parts *parts, const char *pattern)
{
    static char root[] = "/";
    *parts = (struct parts){.copy = strdup(pattern)};
    char *between = parts->copy != NULL ? strstr(parts->copy, "://") : NULL;
    if (between == NULL)
        return false;
    char *authority = between + 3;
    size_t length = strcspn(authority, "/");
    /* The slash is kept by moving the authority over the "://". */
    memmove(between + 1, authority, length);
    *between = '\0';
    between[1 + length] = '\0';
    parts->scheme = parts->copy;
    parts->host = between + 1;
    parts->path = authority[length] != '\0' ? authority + length : root;
    char *bracket = strrchr(parts->host, ']');
    char *colon = strchr(bracket != NULL ? bracket : parts->host, ':');
    if (colon != NULL) {
        *colon = '\0';
        parts->port = colon + 1;
    }
    size_t end = strlen(parts->host);
    if (parts->host[0] == '[' && end > 1 && parts->host[end - 1] == ']') {
        parts->host[end - 1] = '\0';
        parts->host++;
    }
    lower(parts->scheme);
    lower(parts->host);
    return true;
}

static bool fits(const struct parts *parts, const struct url *url, bool any_port)
{
    char scheme[64], port[16];
    snprintf(scheme, sizeof scheme, "%.*s", (int)url->scheme_length, url->text);
    snprintf(port, sizeof port, "%u", url_port(url));
    if (!glob_match(GLOB_TEXT, parts->scheme, scheme) ||
        !glob_match(GLOB_TEXT, parts->host, url->host) ||
        !glob_match(GLOB_TEXT, parts->path, url->text + url->path_offset))
        return false;
    return parts->port != NULL ? glob_match(GLOB_TEXT, parts->port, port)
                               : any_port || url->port == 0;
}

/* In what is allowed a host is named up to its end: "example.org*" is example.org.evil.net, too. */
static bool names_host(const char *host)
{
    if (strcmp(host, "*") == 0)
        return true;
    return strpbrk(strncmp(host, "*.", 2) == 0 ? host + 2 : host, "*?\\") == NULL;
}

static bool pattern_fits(const char *pattern, const struct url *url, bool forbids)
{
    struct parts parts;
    bool fit =
        split(&parts, pattern) && (forbids || names_host(parts.host)) && fits(&parts, url, forbids);
    free(parts.copy);
    return fit;
}

enum url_fit url_pattern_allows(const char *pattern, const char *text)
{
    struct url url;
    if (strcmp(pattern, "*") == 0)
        return URL_FIT_YES;
    if (!is_url_pattern(pattern) || url_parse(&url, text, NULL) < 0)
        return URL_FIT_NO;
    bool fit = pattern_fits(pattern, &url, false);
    url_release(&url);
    return fit ? URL_FIT_YES : URL_FIT_NO;
}

enum url_fit url_pattern_forbids(const char *pattern, const char *text)
{
    struct url url;
    if (glob_match(GLOB_TEXT, pattern, text))
        return URL_FIT_YES;
    if (url_parse(&url, text, NULL) < 0)
        return is_url_pattern(pattern) ? URL_FIT_MAYBE : URL_FIT_NO;
    bool fit = glob_match(GLOB_TEXT, pattern, url.text) ||
               (is_url_pattern(pattern) && pattern_fits(pattern, &url, true));
    url_release(&url);
    return fit ? URL_FIT_YES : URL_FIT_NO;
}
