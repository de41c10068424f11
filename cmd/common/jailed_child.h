/*
 * A tool's program under ts-jail, watched from a loop: what it writes is taken
 * as it comes, and its end is told once everything has been taken.
 *
 *     jailed_child_init(&child, loop, take, ended, context);
 *     spawn.descriptors[1] = JAILED_CHILD_READ;      what the program prints, for take
 *     if (jailed_child_start(&child, &spawn, &error) < 0) ...
 *
 * ts-jail leaves nobody behind who could still write, so what is in the pipes
 * when it has ended is all there will be.
 */
#ifndef CMD_COMMON_JAILED_CHILD_H
#define CMD_COMMON_JAILED_CHILD_H

#include "base/error.h"
#include "io/loop.h"
#include "io/process.h"

#include <cjson/cJSON.h>

enum { JAILED_CHILD_READ = -2 }; /* in spawn.descriptors: a pipe that we read */

struct jailed_child {
    struct loop *loop;
    /* Bytes of the child's descriptor. */
    void (*take)(void *context, int descriptor, const char *bytes, size_t length);
    /* It has ended, is reaped, and its pipes are closed; it may be started again from here. */
    void (*ended)(void *context, int status);
    void *context;
    struct process process;
    int ends[SPAWN_DESCRIPTORS]; /* of the pipes we read, by the child's number; -1: none */
};

void jailed_child_init(struct jailed_child *child, struct loop *loop,
    void (*take)(void *context, int descriptor, const char *bytes, size_t length),
    void (*ended)(void *context, int status), void *context);

/* 0, or -1 with a sentence and nothing started. */
int jailed_child_start(struct jailed_child *child, const struct spawn *spawn, struct error *error);

/* End it without another word: asked first, when there are milliseconds for that, then killed. */
void jailed_child_kill(struct jailed_child *child, int milliseconds);

/* The arguments, {} for NULL, as a file in memory, which is no pipe to feed while the program may
 * not read. A descriptor that the caller closes, or -1 with a sentence. */
int jailed_child_arguments(const cJSON *arguments, struct error *error);

/* The first status line of ts-jail that says this; the caller frees it. NULL: there is none. */
cJSON *jailed_child_report(const char *lines, const char *wanted);

#endif
