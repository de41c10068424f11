/*
 * math: evaluate Python.
 *
 * This program becomes the interpreter, with the code on its stdin: it takes
 * away what computing does not need, and replaces itself. The sandbox around it
 * is ts-jail's profile "strict". What the code may call is not looked at: every
 * module holds another one, so no list of names would confine anything.
 */
#include "common/tool_main.h"
#include "base/clock.h"
#include "io/paths.h"
#include "io/process.h"
#include "io/syscall_filter.h"

#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    MEMORY_MIB = 1024, /* of data; less where ts-jail gives less */
    CPU_SECONDS = 120, /* of all threads; without a runner's limit */
    CPU_PER_SECOND = 4 /* with one: seconds of work per second of patience */
};

/* Never through PATH: what is there may be a script of the user's home, which the jail hides. */
static const char *const interpreters[] = {
    "/usr/bin/python3", "/usr/local/bin/python3", "/bin/python3"};

static const char *find_interpreter(void)
{
    for (size_t i = 0; i < sizeof interpreters / sizeof interpreters[0]; i++) {
        if (access(interpreters[i], X_OK) == 0)
            return interpreters[i];
    }
    return NULL;
}

/* The code as a file in memory, from its beginning. -1 with errno. */
static int code_file(const char *code)
{
    int fd = memfd_create("code", MFD_CLOEXEC);
    size_t length = strlen(code), sent = 0;
    while (fd >= 0 && sent < length) {
        ssize_t count = write(fd, code + sent, length - sent);
        if (count < 0 && errno != EINTR)
            close_descriptor(&fd);
        else if (count > 0)
            sent += (size_t)count;
    }
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) < 0)
        close_descriptor(&fd);
    return fd;
}

/* Lower a limit; one that is lower already stays. 0, or -1 (errno). */
static int lower(__rlimit_resource_t which, rlim_t most)
{
    struct rlimit limit;
    if (getrlimit(which, &limit) < 0)
        return -1;
    if (limit.rlim_max > most)
        limit.rlim_max = most;
    if (limit.rlim_cur > limit.rlim_max)
        limit.rlim_cur = limit.rlim_max;
    return setrlimit(which, &limit);
}

static int confine(const struct tool_call *call, struct error *error)
{
    rlim_t seconds = CPU_SECONDS;
    if (call->deadline > 0)
        seconds =
            (rlim_t)((call->deadline - clock_monotonic_ms()) / 1000 + 1) * (rlim_t)CPU_PER_SECOND;
    if (lower(RLIMIT_DATA, (rlim_t)MEMORY_MIB << 20) < 0 || lower(RLIMIT_CPU, seconds) < 0 ||
        lower(RLIMIT_CORE, 0) < 0)
        return error_system(error, "limit the interpreter");
    return syscall_filter_compute_only(error);
}

static int run(struct tool_call *call, struct error *error)
{
    const char *code, *interpreter = find_interpreter();
    char script[PATH_MAX];
    if (tool_text(call, "code", &code, error) < 0)
        return -1;
    if (code[strspn(code, " \t\r\n")] == '\0')
        return error_set(error, "the code is empty");
    if (interpreter == NULL)
        return error_set(error,
            "python3 is neither in /usr/bin nor in /usr/local/bin; Debian's package is python3");
    if (paths_share(script, sizeof script, "evaluate.py", error) < 0)
        return -1;
    int fd = code_file(code);
    if (fd < 0)
        return error_system(error, "hand the code over");
    int moved = dup2(fd, STDIN_FILENO);
    close_descriptor(&fd);
    if (moved < 0 || close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return error_system(error, "hand the code over");
    if (confine(call, error) < 0)
        return -1;
    /* Isolated, without site (evaluate.py adds it when needed), nothing written, UTF-8. */
    char name[] = "python3", isolated[] = "-ISB", option[] = "-X", utf8[] = "utf8";
    char *argv[] = {name, isolated, option, utf8, script, NULL};
    /* Threads of numpy's libraries cost memory at once, and gain nothing in a second. */
    static char path[] = "PATH=/usr/bin:/bin", locale[] = "LC_ALL=C.UTF-8",
                blas[] = "OPENBLAS_NUM_THREADS=1", omp[] = "OMP_NUM_THREADS=1";
    static char *const environment[] = {path, locale, blas, omp, NULL};
    execve(interpreter, argv, environment);
    return error_system(error, "run '%s'", interpreter);
}

static const struct tool math = {
    .name = "math",
    .purpose = "evaluates Python and prints the value of its last expression",
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&math, argc, argv);
}
