/*
 * What one run of ts-jail was asked to do, as its parts share it.
 *
 *     ts-jail (front)  waits for the keeper, passes signals on, knows the exit code
 *       keeper         supervises: ends every descendant, keeps the time, reports
 *         command      profile off: set up by inside_become, then executed
 *         bwrap        profile workspace: builds the sandbox, then runs
 *           ts-jail --inside ...   inside_become again, on the other side
 */
#ifndef TS_JAIL_JAIL_H
#define TS_JAIL_JAIL_H

#include "agent/sandbox.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    KEPT_DESCRIPTORS = 8, /* --keep-fd at most so often */

    EXIT_NOT_EXECUTABLE = 126, /* as shells and env(1) have it */
    EXIT_NOT_FOUND = 127,
};

/* Limits of each process; 0: the one we were started with. */
struct limits {
    int64_t memory;     /* MiB of data and heap, RLIMIT_DATA */
    int64_t processes;  /* of the user in the sandbox, RLIMIT_NPROC */
    int64_t file_size;  /* MiB, RLIMIT_FSIZE */
    int64_t open_files; /* RLIMIT_NOFILE */
};

struct jail {
    bool workspace; /* else off */
    struct sandbox sandbox;
    const char *directory; /* where the command starts */
    struct limits limits;
    int64_t timeout_ms; /* 0: none */
    int64_t grace_ms;   /* from the command's SIGTERM to everybody's SIGKILL; 0: none */
    int kept[KEPT_DESCRIPTORS];
    int kept_count;
    int status_fd; /* -1: none */
    char **environment;
    char **command;
};

#endif
