#include "io/process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_PARKED = 10 }; /* where descriptors wait so that dup2 overwrites none of them */

extern char **environ;

void close_descriptor(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int park(int fd)
{
    int parked = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_PARKED);
    if (parked < 0 && errno == EINVAL)
        errno = EMFILE; /* the limit is below the first place */
    return parked;
}

int process_pipe(int *read_end, int *write_end)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    *read_end = ends[0] >= FIRST_PARKED ? ends[0] : park(ends[0]);
    *write_end = ends[1] >= FIRST_PARKED ? ends[1] : park(ends[1]);
    int saved = errno;
    if (*read_end != ends[0])
        close(ends[0]);
    if (*write_end != ends[1])
        close(ends[1]);
    if (*read_end < 0 || *write_end < 0) {
        close_descriptor(read_end);
        close_descriptor(write_end);
        errno = saved;
        return -1;
    }
    return 0;
}

/* Copies of the wanted descriptors, out of the way. -1 with errno on failure. */
static int park_all(const struct spawn *spawn, int *parked)
{
    for (int i = 0; i < spawn->descriptor_count; i++) {
        int wanted = spawn->descriptors[i];
        parked[i] = wanted == SPAWN_NULL ? open("/dev/null", O_RDWR | O_CLOEXEC) : park(wanted);
        if (wanted == SPAWN_NULL && parked[i] >= 0 && parked[i] < FIRST_PARKED) {
            int low = parked[i];
            parked[i] = park(low);
            close(low);
        }
        if (parked[i] < 0)
            return -1;
    }
    return 0;
}

static int prepare_actions(
    posix_spawn_file_actions_t *actions, const struct spawn *spawn, const int *parked)
{
    int result = 0;
    for (int i = 0; i < spawn->descriptor_count && result == 0; i++)
        result = posix_spawn_file_actions_adddup2(actions, parked[i], i);
    if (result == 0)
        result = posix_spawn_file_actions_addclosefrom_np(actions, spawn->descriptor_count);
    if (result == 0 && spawn->directory != NULL)
        result = posix_spawn_file_actions_addchdir_np(actions, spawn->directory);
    return result;
}

static int prepare_attributes(posix_spawnattr_t *attributes, enum spawn_group group)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    if (group == SPAWN_OWN_GROUP)
        flags |= POSIX_SPAWN_SETPGROUP;
    if (group == SPAWN_OWN_SESSION)
        flags |= POSIX_SPAWN_SETSID;
    int result = posix_spawnattr_setflags(attributes, flags);
    if (result == 0)
        result = posix_spawnattr_setsigdefault(attributes, &all);
    if (result == 0)
        result = posix_spawnattr_setsigmask(attributes, &none);
    return result;
}

static int spawn_parked(pid_t *pid, const struct spawn *spawn, const int *parked)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0)
        return result;
    result = posix_spawnattr_init(&attributes);
    if (result == 0) {
        result = prepare_actions(&actions, spawn, parked);
        if (result == 0)
            result = prepare_attributes(&attributes, spawn->group);
        if (result == 0)
            result = posix_spawn(pid, spawn->path, &actions, &attributes, spawn->argv,
                spawn->environment != NULL ? spawn->environment : environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

int process_spawn(struct process *process, const struct spawn *spawn, struct error *error)
{
    int parked[SPAWN_DESCRIPTORS];
    *process = (struct process){.pidfd = -1};
    for (int i = 0; i < SPAWN_DESCRIPTORS; i++)
        parked[i] = -1;
    int result = park_all(spawn, parked) < 0 ? errno : spawn_parked(&process->pid, spawn, parked);
    for (int i = 0; i < SPAWN_DESCRIPTORS; i++)
        close_descriptor(&parked[i]);
    if (result != 0) {
        process->pid = 0;
        errno = result;
        return error_system(error, "start '%s'", spawn->path);
    }
    process->pidfd = pidfd_open(process->pid, 0);
    if (process->pidfd < 0) {
        error_system(error, "watch '%s'", spawn->path);
        process_kill(process);
        return -1;
    }
    return 0;
}

static int exit_status(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status;
}

static bool reap(struct process *process, int options, int *status)
{
    siginfo_t info = {.si_pid = 0};
    if (process->pid <= 0)
        return false;
    int result;
    do {
        result = waitid(P_PID, (id_t)process->pid, &info, WEXITED | options);
    } while (result < 0 && errno == EINTR);
    if (result < 0)
        *status = 128; /* reaped behind our back: nothing is known */
    else if (info.si_pid == 0)
        return false;
    else
        *status = exit_status(&info);
    close_descriptor(&process->pidfd);
    process->pid = 0;
    return true;
}

bool process_wait(struct process *process, long long deadline, int *status)
{
    while (process->pid > 0) {
        if (reap(process, WNOHANG, status))
            return true;
        long long left = deadline < 0 ? -1 : deadline - clock_monotonic_ms();
        if (deadline >= 0 && left <= 0)
            return false;
        struct pollfd watch = {.fd = process->pidfd, .events = POLLIN};
        if (poll(&watch, 1, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR)
            return false;
    }
    return false;
}

void process_signal(const struct process *process, int signal)
{
    if (process->pid > 0)
        kill(process->pid, signal);
}

void process_signal_group(const struct process *process, int signal)
{
    if (process->pid > 0)
        kill(-process->pid, signal);
}

void process_kill(struct process *process)
{
    int status;
    process_signal(process, SIGKILL);
    reap(process, 0, &status);
}
