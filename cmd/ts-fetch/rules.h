/* What may be fetched: scheme, host and port of each URL, and the address of each connection. */
#ifndef TS_FETCH_RULES_H
#define TS_FETCH_RULES_H

#include "data/config.h"
#include "data/url.h"
#include "net/address.h"

#include <stdbool.h>

enum { RULES_RANGES = 256 };

struct rules {
    const struct config *config; /* not owned: the lists of hosts and ports are in it */
    struct address_range opened[RULES_RANGES];
    size_t opened_count;
    bool trusted; /* a person chose the URL: everything but the scheme is allowed */
};

/* 0, or -1 with a sentence that names the key. */
int rules_init(struct rules *rules, const struct config *config, struct error *error);

/* 0, or -1 with a sentence. */
int rules_check_url(const struct rules *rules, const struct url *url, struct error *error);
int rules_check_address(
    const struct rules *rules, const struct address *address, struct error *error);

#endif
