#include "supervise.h"

#include "base/clock.h"
#include "common/program.h"
#include "descendants.h"
#include "inside.h"
#include "io/process.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BUILD_PATIENCE_MS = 20000, /* a sandbox takes milliseconds; this long and it hangs */
    KEEPER_PATIENCE_MS = 8000, /* from a signal until the keeper must have ended everything */
    COMPLAINT_LIMIT = 4096,    /* bytes kept of what bubblewrap says */
    ARGUMENTS_LIMIT = 4 << 20, /* bytes of bubblewrap's command line */
};

static const int ending_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

struct keeper {
    struct jail *jail;
    pid_t command;
    int signal_fd;
    int result_fd;    /* from inside_become; -1 once closed */
    int complaint_fd; /* bubblewrap's stderr; -1 once closed */
    struct buffer result;
    struct buffer complaint;
    int64_t deadline; /* 0: none */
    bool started;
    bool timed_out;
    bool ended;     /* the command itself has */
    int status;     /* its status, as waitpid has it */
    int end_signal; /* that we were sent; 0: none */
};

/* The command's side. */

static char **split_arguments(struct buffer *arguments, size_t count, char **command)
{
    size_t operands = 0;
    while (command[operands] != NULL)
        operands++;
    char **argv = calloc(count + operands + 1, sizeof *argv);
    if (argv == NULL)
        return NULL;
    char *at = arguments->data;
    for (size_t i = 0; i < count; i++) {
        argv[i] = at;
        at += strlen(at) + 1;
    }
    memcpy(argv + count, command, operands * sizeof *argv);
    return argv;
}

/* bubblewrap, with ourselves as its command. Returns only when that fails. */
static void become_bubblewrap(const struct jail *jail, struct inside *inside, int complaint)
{
    struct buffer arguments;
    size_t count = 0;
    char word[INSIDE_TEXT_SIZE], self[64];
    const char *bubblewrap = sandbox_bubblewrap();
    /* Opened here: inside, our own file may be hidden, and its descriptor still leads to it. */
    int program = open("/proc/self/exe", O_RDONLY);
    inside->stderr_fd = dup(STDERR_FILENO);
    if (bubblewrap == NULL || program < 0 || inside->stderr_fd < 0 ||
        dup2(complaint, STDERR_FILENO) < 0)
        return;
    buffer_init(&arguments, ARGUMENTS_LIMIT);
    inside_print(inside, word, sizeof word);
    snprintf(self, sizeof self, "/proc/self/fd/%d", program);
    if (sandbox_arguments(&jail->sandbox, bubblewrap, jail->directory, &arguments, &count) < 0)
        return;
    const char *const ours[] = {self, INSIDE_WORD, word};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++, count++) {
        if (buffer_append(&arguments, ours[i], strlen(ours[i]) + 1) < 0)
            return;
    }
    char **argv = split_arguments(&arguments, count, jail->command);
    const int passed[] = {program, inside->stderr_fd, inside->result_fd};
    if (argv == NULL || close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return;
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
        fcntl(passed[i], F_SETFD, 0);
    for (int i = 0; i < jail->kept_count; i++)
        fcntl(jail->kept[i], F_SETFD, 0);
    execv(bubblewrap, argv);
}

static noreturn void become_command(const struct jail *jail, int result, int complaint)
{
    extern char **environ;
    sigset_t none;
    struct inside inside = {
        .limits = jail->limits,
        .result_fd = result,
        .stderr_fd = -1,
        .kept_count = jail->kept_count,
    };
    memcpy(inside.kept, jail->kept, sizeof inside.kept);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    setsid();
    environ = jail->environment;
    if (jail->workspace) {
        become_bubblewrap(jail, &inside, complaint);
        dprintf(complaint, "start bubblewrap: %s\n", strerror(errno));
        _exit(EXIT_SYSTEM);
    }
    if (chdir(jail->directory) < 0) {
        dprintf(complaint, "enter '%s': %s\n", jail->directory, strerror(errno));
        _exit(EXIT_SYSTEM);
    }
    inside_become(&inside, jail->command);
}

/* The keeper. */

