#include "io/loop.h"

#include "base/clock.h"
#include "io/process.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct watch {
    loop_ready *ready; /* NULL: removed while callbacks run */
    void *context;
};

struct loop {
    struct pollfd *polls; /* parallel to watches */
    struct watch *watches;
    int count;
    int capacity;
    struct loop_timer *timers;
    int signal_fd;
    loop_signal *on_signal;
    void *signal_context;
    loop_call *before_wait;
    void *before_context;
    bool stopped;
};

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop != NULL)
        loop->signal_fd = -1;
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    close_descriptor(&loop->signal_fd);
    free(loop->polls);
    free(loop->watches);
    free(loop);
}

static int find(const struct loop *loop, int fd)
{
    for (int i = 0; i < loop->count; i++) {
        if (loop->polls[i].fd == fd && loop->watches[i].ready != NULL)
            return i;
    }
    return -1;
}

static int grow(struct loop *loop)
{
    int capacity = loop->capacity > 0 ? loop->capacity * 2 : 16;
    struct pollfd *polls = realloc(loop->polls, (size_t)capacity * sizeof *polls);
    if (polls == NULL)
        return -1;
    loop->polls = polls;
    struct watch *watches = realloc(loop->watches, (size_t)capacity * sizeof *watches);
    if (watches == NULL)
        return -1;
    loop->watches = watches;
    loop->capacity = capacity;
    return 0;
}

int loop_watch(struct loop *loop, int fd, short events, loop_ready *ready, void *context)
{
    int at = find(loop, fd);
    if (at < 0) {
        if (loop->count == loop->capacity && grow(loop) < 0)
            return -1;
        at = loop->count++;
        loop->polls[at].revents = 0;
    }
    /* poll reports a hang-up even when nothing is asked for; a negative fd is passed over. */
    loop->polls[at].fd = fd;
    loop->polls[at].events = events;
    loop->watches[at] = (struct watch){ready, context};
    return 0;
}

void loop_unwatch(struct loop *loop, int fd)
{
    int at = find(loop, fd);
    if (at >= 0) {
        loop->watches[at].ready = NULL;
        loop->polls[at].fd = -1;
        loop->polls[at].revents = 0;
    }
}

static void drop_removed(struct loop *loop)
{
    int kept = 0;
    for (int i = 0; i < loop->count; i++) {
        if (loop->watches[i].ready == NULL)
            continue;
        loop->polls[kept] = loop->polls[i];
        loop->watches[kept] = loop->watches[i];
        kept++;
    }
    loop->count = kept;
}

void loop_timer_cancel(struct loop *loop, struct loop_timer *timer)
{
    for (struct loop_timer **link = &loop->timers; *link != NULL; link = &(*link)->next) {
        if (*link == timer) {
            *link = timer->next;
            break;
        }
    }
    timer->deadline = 0;
    timer->next = NULL;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t deadline)
{
    loop_timer_cancel(loop, timer);
    timer->deadline = deadline;
    struct loop_timer **link = &loop->timers;
    while (*link != NULL && (*link)->deadline <= deadline)
        link = &(*link)->next;
    timer->next = *link;
    *link = timer;
}

static void fire_timers(struct loop *loop)
{
    int64_t now = clock_monotonic_ms();
    while (!loop->stopped && loop->timers != NULL && loop->timers->deadline <= now) {
        struct loop_timer *timer = loop->timers;
        loop_timer_cancel(loop, timer);
        timer->call(timer->context);
    }
}

static void signal_ready(void *context, short events)
{
    (void)events;
    struct loop *loop = context;
    struct signalfd_siginfo info;
    while (!loop->stopped && read(loop->signal_fd, &info, sizeof info) == sizeof info)
        loop->on_signal(loop->signal_context, (int)info.ssi_signo);
}

int loop_signals(
    struct loop *loop, const int *signals, loop_signal *call, void *context, struct error *error)
{
    sigset_t set;
    sigemptyset(&set);
    for (; *signals != 0; signals++)
        sigaddset(&set, *signals);
    loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop->signal_fd < 0)
        return error_system(error, "receive signals");
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return error_system(error, "block signals");
    loop->on_signal = call;
    loop->signal_context = context;
    if (loop_watch(loop, loop->signal_fd, POLLIN, signal_ready, loop) < 0)
        return error_system(error, "watch signals");
    return 0;
}

void loop_before_wait(struct loop *loop, loop_call *call, void *context)
{
    loop->before_wait = call;
    loop->before_context = context;
}

static int wait_time(const struct loop *loop)
{
    if (loop->timers == NULL)
        return -1;
    int64_t left = loop->timers->deadline - clock_monotonic_ms();
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void dispatch(struct loop *loop)
{
    int count = loop->count; /* what callbacks add is polled first */
    for (int i = 0; i < count && !loop->stopped; i++) {
        short ready = loop->polls[i].revents;
        if (ready != 0 && loop->watches[i].ready != NULL) {
            loop->polls[i].revents = 0;
            loop->watches[i].ready(loop->watches[i].context, ready);
        }
    }
}

int loop_run(struct loop *loop, struct error *error)
{
    loop->stopped = false;
    for (;;) {
        if (loop->before_wait != NULL)
            loop->before_wait(loop->before_context);
        if (loop->stopped)
            return 0;
        drop_removed(loop);
        int ready = poll(loop->polls, (nfds_t)loop->count, wait_time(loop));
        if (ready < 0 && errno != EINTR)
            return error_system(error, "poll");
        if (ready > 0)
            dispatch(loop);
        if (!loop->stopped)
            fire_timers(loop);
        if (loop->stopped) {
            if (loop->before_wait != NULL)
                loop->before_wait(loop->before_context);
            return 0;
        }
    }
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}
