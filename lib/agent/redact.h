/*
 * Taking keys out of text that is kept or told, such as the audit log.
 *
 * Two things are taken out: the exact values of secrets that we hold, and what
 * looks like one: keys with the prefixes that providers give them, bearer
 * tokens, values assigned to names such as password or api_key, private keys in
 * PEM, the user and password of a URL. Rather too much than too little; it is
 * no proof that nothing is left. What is taken out leaves "[redacted]".
 */
#ifndef AGENT_REDACT_H
#define AGENT_REDACT_H

#include "base/buffer.h"

#include <cjson/cJSON.h>
#include <stddef.h>

enum {
    REDACT_SECRETS = 64, /* values known exactly; what is beyond is found by its looks alone */
    REDACT_LEAST = 8,    /* bytes of one; a shorter one would be found in ordinary text */
};

struct redactor {
    char *secrets[REDACT_SECRETS]; /* owned */
    size_t count;
};

/* Starts with the values of the variables that are named as secrets are. 0, or -1 (errno). */
int redact_init(struct redactor *redactor, char *const *environment);

/* One more; NULL and short ones are left out. 0, or -1 (errno). */
int redact_add(struct redactor *redactor, const char *secret);

/* Wipes what it holds. */
void redact_release(struct redactor *redactor);

/* Append text without its secrets. 0, or -1 (errno). */
int redact_append(
    const struct redactor *redactor, const char *text, size_t length, struct buffer *out);

/* The same in place for all texts in a tree; a member named as secrets are loses all of its value.
 * 0, or -1 (errno). */
int redact_tree(const struct redactor *redactor, cJSON *tree);

#endif