static int watch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < sizeof ending_signals / sizeof ending_signals[0]; i++)
        sigaddset(&set, ending_signals[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int start_command(struct keeper *keeper)
{
    int result_end, complaint_end;
    if (process_pipe(&keeper->result_fd, &result_end) < 0)
        return -1;
    if (process_pipe(&keeper->complaint_fd, &complaint_end) < 0) {
        close(result_end);
        return -1;
    }
    keeper->command = fork();
    if (keeper->command == 0)
        become_command(keeper->jail, result_end, complaint_end);
    close(result_end);
    close(complaint_end);
    return keeper->command < 0 ? -1 : 0;
}

/* Take what is there; at the end of the pipe, close our side. What is too much is dropped. */
static void take(int *fd, struct buffer *buffer)
{
    char bytes[1024];
    ssize_t got = read(*fd, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR)
        return;
    if (got <= 0)
        close_descriptor(fd);
    else
        buffer_append(buffer, bytes, (size_t)got);
}

/* The result pipe is closed: the command has been executed, or it never will be. */
static void settle_start(struct keeper *keeper)
{
    keeper->started = keeper->result.length == 1 && keeper->result.data[0] == INSIDE_READY;
    if (!keeper->started)
        return;
    close_descriptor(&keeper->complaint_fd); /* bubblewrap has nothing to say any more */
    keeper->deadline =
        keeper->jail->timeout_ms > 0 ? clock_monotonic_ms() + keeper->jail->timeout_ms : 0;
    if (report_started(keeper->jail->status_fd) < 0)
        keeper->end_signal = SIGTERM;
}

static void take_signal(struct keeper *keeper)
{
    struct signalfd_siginfo info;
    if (read(keeper->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo != SIGCHLD) {
        keeper->end_signal = (int)info.ssi_signo;
        return;
    }
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == keeper->command) {
            keeper->ended = true;
            keeper->status = status;
        }
    }
}

static void wait_for_end(struct keeper *keeper)
{
    while (!keeper->ended && keeper->end_signal == 0) {
        int64_t left = keeper->deadline - clock_monotonic_ms();
        struct pollfd watches[] = {
            {.fd = keeper->signal_fd, .events = POLLIN},
            {.fd = keeper->result_fd, .events = POLLIN},
            {.fd = keeper->complaint_fd, .events = POLLIN},
        };
        if (keeper->deadline > 0 && left <= 0) {
            keeper->timed_out = true;
            return;
        }
        int wait = keeper->deadline == 0 ? -1 : left > INT_MAX ? INT_MAX : (int)left;
        if (poll(watches, 3, wait) < 0)
            continue; /* EINTR alone: signals come through the descriptor */
        if (watches[2].revents != 0)
            take(&keeper->complaint_fd, &keeper->complaint);
        if (watches[1].revents != 0) {
            take(&keeper->result_fd, &keeper->result);
            if (keeper->result_fd < 0)
                settle_start(keeper);
        }
        if (watches[0].revents != 0)
            take_signal(keeper);
    }
}

/* The command has its chance to end in good order, and to say what it has. */
static void wait_with_grace(struct keeper *keeper)
{
    bool timed_out = keeper->timed_out;
    int end_signal = keeper->end_signal;
    if (keeper->ended || !keeper->started || keeper->jail->grace_ms == 0)
        return;
    kill(keeper->command, SIGTERM);
    keeper->deadline = clock_monotonic_ms() + keeper->jail->grace_ms;
    keeper->end_signal = 0;
    wait_for_end(keeper);
    keeper->timed_out = timed_out;
    if (end_signal != 0)
        keeper->end_signal = end_signal;
}

static int fail(struct keeper *keeper, int code, const char *message)
{
    warn("%s", message);
    report_failed(keeper->jail->status_fd, message);
    return code;
}

/* Nothing was executed: say which of the two sides did not work, and why. */
static int explain_failure(struct keeper *keeper)
{
    char message[COMPLAINT_LIMIT + 1024];
    struct buffer *complaint = &keeper->complaint;
    int code = WIFEXITED(keeper->status) ? WEXITSTATUS(keeper->status) : EXIT_SYSTEM;
    if (keeper->result.length > 1 && keeper->result.data[0] == INSIDE_READY)
        return fail(keeper, code, keeper->result.data + 1);
    if (keeper->result.length > 0)
        return fail(keeper, EXIT_SYSTEM, keeper->result.data);
    while (complaint->length > 0 && complaint->data[complaint->length - 1] == '\n')
        buffer_truncate(complaint, complaint->length - 1);
    if (keeper->timed_out)
        snprintf(message, sizeof message, "build the sandbox: not done after %d s",
            BUILD_PATIENCE_MS / 1000);
    else if (!keeper->jail->workspace)
        snprintf(message, sizeof message, "%s",
            complaint->length > 0 ? complaint->data : "start the command: it was ended before");
    else
        snprintf(message, sizeof message, "build the sandbox: %s; %s",
            complaint->length > 0 ? complaint->data : "bubblewrap ended without a word",
            sandbox_advice(complaint->data));
    return fail(keeper, EXIT_SYSTEM, message);
}

static int finish(struct keeper *keeper)
{
    struct ending ending = {.timed_out = keeper->timed_out && keeper->started};
    int killed = end_descendants(keeper->signal_fd, keeper->command, &keeper->status);
    /* What was written last is still in the pipes, which nobody holds open any more. */
    while (killed >= 0 && keeper->result_fd >= 0)
        take(&keeper->result_fd, &keeper->result);
    while (killed >= 0 && keeper->complaint_fd >= 0)
        take(&keeper->complaint_fd, &keeper->complaint);
    if (!keeper->started && keeper->end_signal == 0)
        settle_start(keeper);
    sandbox_leave(&keeper->jail->sandbox);
    if (!keeper->started && keeper->end_signal == 0)
        return explain_failure(keeper);
    if (killed < 0)
        warn("a process of the command could not be ended: the kernel holds it");
    /* Under bubblewrap only its own helper can be left, and the kernel ended the rest with it. */
    ending.killed = keeper->jail->workspace || killed < 0 ? 0 : killed;
    if (keeper->end_signal != 0)
        ending.exit_code = 128 + keeper->end_signal;
    else if (keeper->timed_out)
        ending.exit_code = EXIT_TIMED_OUT;
    else if (WIFSIGNALED(keeper->status))
        ending.exit_code = 128 + (ending.signal = WTERMSIG(keeper->status));
    else
        ending.exit_code = WEXITSTATUS(keeper->status);
    report_exited(keeper->jail->status_fd, &ending);
    return ending.exit_code;
}

static int keep(struct jail *jail, pid_t front)
{
    struct error error;
    struct keeper keeper = {.jail = jail, .result_fd = -1, .complaint_fd = -1};
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != front)
        return EXIT_TERMINATED;
    setsid();
    buffer_init(&keeper.result, INSIDE_TEXT_SIZE);
    buffer_init(&keeper.complaint, COMPLAINT_LIMIT);
    keeper.signal_fd = watch_signals();
    if (keeper.signal_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        return fail(&keeper, EXIT_SYSTEM, "become a supervisor: the kernel refuses");
    if (jail->workspace && sandbox_enter(&jail->sandbox, &error) < 0) {
        sandbox_leave(&jail->sandbox);
        return fail(&keeper, EXIT_SYSTEM, error.text);
    }
    keeper.deadline = clock_monotonic_ms() + BUILD_PATIENCE_MS;
    if (start_command(&keeper) < 0)
        keeper.ended = true; /* the pipes are closed: what follows says so */
    wait_for_end(&keeper);
    wait_with_grace(&keeper);
    int code = finish(&keeper);
    buffer_release(&keeper.result);
    buffer_release(&keeper.complaint);
    return code;
}

/* The front. */

/*
 * Why two processes: when ts-jail itself is killed, the kernel only signals
 * its direct children, and a child that left the session would live on. The
 * keeper is told of the death, and everything the command started is still
 * below it. The other way round, when the command kills the keeper, everything
 * comes to the front, which is a subreaper too. fork is cheap here: ts-jail has
 * done nothing yet that would have to be copied.
 */
int supervise(struct jail *jail)
{
    pid_t front = getpid();
    int status = 0;
    int signal_fd = watch_signals();
    if (signal_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        die(EXIT_SYSTEM, "become a supervisor: %s", strerror(errno));
    pid_t keeper = fork();
    if (keeper < 0) {
        report_failed(jail->status_fd, "start a supervisor: the system has no room for a process");
        die(EXIT_SYSTEM, "start a supervisor: %s", strerror(errno));
    }
    if (keeper == 0) {
        close(signal_fd);
        _exit(keep(jail, front));
    }
    int64_t deadline = 0;
    for (;;) {
        struct signalfd_siginfo info;
        if (waitpid(keeper, &status, WNOHANG) == keeper) {
            if (WIFEXITED(status))
                return WEXITSTATUS(status);
            break;
        }
        int64_t left = deadline - clock_monotonic_ms();
        if (deadline > 0 && left <= 0)
            break;
        struct pollfd watch = {.fd = signal_fd, .events = POLLIN};
        if (poll(&watch, 1, deadline > 0 ? (int)left : -1) <= 0 ||
            read(signal_fd, &info, sizeof info) != (ssize_t)sizeof info ||
            info.ssi_signo == SIGCHLD)
            continue;
        kill(keeper, (int)info.ssi_signo);
        deadline = clock_monotonic_ms() + KEEPER_PATIENCE_MS;
    }
    end_descendants(signal_fd, keeper, &status);
    sandbox_leave(&jail->sandbox);
    report_failed(jail->status_fd, "the command's supervisor was killed; everything was ended");
    warn("the command's supervisor was killed; everything was ended");
    return EXIT_SYSTEM;
}
