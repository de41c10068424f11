/*
 * Read before edit: what a conversation has seen of each file.
 *
 * STATE/reads/NAME, where NAME is the SHA-256 in hex of the resolved path,
 * holds the SHA-256 in hex of the contents as the conversation last read or
 * wrote them, and " part" behind it when only a part was shown. An edit needs
 * the same contents to be there still; replacing a whole file needs that all
 * of it was seen. Hashes, not times: a file touched back to its old time is
 * noticed too. A state directory of NULL (a tool run by hand) guards nothing.
 */
#ifndef AGENT_READ_GUARD_H
#define AGENT_READ_GUARD_H

#include "base/error.h"

#include <sha2.h>
#include <stdbool.h>
#include <stddef.h>

enum { READ_GUARD_HASH_SIZE = SHA256_DIGEST_STRING_LENGTH }; /* 64 digits and a NUL */

enum read_guard_answer {
    READ_GUARD_FREE,    /* no state directory: nobody guards */
    READ_GUARD_UNREAD,  /* this conversation has not read it */
    READ_GUARD_CHANGED, /* it has, but other contents */
    READ_GUARD_PART,    /* these contents, of which it saw a part */
    READ_GUARD_WHOLE,   /* these contents, all of them */
};

void read_guard_hash(const char *bytes, size_t length, char hash[READ_GUARD_HASH_SIZE]);

/* Note what was shown. A part noted after the whole of the same contents takes nothing away.
 * 0, or -1 with a sentence. */
int read_guard_note(const char *state_directory, const char *path, const char *hash, bool whole,
    struct error *error);

/* Forget a file that could not be read any more. */
void read_guard_forget(const char *state_directory, const char *path);

/* What the conversation knows of a file that now has these contents. A note that cannot be read
 * is none. */
enum read_guard_answer read_guard_ask(
    const char *state_directory, const char *path, const char *hash);

#endif
