/*
 * Run a program to its end: give it its input, keep what it prints, bounded in
 * size and time.
 */
#ifndef IO_CHILD_RUN_H
#define IO_CHILD_RUN_H

#include "base/buffer.h"
#include "base/error.h"
#include "io/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child_run {
    struct buffer output;    /* of stdout; owned */
    struct buffer complaint; /* the beginning of stderr; owned */
    int status;              /* its exit code, or 128 and the number of the signal */
    bool timed_out;          /* it was ended at the deadline */
    bool overflowed;         /* it was ended because its output was too long */
};

void child_run_init(struct child_run *run, size_t output_most, size_t complaint_most);
void child_run_release(struct child_run *run);

/*
 * Run it; spawn has path, argv, environment and directory, its descriptors 0 to
 * 2 are set here, one at 3 may be given (descriptor_count 4). The program ends
 * by SIGTERM, and SIGKILL a moment later, when it is too late or too loud.
 * 0: it has ended, however; -1 with a sentence: it could not be started.
 */
int child_run_to_end(struct child_run *run, const struct spawn *spawn, const char *input,
    size_t length, int64_t deadline, struct error *error);

#endif
