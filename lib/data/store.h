/*
 * The store: one SQLite database per user for sessions, their messages,
 * memories, approvals and what else outlives a process.
 *
 * This header opens it and groups changes; what is kept in it is behind
 * store_session.h, store_message.h, store_usage.h, store_memory.h,
 * store_search.h, store_approval.h and store_mcp.h. Nobody else sees SQLite.
 *
 *     struct store *store = NULL;
 *     if (store_open(&store, config_text(config, "store.path"), STORE_WRITE, &error) < 0)
 *         die(EXIT_SYSTEM, "%s", error.text);
 *     ...
 *     store_close(store);
 *
 * What holds for all of it:
 * - A process opens the store once and uses it from one thread.
 * - What a function has stored when it returns is on the disk (write-ahead log,
 *   synchronous FULL), also when the process or the machine dies next.
 * - Many processes may write at once: a writer waits for the others for up to
 *   STORE_WAIT_MS before it fails. They must be on one machine; on a network
 *   file system the store is refused, because its locks do not reach there.
 * - Everything that is stored is UTF-8; times are UTC text, "YYYY-MM-DD
 *   HH:MM:SS.mmm". Things of the same time are in the order of their making.
 * - Functions return 0, or a count where they say so, or -1 with a sentence.
 *   Texts handed to a callback are valid until it returns. A callback returns
 *   0 to go on; anything else, with a sentence when it is -1, ends the walk and
 *   is what the function returns. It may use the store, but not the function
 *   that called it.
 */
#ifndef DATA_STORE_H
#define DATA_STORE_H

#include "base/error.h"

#include <stddef.h>

struct store;

enum {
    STORE_WAIT_MS = 30000, /* for other writers: longer than any of our transactions takes */
    STORE_TIME_SIZE = 24,  /* "2026-03-01 10:05:12.123" and its NUL */
    STORE_ID_SIZE = 65,    /* the longest id of a session, request or call we make, and its NUL */
};

enum store_mode {
    STORE_READ,  /* a database that is not there reads as an empty one and is not made */
    STORE_WRITE, /* it is made, with its directory, readable by nobody else */
};

/* Where the store is unless somebody said otherwise. path has size bytes. */
int store_default_path(char *path, size_t size, struct error *error);

/*
 * Open the database at path (NULL: the default), made or brought to this
 * version's schema where needed; an older one is copied first, to a file beside
 * it. A database of a newer version, a damaged one and one of another program
 * are refused and left as they are. *store is NULL after a failure.
 */
int store_open(struct store **store, const char *path, enum store_mode mode, struct error *error);

/* Frees everything; locks of sessions end. NULL is fine. */
void store_close(struct store *store);

/* Its file, absolute; other files of the store (audit.ndjson) are in the same directory. */
const char *store_path(const struct store *store);

/*
 * Changes between begin and commit become visible, and durable, together. A
 * begin within a begin joins it. Rollback undoes everything since the outermost
 * begin; it is also what a failed function between them asks for.
 */
int store_begin(struct store *store, struct error *error);
int store_commit(struct store *store, struct error *error);
void store_rollback(struct store *store);

/*
 * Go through the whole file: damage is an error that names it; an index that
 * does not agree with the texts is made anew. Takes time with the size of the
 * store. Returns 1 when an index was repaired, 0 when all is well.
 */
int store_check(struct store *store, struct error *error);

#endif
