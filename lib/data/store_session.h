/*
 * Sessions: one row per conversation, its names, its settings, and the lock
 * that makes one process its owner.
 *
 * A session is made together with its first message, in one transaction, so
 * that no empty ones are left behind by programs that were only started.
 */
#ifndef DATA_STORE_SESSION_H
#define DATA_STORE_SESSION_H

#include "data/store.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    STORE_ALIAS_LIMIT = 64,  /* bytes: people type it */
    STORE_TITLE_LIMIT = 512, /* bytes: one line of a list */
    STORE_PREFIX_LEAST = 4,  /* characters of an id that may stand for it */
    STORE_LIST_MOST = 1000,  /* sessions of one list */
};

/* What a session is made from; NULL is 'unknown' but for the first three. */
struct store_session_details {
    const char *session_id; /* 1 to 64 letters, digits, '_' and '-' */
    const char *kind;       /* "chat", or the agent: "task", "plan" */
    const char *directory;  /* absolute: the project */
    const char *parent_session;
    const char *model; /* as the server calls it */
    const char *model_alias;
};

/* A session as it is stored. Texts are NULL where there is none. */
struct store_session {
    int64_t id; /* row: rises with the time of making */
    const char *session_id;
    const char *alias;
    const char *title;
    const char *parent_session;
    const char *kind;
    const char *directory;
    const char *model;
    const char *model_alias;
    int64_t pid; /* of the process that locked it last; 0: none did */
    const char *created;
    const char *updated; /* when the last message came */
    int64_t messages;
    const char *beginning; /* of what the person said first */
};

/* Free the texts of one that store_session_find or _last filled. */
void store_session_release(struct store_session *session);

int store_session_create(
    struct store *store, const struct store_session_details *details, struct error *error);

/*
 * The session that a person means: its alias, its id, or the first characters
 * of exactly one id. Returns 1 and fills session; 0 with a sentence when there
 * is none, or several, which the sentence lists; -1 when the store failed.
 */
int store_session_find(
    struct store *store, const char *name, struct store_session *session, struct error *error);

/* The session of this directory that was used last, nobody's agent: 1, 0 (none, with a sentence),
 * or -1. */
int store_session_last(
    struct store *store, const char *directory, struct store_session *session, struct error *error);

struct store_session_filter {
    const char *directory; /* NULL: of any */
    bool agents;           /* also those of agents */
    int64_t limit;         /* kept within 1 to STORE_LIST_MOST */
};

/* The last used first. The texts belong to the walk. */
int store_session_list(struct store *store, const struct store_session_filter *filter,
    int (*visit)(void *context, const struct store_session *session, struct error *error),
    void *context, struct error *error);

/* These say in their return whether there was such a session: 1, 0, or -1. NULL takes it away. */
int store_session_set_title(
    struct store *store, const char *session_id, const char *title, struct error *error);
int store_session_set_model(struct store *store, const char *session_id, const char *model,
    const char *model_alias, struct error *error);
/*
 * An alias is 1 to STORE_ALIAS_LIMIT letters, digits, '.', '_' and '-', begins
 * with a letter or digit, and cannot be taken for an id: four or more of only
 * hexadecimal digits are refused, as is one that another session has (-1).
 */
int store_session_set_alias(
    struct store *store, const char *session_id, const char *alias, struct error *error);

/*
 * Remove it with its messages, settings, approvals and rules, from the indexes
 * and from the bytes of the file too; what its model calls cost stays counted.
 * Refused (-1) while a process has it locked. 1, 0: no such session, or -1.
 */
int store_session_delete(struct store *store, const char *session_id, struct error *error);

/*
 * Become the owner, until unlock, close or death. The lock is a byte of
 * FILE-sessions, held by this store and by nobody who inherits descriptors.
 * -1 with a sentence that names the owner's process id when there is another.
 */
int store_session_lock(struct store *store, const char *session_id, struct error *error);
void store_session_unlock(struct store *store, const char *session_id);

/* Whether another process, or another store of this one, owns the session now. */
bool store_session_is_locked(struct store *store, int64_t id);

/* Settings of a session: any JSON text by name. NULL removes. */
#define STORE_SESSION_BEGINNING "beginning" /* the first prompt without what was put around it */
int store_session_set_value(struct store *store, const char *session_id, const char *key,
    const char *json, struct error *error);
/* 1 and *json, which the caller frees; 0 when it is not set; -1. */
int store_session_get_value(
    struct store *store, const char *session_id, const char *key, char **json, struct error *error);

#endif
