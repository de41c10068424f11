/*
 * http-like URLs in one spelling, so that what a rule judges, a person reads and
 * a program fetches is the same address.
 *
 * Programs read odd URLs differently (RFC 3986 and the WHATWG's standard do,
 * too), and that is how rules are evaded: so what could be read in two ways is
 * refused, not guessed at. That is a user or password before the host, a
 * backslash, a space or control byte, a host outside ASCII or with escapes, an
 * IPv4 address in anything but four decimal numbers.
 */
#ifndef DATA_URL_H
#define DATA_URL_H

#include "base/error.h"

#include <stddef.h>

struct buffer;

enum {
    URL_LENGTH_MOST = 8 << 10, /* bytes; servers take no more */
    URL_HOST_MOST = 253,       /* bytes, as DNS has it */
};

/*
 * In one spelling: scheme and host in lower case, no default port, no dot at the
 * host's end, no "." and ".." in the path, escapes only where they are needed,
 * a path of at least "/", no fragment. Zeroed, or filled by url_parse.
 */
struct url {
    char *text; /* all of it; owned */
    char *host; /* without the brackets of an IPv6 address; owned */
    size_t scheme_length;
    unsigned port;      /* 0: the scheme's default */
    size_t path_offset; /* in text, of the path and what follows */
};

/* 0, or -1 with a sentence that does not repeat the URL. */
int url_parse(struct url *url, const char *text, struct error *error);
void url_release(struct url *url);

/*
 * Append where a reference in a page leads, seen from the page's own URL; what
 * is no http-like URL (mailto:) stays as it is. 0, or -1 (errno).
 */
int url_resolve(const struct url *base, const char *reference, struct buffer *text);

/* The port that is connected to; 0: a scheme whose default is not known here. */
unsigned url_port(const struct url *url);

#endif
