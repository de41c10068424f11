/*
 * What a person types at the prompt.
 *
 *     [NUMBER] DECISION [, MESSAGE]      the first comma, else the first space, ends the decision
 *
 * y and yes approve, a and always approve and cover what comes, ? asks for an
 * explanation; everything else, also nothing, is no.
 */
#ifndef TS_APPROVE_REPLY_H
#define TS_APPROVE_REPLY_H

#include <stddef.h>

enum reply_kind { REPLY_NO, REPLY_YES, REPLY_ALWAYS, REPLY_EXPLAIN };

struct reply {
    enum reply_kind kind;
    size_t number;        /* of the one call meant; 0: all */
    const char *feedback; /* into the line; NULL: none */
};

/* Changes line, which reply then points into. */
void reply_parse(char *line, struct reply *reply);

#endif
