#include "descendants.h"

#include "base/clock.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 5000,     /* a process that outlives SIGKILL so long is stuck in the kernel */
    CHILDREN_SIZE = 8 << 10 /* bytes of the list read at once; the next round gets the rest */
};

/* A kernel without the list of children (CONFIG_PROC_CHILDREN): look at every process. */
static int kill_by_parent(void)
{
    DIR *processes = opendir("/proc");
    if (processes == NULL)
        return -1;
    struct dirent *entry;
    while ((entry = readdir(processes)) != NULL) {
        char path[64], text[512];
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        ssize_t length = read(fd, text, sizeof text - 1);
        close(fd);
        if (length <= 0)
            continue;
        text[length] = '\0';
        /* "pid (name) state parent ...": the name may hold anything, also ')'. */
        const char *name_end = strrchr(text, ')');
        int parent;
        if (name_end != NULL && sscanf(name_end + 1, " %*c %d", &parent) == 1 && parent == getpid())
            kill(atoi(entry->d_name), SIGKILL);
    }
    closedir(processes);
    return 0;
}

static int kill_children(void)
{
    char path[64], list[CHILDREN_SIZE];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return kill_by_parent();
    ssize_t length = read(fd, list, sizeof list - 1);
    close(fd);
    if (length < 0)
        return -1;
    list[length] = '\0';
    char *at = list;
    for (;;) {
        char *end;
        long pid = strtol(at, &end, 10);
        /* A number cut off at the end of the list is another process's: every one is followed by
         * a blank. */
        if (end == at || *end != ' ')
            return 0;
        kill((pid_t)pid, SIGKILL);
        at = end;
    }
}

static void wait_for_signal(int signal_fd, int64_t deadline)
{
    struct signalfd_siginfo info;
    int64_t left = deadline - clock_monotonic_ms();
    struct pollfd watch = {.fd = signal_fd, .events = POLLIN};
    if (left > 0 && poll(&watch, 1, (int)left) > 0) {
        ssize_t ignored = read(signal_fd, &info, sizeof info);
        (void)ignored; /* which one does not matter: all children are looked at */
    }
}

int end_descendants(int signal_fd, pid_t first, int *status)
{
    int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;
    int killed = 0;
    for (;;) {
        int ended;
        pid_t pid;
        while ((pid = waitpid(-1, &ended, WNOHANG)) > 0) {
            if (pid == first)
                *status = ended;
            else if (WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL)
                killed++;
        }
        if (pid < 0 && errno == ECHILD)
            return killed;
        if (kill_children() < 0 || clock_monotonic_ms() >= deadline)
            return -1;
        wait_for_signal(signal_fd, deadline);
    }
}
