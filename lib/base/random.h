/* Unguessable identifiers and jitter, from the kernel's random source. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum {
    RANDOM_REQUEST_ID_SIZE = 33, /* 128 bits in hex, and a NUL: approval and plan requests */
    RANDOM_SESSION_ID_SIZE = 13, /* 48 bits in hex, and a NUL: sessions, correlation ids */
};

/* size - 1 lower-case hex digits and a NUL. */
void random_hex(char *text, size_t size);

uint64_t random_number(void);

#endif
