/* Time: monotonic milliseconds for deadlines and durations, wall time for people and records. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

enum { CLOCK_UTC_SIZE = 25 }; /* "2026-03-01T10:05:12.123Z" and its NUL */

int64_t clock_monotonic_ms(void);

/* Now, in UTC, with milliseconds. text has at least CLOCK_UTC_SIZE bytes. */
void clock_utc_now(char *text, size_t size);

#endif
