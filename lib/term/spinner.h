/* A sign of life: which frame to show when, and how long something has taken in words. */
#ifndef TERM_SPINNER_H
#define TERM_SPINNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPINNER_MS = 80 /* a frame */, DURATION_SIZE = 32 };

/* The frame for a time in milliseconds: one column wide. */
const char *spinner_frame(int64_t now, bool unicode);

/* "40 ms", "1.4 s", "12 s", "3 min 05 s", "2 h 07 min". text has at least DURATION_SIZE bytes. */
void duration_words(char *text, size_t size, int64_t milliseconds);

/* The same in whole seconds, for what is not over yet: nothing in the first one. */
void duration_seconds(char *text, size_t size, int64_t milliseconds);

#endif
