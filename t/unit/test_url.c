/* URLs in one spelling, and the patterns of a policy for them. */
#include "agent/url_pattern.h"
#include "data/url.h"

#include "tap.h"

#include <stdlib.h>

static const struct {
    const char *given;
    const char *spelling; /* NULL: refused */
} urls[] = {
    {"https://docs.python.org", "https://docs.python.org/"},
    {"HTTPS://Docs.Python.ORG:443/3/", "https://docs.python.org/3/"},
    {"http://h:80", "http://h/"},
    {"http://h:443/", "http://h:443/"},
    {"https://h:8443/a", "https://h:8443/a"},
    {"https://h:/a", "https://h/a"},
    {"https://h:00443/a", "https://h/a"},
    {"http://h./", "http://h/"},
    {"http://h?q=1", "http://h/?q=1"},
    {"http://h#part", "http://h/"},
    {"http://h/a#part?x", "http://h/a"},
    {"http://h/a/./b/../c", "http://h/a/c"},
    {"http://h/../../etc", "http://h/etc"},
    {"http://h/a/..", "http://h/"},
    {"http://h/a/b/..", "http://h/a/"},
    {"http://h/a/.", "http://h/a/"},
    {"http://h/%2e%2E/x", "http://h/x"},
    {"http://h/a/%2e%2e%2fb", "http://h/a/..%2Fb"},
    {"http://h/.../x", "http://h/.../x"},
    {"http://h//x//y", "http://h//x//y"},
    {"http://h/%41%7e%2f", "http://h/A~%2F"},
    {"http://h/%zz%4", "http://h/%25zz%254"},
    {"http://h/?a=../b", "http://h/?a=../b"},
    {"http://h/\"<x>", "http://h/%22%3Cx%3E"},
    {"http://h/\xC3\xA9", "http://h/%C3%A9"},
    {"http://[::1]/", "http://[::1]/"},
    {"http://[0:0:0:0:0:0:0:1]:8080/", "http://[::1]:8080/"},
    {"http://127.0.0.1/", "http://127.0.0.1/"},
    {"http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"},
    {"http://a_b.c-d/", "http://a_b.c-d/"},
    {"http://1.example/", "http://1.example/"},
    {"file:///etc/passwd", NULL},
    {"", NULL},
    {"h", NULL},
    {"//h/", NULL},
    {"http:/h/", NULL},
    {"http:h", NULL},
    {"http://", NULL},
    {"http:///x", NULL},
    {"http://:80/", NULL},
    {"1http://h/", NULL},
    {"http://u@h/", NULL},
    {"http://u:p@h/", NULL},
    {"https://docs.python.org@evil.example/", NULL},
    {"https://docs.python.org%40evil.example/", NULL},
    {"https://docs.python.org\\@evil.example/", NULL},
    {"https://evil.example\\.docs.python.org/", NULL},
    {"http://h /", NULL},
    {"http://h/a b", NULL},
    {" http://h/", NULL},
    {"http://h/\n", NULL},
    {"http://h\t/", NULL},
    {"http://h:65536/", NULL},
    {"http://h:0/", NULL},
    {"http://h:8 0/", NULL},
    {"http://h:+80/", NULL},
    {"http://h:80:80/", NULL},
    {"http://[::1/", NULL},
    {"http://::1/", NULL},
    {"http://[::1]x/", NULL},
    {"http://[fe80::1%25eth0]/", NULL},
    {"http://2130706433/", NULL},
    {"http://0x7f000001/", NULL},
    {"http://0X7f.1/", NULL},
    {"http://0177.0.0.1/", NULL},
    {"http://127.1/", NULL},
    {"http://127.0.0.1.1/", NULL},
    {"http://h.0x7f/", NULL},
    {"http://h.7/", NULL},
    {"http://h../", NULL},
    {"http://.h/", NULL},
    {"http://a..b/", NULL},
    {"http://\xE2\x93\x94.example/", NULL},
    {"http://h%2eexample/", NULL},
    {"http://*.example/", NULL},
};

static void spell(void)
{
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct url url, again;
        struct error error = {0};
        int result = url_parse(&url, urls[i].given, &error);
        if (urls[i].spelling == NULL) {
            ok(result < 0 && error.text[0] != 0, "URL %zu is refused: %s", i, error.text);
        } else if (ok(result == 0, "'%s' is taken %s", urls[i].given, error.text)) {
            is_text(url.text, urls[i].spelling, "in its one spelling");
            ok(url_parse(&again, url.text, NULL) == 0 && strcmp(again.text, url.text) == 0,
                "which stays as it is");
            url_release(&again);
        }
        url_release(&url);
    }
    char *text = malloc(URL_LENGTH_MOST + 2);
    struct url url;
    if (text == NULL)
        return;
    memset(text, 'a', URL_LENGTH_MOST + 1);
    memcpy(text, "http://h/", 9);
    text[URL_LENGTH_MOST] = '\0';
    ok(url_parse(&url, text, NULL) == 0, "the longest URL");
    url_release(&url);
    memset(text + 9, '"', URL_LENGTH_MOST - 9);
    ok(url_parse(&url, text, NULL) == 0, "and when all of it is escaped");
    url_release(&url);
    text[URL_LENGTH_MOST] = 'a';
    text[URL_LENGTH_MOST + 1] = '\0';
    ok(url_parse(&url, text, NULL) < 0, "one byte more");
    free(text);
}

