/*
 * A stored conversation becomes one that can be gone on with.
 *
 * What was stored may end in the middle of a turn, because its process was
 * killed, or come from elsewhere. Taken message by message in the order they were
 * stored, it is made well-formed: results belong to the calls of the assistant's
 * message before them, by id; a result that nobody asked for, a second one, and
 * what is no message are left out; a call without a result gets one that says so.
 * A well-formed history comes back byte for byte.
 *
 * The calls of the last message stay open: whether they are gone on with or
 * closed is for the caller to say.
 */
#ifndef AGENT_HISTORY_H
#define AGENT_HISTORY_H

#include "agent/conversation.h"

struct history {
    struct conversation *conversation; /* the caller's; has no listener meanwhile */
    size_t left_out;                   /* stored messages that were not taken */
    size_t put_in;                     /* messages that were missing */
};

void history_init(struct history *history, struct conversation *conversation);

/* The next stored message. 0, or -1 with a sentence: no memory, or longer than a request may be. */
int history_take(struct history *history, const char *text, size_t length, struct error *error);

#endif
