/*
 * The last steps in the process that becomes the command: limits, descriptors,
 * no new privileges, execute. Under bubblewrap they must be taken inside, by
 * ts-jail executed again: a limit on processes that counted from outside would
 * stop bubblewrap itself, and only a process inside can say that the sandbox
 * stands.
 */
#ifndef TS_JAIL_INSIDE_H
#define TS_JAIL_INSIDE_H

#include "jail.h"

#include <stdnoreturn.h>

struct inside {
    struct limits limits;
    int result_fd; /* INSIDE_READY, then closed by the execution, or followed by errno as text */
    int stderr_fd; /* becomes descriptor 2; -1: it is already */
    int kept[KEPT_DESCRIPTORS];
    int kept_count;
};

enum { INSIDE_READY = '+', INSIDE_TEXT_SIZE = 256 };

/* argv[1] of the second execution; never an option of a person. */
#define INSIDE_WORD "--inside"

/* argv[2]: the struct as text. */
void inside_print(const struct inside *inside, char *text, size_t size);

/* Called first thing by main: true when argv is such an execution; the command follows argv[2]. */
bool inside_parse(struct inside *inside, int argc, char **argv);

noreturn void inside_become(const struct inside *inside, char **command);

#endif
