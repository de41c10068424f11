/*
 * One poll(2) loop: descriptors, timers, signals, and a moment before it waits.
 *
 * Nothing wakes it without need: with no timer it waits for ever. Callbacks may
 * add and remove anything, also themselves. The loop owns no descriptor but
 * the one it receives signals on.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* events and ready are poll(2)'s: POLLIN, POLLOUT; POLLHUP and POLLERR come unasked. */
typedef void loop_ready(void *context, short events);
typedef void loop_call(void *context);
typedef void loop_signal(void *context, int signal);

struct loop_timer {
    int64_t deadline; /* clock_monotonic_ms; 0: not set */
    loop_call *call;
    void *context;
    struct loop_timer *next; /* the loop's */
};

/* NULL when memory is short. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Call ready when fd has one of events; asked again for the same fd, it replaces. events 0 keeps
 * the watch but asks for nothing. 0, or -1 when memory is short. */
int loop_watch(struct loop *loop, int fd, short events, loop_ready *ready, void *context);

/* Must come before the descriptor is closed. */
void loop_unwatch(struct loop *loop, int fd);

/* Set, or move, a timer. It is the caller's, stays where it is while set, and fires once. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t deadline);
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer);

/* Receive these signals (ended by 0) through the loop; they are blocked from then on. 0 or -1. */
int loop_signals(
    struct loop *loop, const int *signals, loop_signal *call, void *context, struct error *error);

/* Called before every wait: the place to flush what has been queued. */
void loop_before_wait(struct loop *loop, loop_call *call, void *context);

/* Until loop_stop. 0, or -1 when poll itself fails. */
int loop_run(struct loop *loop, struct error *error);
void loop_stop(struct loop *loop);

#endif
