/*
 * The messages of a session, append-only and whole: the JSON text of each, byte
 * for byte as it stands in the requests to a model.
 */
#ifndef DATA_STORE_MESSAGE_H
#define DATA_STORE_MESSAGE_H

#include "data/store.h"

#include <stdint.h>

enum { STORE_MESSAGE_LIMIT = 64 << 20 }; /* bytes: a whole conversation in one message */

struct store_message {
    int64_t id;   /* rises with every message of the store */
    int64_t turn; /* of the session, from 1 */
    const char *timestamp;
    const char *tool_name; /* of a result; NULL: no result, or not known */
    const char *json;
    size_t length;
};

/* Add a message (an object with "role") behind the last one, and index its words. tool_name may be
 * NULL. The session must be there. */
int store_message_append(struct store *store, const char *session_id, int64_t turn,
    const char *json, size_t length, const char *tool_name, struct error *error);

/* Every message of the session, in order. */
int store_message_load(struct store *store, const char *session_id,
    int (*visit)(void *context, const struct store_message *message, struct error *error),
    void *context, struct error *error);

/* How many there are, or -1. */
int64_t store_message_count(struct store *store, const char *session_id, struct error *error);

#endif
