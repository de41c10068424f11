/*
 * A URL, a reference in its page and a policy's pattern, each behind a newline.
 * The one spelling of a URL is its own, a pattern judges every spelling alike,
 * and forbids whatever it would allow.
 */
#include "agent/url_pattern.h"
#include "base/buffer.h"
#include "data/url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text up to the newline, which becomes its end. */
static char *next_line(char **rest)
{
    char *line = *rest;
    char *end = strchrnul(line, '\n');
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return line;
}

static void check_spelling(const struct url *url)
{
    struct url again = {0};
    struct error error;
    if (url_parse(&again, url->text, &error) < 0 || strcmp(again.text, url->text) != 0 ||
        strcmp(again.host, url->host) != 0 || url_port(&again) != url_port(url))
        abort();
    if (strlen(url->host) > URL_HOST_MOST || url->text[url->path_offset] != '/')
        abort();
    for (const char *at = url->text; *at != '\0'; at++) {
        if (*at <= ' ' || *at == 0x7f || *at == '\\' || *at == '#')
            abort();
    }
    url_release(&again);
}

static void check_pattern(const char *pattern, const char *text, const struct url *url)
{
    enum url_fit allowed = url_pattern_allows(pattern, text);
    if (allowed == URL_FIT_MAYBE ||
        (allowed == URL_FIT_YES && url_pattern_forbids(pattern, text) == URL_FIT_NO))
        abort();
    if (url != NULL && url_pattern_allows(pattern, url->text) != allowed)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *input = strndup((const char *)data, size);
    char *rest = input;
    struct url url = {0};
    struct error error = {.text = ""};
    struct buffer text;
    if (input == NULL)
        return 0;
    const char *first = next_line(&rest);
    const char *reference = next_line(&rest);
    const char *pattern = next_line(&rest);
    buffer_init(&text, TEXT_MOST);
    if (url_parse(&url, first, &error) < 0) {
        if (error.text[0] == '\0')
            abort();
        check_pattern(pattern, first, NULL);
    } else {
        check_spelling(&url);
        if (url_resolve(&url, reference, &text) == 0)
            check_pattern(pattern, text.data == NULL ? "" : text.data, NULL);
        check_pattern(pattern, first, &url);
    }
    buffer_release(&text);
    url_release(&url);
    free(input);
    return 0;
}
