/*
 * Which files of projects (configuration, tools) a person has looked at and trusts: by path and by
 * the SHA-256 of their content, so that a changed file must be looked at again.
 *
 * The list is trusted in the user's state directory, 0600. It is only ever
 * appended to: for a path the last line counts. A line is what sha256sum(1)
 * prints, or has "revoked" in the sum's place.
 */
#ifndef DATA_TRUST_H
#define DATA_TRUST_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether this content at this absolute, resolved path is trusted; a list that cannot be read
 * trusts nothing. */
bool trust_holds(const char *path, const char *content, size_t length);

/* Trust the file as it is now. 0, or -1 with a sentence. */
int trust_add(const char *path, const char *content, size_t length, struct error *error);

/* The same two for a regular file of any size, which is read here. */
bool trust_holds_file(const char *path);
int trust_add_file(const char *path, struct error *error);

/* No longer trust whatever is at the path. 0; -1 with a sentence, also when it was not trusted. */
int trust_remove(const char *path, struct error *error);

#endif