static const struct {
    const char *pattern, *text;
    enum url_fit allows, forbids;
} patterns[] = {
    {"https://docs.python.org/*", "https://docs.python.org/3/", URL_FIT_YES, URL_FIT_YES},
    {"https://docs.python.org/*", "https://DOCS.python.org:443/", URL_FIT_YES, URL_FIT_YES},
    {"https://docs.python.org/*", "https://docs.python.org", URL_FIT_YES, URL_FIT_YES},
    {"https://docs.python.org/*", "http://docs.python.org/", URL_FIT_NO, URL_FIT_NO},
    {"https://docs.python.org/*", "https://docs.python.org:8443/", URL_FIT_NO, URL_FIT_YES},
    {"https://docs.python.org/*", "https://docs.python.org.evil.net/", URL_FIT_NO, URL_FIT_NO},
    {"https://docs.python.org/*", "https://docs.python.org@evil.net/", URL_FIT_NO, URL_FIT_MAYBE},
    {"https://docs.python.org/*", "https://evil.net/https://docs.python.org/", URL_FIT_NO,
        URL_FIT_NO},
    {"https://docs.python.org/3/*", "https://docs.python.org/3/../evil", URL_FIT_NO, URL_FIT_YES},
    {"https://docs.python.org/3/*", "https://docs.python.org/%2e/3/x", URL_FIT_YES, URL_FIT_YES},
    {"https://*.python.org/*", "https://docs.python.org/", URL_FIT_YES, URL_FIT_YES},
    {"https://*.python.org/*", "https://python.org/", URL_FIT_NO, URL_FIT_NO},
    {"https://*.python.org/*", "https://evil.net/.python.org/", URL_FIT_NO, URL_FIT_YES},
    {"https://*.python.org/*", "https://evil.net?.python.org/", URL_FIT_NO, URL_FIT_YES},
    {"https://*.python.org/*", "https://evil.net#.python.org/", URL_FIT_NO, URL_FIT_YES},
    {"https://docs.python.org*", "https://docs.python.org.evil.net/", URL_FIT_NO, URL_FIT_YES},
    {"https://*/*", "https://anything/x", URL_FIT_YES, URL_FIT_YES},
    {"*://h/*", "http://h/x", URL_FIT_YES, URL_FIT_YES},
    {"http://h:8080/*", "http://h:8080/x", URL_FIT_YES, URL_FIT_YES},
    {"http://h:8080/*", "http://h/x", URL_FIT_NO, URL_FIT_NO},
    {"http://h:80/*", "http://h/x", URL_FIT_YES, URL_FIT_YES},
    {"http://h:*/*", "http://h:9/x", URL_FIT_YES, URL_FIT_YES},
    {"http://[::1]:8080/*", "http://[0::1]:8080/x", URL_FIT_YES, URL_FIT_YES},
    {"http://[::1]/*", "http://[0::1]/x", URL_FIT_YES, URL_FIT_YES},
    {"*", "https://x@y/", URL_FIT_YES, URL_FIT_YES},
    {"*python.org*", "https://docs.python.org/", URL_FIT_NO, URL_FIT_YES},
    {"*evil*", "http://%65vil.net/", URL_FIT_NO, URL_FIT_NO},
    {"*/secret*", "http://h/%73ecret", URL_FIT_NO, URL_FIT_YES},
    {"http://h/", "http://h/", URL_FIT_YES, URL_FIT_YES},
    {"http://h", "http://h/", URL_FIT_YES, URL_FIT_YES},
    {"http://h", "http://h/x", URL_FIT_NO, URL_FIT_NO},
    {"://", "http://h/x", URL_FIT_NO, URL_FIT_NO},
};

static void match(void)
{
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        const char *pattern = patterns[i].pattern, *text = patterns[i].text;
        ok(url_pattern_allows(pattern, text) == patterns[i].allows, "allow %s: %s", pattern, text);
        ok(url_pattern_forbids(pattern, text) == patterns[i].forbids, "deny %s: %s", pattern, text);
    }
    ok(url_like("https://x"), "a URL is meant");
    ok(url_like(" \nhttps://x"), "also behind a space");
    ok(!url_like("see https://x"), "a sentence is none");
    ok(!url_like("ls"), "nor a word");
    ok(!url_like("://"), "nor what has no scheme");
}

int main(void)
{
    spell();
    match();
    return tap_done();
}
