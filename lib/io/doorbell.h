/*
 * A doorbell: a Unix datagram socket beside something in the store that a
 * process waits for. Another process that has changed it rings, and the owner
 * looks. What rings is not believed and carries nothing.
 *
 * The file is below the runtime directory, which belongs to the user alone. A
 * doorbell whose owner was killed stays as a file, and is found dead by whoever
 * rings, who then removes it.
 */
#ifndef IO_DOORBELL_H
#define IO_DOORBELL_H

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>

struct doorbell {
    int fd; /* poll for reading; -1: none */
    char path[PATH_MAX];
};

/* Hang one up in a directory that is there. 0, or -1 with a sentence and none. */
int doorbell_open(
    struct doorbell *doorbell, const char *directory, const char *name, struct error *error);

/* It was rung: make it quiet again. */
void doorbell_answer(struct doorbell *doorbell);

/* Take it away; none is fine. */
void doorbell_close(struct doorbell *doorbell);

/* Whether anybody listens there, ringing or only looking. */
bool doorbell_ring(const char *path);
bool doorbell_is_attended(const char *path);

#endif
