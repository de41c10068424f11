/*
 * What went wrong, as one sentence for a person.
 *
 * Library functions return 0 or -1 (or a count) and fill a struct error; they
 * never print and never exit. The sentence says what was tried, on what, and
 * why it failed, without a capital, a full stop or the program's name:
 * "open '/etc/x': permission denied". Every function accepts a NULL error.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum { ERROR_TEXT_SIZE = 1024 };

struct error {
    char text[ERROR_TEXT_SIZE]; /* always terminated; cut, never overrun */
};

/* Set the sentence. Always returns -1, so that callers can return it. */
int error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, followed by ": " and what errno says. errno is left as it was. */
int error_system(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Put context before a sentence that is already there: "loading x: " + it. Returns -1. */
int error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
