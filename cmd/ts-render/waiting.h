/*
 * The spinner of the plain view: one line on stderr, when that is a terminal,
 * with what is waited for and how long. It is taken away before anything else
 * is written.
 */
#ifndef TS_RENDER_WAITING_H
#define TS_RENDER_WAITING_H

#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>

enum { WAITING_WORD_SIZE = 64 };

struct waiting {
    struct loop *loop; /* NULL: no spinner */
    struct loop_timer timer;
    char word[WAITING_WORD_SIZE];
    int64_t since;
    size_t columns; /* of what stands on the terminal */
    bool unicode;
    bool escapes; /* the terminal can erase; else it is overwritten with spaces */
};

/* wanted false, or no terminal on stderr: nothing will ever be shown. The struct must stay where
 * it is until waiting_stop. */
void waiting_init(struct waiting *waiting, struct loop *loop, bool wanted, bool unicode);

/* Wait for something else, or go on waiting for the same. */
void waiting_start(struct waiting *waiting, const char *word);

/* Take it away. */
void waiting_stop(struct waiting *waiting);

#endif
