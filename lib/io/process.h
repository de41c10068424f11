/*
 * Start a child with exactly the descriptors it should have, and learn how it ended.
 *
 * posix_spawn underneath: its cost does not grow with the parent. The child gets
 * the descriptors listed, default signal actions, an empty signal mask, and
 * nothing else.
 */
#ifndef IO_PROCESS_H
#define IO_PROCESS_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

enum { SPAWN_DESCRIPTORS = 8, SPAWN_NULL = -1 };

enum spawn_group {
    SPAWN_SAME_GROUP, /* Ctrl-C at the terminal reaches it */
    SPAWN_OWN_GROUP,  /* it does not */
    SPAWN_OWN_SESSION /* nor does anything else about the terminal */
};

struct spawn {
    const char *path;         /* the executable; never searched for in PATH */
    char *const *argv;        /* ends with NULL */
    char *const *environment; /* NULL: ours */
    const char *directory;    /* NULL: ours */
    /* The child's descriptor n is a copy of descriptors[n]; SPAWN_NULL: /dev/null. */
    int descriptors[SPAWN_DESCRIPTORS];
    int descriptor_count; /* at least 3 */
    enum spawn_group group;
};

struct process {
    pid_t pid; /* 0: none */
    int pidfd; /* readable when it has ended; -1: none */
};

/* 0, or -1 with a sentence that names the path. */
int process_spawn(struct process *process, const struct spawn *spawn, struct error *error);

/*
 * Wait for it, up to the deadline (clock_monotonic_ms; 0: no wait, negative: for ever), and reap
 * it. Returns true once, and sets *status to the exit code, or to 128 + the signal that ended it.
 * The process is then empty.
 */
bool process_wait(struct process *process, long long deadline, int *status);

/* Signal it: only it, or its process group. Nothing when it has been reaped. */
void process_signal(const struct process *process, int signal);
void process_signal_group(const struct process *process, int signal);

/* SIGKILL and reap. */
void process_kill(struct process *process);

/* A pipe whose ends are CLOEXEC and not among 0 to 9. 0, or -1 (errno). */
int process_pipe(int *read_end, int *write_end);

/* Close *fd when it is open, and set it to -1. */
void close_descriptor(int *fd);

#endif
