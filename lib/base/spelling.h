/* How near two names are: for the question whether a person meant another one. */
#ifndef BASE_SPELLING_H
#define BASE_SPELLING_H

#include <stddef.h>

enum { SPELLING_LONGEST = 64 }; /* bytes: longer names are near to nothing */

/* How many letters must be added, dropped, changed or swapped with their neighbour; SIZE_MAX when
 * one of them is longer than SPELLING_LONGEST. */
size_t spelling_distance(const char *one, const char *other);

/* The one of names (ended by NULL) that a misspelt one probably means; NULL: none is near. */
const char *spelling_nearest(const char *wanted, const char *const *names);

#endif
