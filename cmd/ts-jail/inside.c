#include "inside.h"

#include "base/exit_code.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FIRST_OTHER = 3, FIXED_NUMBERS = 6 };

void inside_print(const struct inside *inside, char *text, size_t size)
{
    const struct limits *limits = &inside->limits;
    int length = snprintf(text, size, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%d,%d",
        limits->memory, limits->processes, limits->file_size, limits->open_files, inside->result_fd,
        inside->stderr_fd);
    for (int i = 0; i < inside->kept_count; i++)
        length += snprintf(text + length, size - (size_t)length, ",%d", inside->kept[i]);
}

bool inside_parse(struct inside *inside, int argc, char **argv)
{
    int64_t numbers[FIXED_NUMBERS + KEPT_DESCRIPTORS];
    int count = 0;
    if (argc < 4 || strcmp(argv[1], INSIDE_WORD) != 0)
        return false;
    char *at = argv[2];
    for (;;) {
        char *end;
        numbers[count++] = strtoll(at, &end, 10);
        if (*end != ',' || count == FIXED_NUMBERS + KEPT_DESCRIPTORS)
            break;
        at = end + 1;
    }
    if (count < FIXED_NUMBERS)
        return false;
    *inside = (struct inside){
        .limits = {numbers[0], numbers[1], numbers[2], numbers[3]},
        .result_fd = (int)numbers[4],
        .stderr_fd = (int)numbers[5],
        .kept_count = count - FIXED_NUMBERS,
    };
    for (int i = 0; i < inside->kept_count; i++)
        inside->kept[i] = (int)numbers[FIXED_NUMBERS + i];
    return true;
}

static noreturn void fail(const struct inside *inside, int code, const char *what)
{
    char text[INSIDE_TEXT_SIZE];
    int length = snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
    if (length >= (int)sizeof text)
        length = (int)sizeof text - 1;
    ssize_t ignored = write(inside->result_fd, text, (size_t)length);
    (void)ignored; /* the keeper sees that nothing came */
    _exit(code);
}

/* Lower a limit, softly and for good; one that is lower already stays. */
static int lower(int resource, int64_t value)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0)
        return -1;
    if (limit.rlim_max > (rlim_t)value)
        limit.rlim_max = (rlim_t)value;
    if (limit.rlim_cur > limit.rlim_max)
        limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit);
}

static int lower_limits(const struct limits *limits)
{
    if (lower(RLIMIT_CORE, 0) < 0)
        return -1;
    if (limits->memory > 0 && lower(RLIMIT_DATA, limits->memory << 20) < 0)
        return -1;
    if (limits->processes > 0 && lower(RLIMIT_NPROC, limits->processes) < 0)
        return -1;
    if (limits->file_size > 0 && lower(RLIMIT_FSIZE, limits->file_size << 20) < 0)
        return -1;
    return limits->open_files > 0 ? lower(RLIMIT_NOFILE, limits->open_files) : 0;
}

static int settle_descriptors(const struct inside *inside)
{
    if (inside->stderr_fd >= 0 && dup2(inside->stderr_fd, STDERR_FILENO) < 0)
        return -1;
    if (close_range(FIRST_OTHER, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return -1;
    for (int i = 0; i < inside->kept_count; i++) {
        if (fcntl(inside->kept[i], F_SETFD, 0) < 0)
            return -1;
    }
    return 0;
}

void inside_become(const struct inside *inside, char **command)
{
    static const char ready = INSIDE_READY;
    if (settle_descriptors(inside) < 0)
        fail(inside, EXIT_SYSTEM, "arrange the command's descriptors");
    if (lower_limits(&inside->limits) < 0)
        fail(inside, EXIT_SYSTEM, "lower the command's limits");
    /* The session's keys belong to whoever logged in; a kernel without keyrings has none. */
    (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    /* Should whoever keeps us be killed together with whoever would end us then. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail(inside, EXIT_SYSTEM, "forbid new privileges");
    if (write(inside->result_fd, &ready, 1) != 1)
        _exit(EXIT_SYSTEM);
    execvp(command[0], command);
    int code = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
    char what[INSIDE_TEXT_SIZE / 2];
    snprintf(what, sizeof what, "start '%s'", command[0]);
    fail(inside, code, what);
}
