/*
 * Patterns for URLs in a policy, SCHEME://HOST[:PORT]/PATH, where each part is a
 * glob of its own: a URL cannot meet a pattern by holding its bytes somewhere
 * else, as in its query or before an '@'. URLs are compared in their one
 * spelling (data/url.h).
 */
#ifndef AGENT_URL_PATTERN_H
#define AGENT_URL_PATTERN_H

#include <stdbool.h>

enum url_fit {
    URL_FIT_NO,
    URL_FIT_MAYBE, /* it has no safe reading */
    URL_FIT_YES,
};

/* Whether a text is meant as a URL. */
bool url_like(const char *text);

/*
 * For what is allowed: a pattern names the host, or "*." and the end of it; without a port it
 * means the scheme's own; one that is no URL pattern fits no URL, except "*". Never URL_FIT_MAYBE.
 */
enum url_fit url_pattern_allows(const char *pattern, const char *text);

/* For what is forbidden: a pattern without a port means any, and the bytes as they came count. */
enum url_fit url_pattern_forbids(const char *pattern, const char *text);

#endif
