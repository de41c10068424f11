/*
 * ts-jail: run a command so that it cannot reach more than it should, and
 * leave nothing of it behind.
 *
 * It depends on no configuration: what it does is on its command line, and
 * --explain says what that means.
 */
#include "common/program.h"
#include "environment.h"
#include "inside.h"
#include "io/paths.h"
#include "io/process.h"
#include "jail.h"
#include "report.h"
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    MEMORY_DEFAULT = 4096,    /* MiB: enough to compile and link large programs */
    PROCESSES_DEFAULT = 512,  /* a parallel build and its tests */
    FILE_SIZE_DEFAULT = 1024, /* MiB */
    OPEN_FILES = 1024,
    LIMIT_MOST = 1 << 20,     /* MiB or processes */
    TIMEOUT_MOST = 7 * 86400, /* seconds */
    EXPLANATION_LIMIT = 256 << 10,
};

enum {
    OPTION_PROFILE = OPTION_LONG,
    OPTION_PROJECT,
    OPTION_READ_ONLY,
    OPTION_NETWORK,
    OPTION_TIMEOUT,
    OPTION_GRACE,
    OPTION_WRITE,
    OPTION_READ,
    OPTION_HIDE,
    OPTION_STATE,
    OPTION_MEMORY,
    OPTION_PROCESSES,
    OPTION_FILE_SIZE,
    OPTION_KEEP_FD,
    OPTION_ENV,
    OPTION_PASS,
    OPTION_STATUS_FD,
    OPTION_EXPLAIN,
};

static const struct option_spec options[] = {
    {OPTION_PROFILE, "profile", "NAME", "workspace (a sandbox, the default) or off (none)"},
    {OPTION_PROJECT, "project", "DIR", "what may be written to (default: the current directory)"},
    {OPTION_READ_ONLY, "read-only", NULL, "the project may only be read"},
    {OPTION_NETWORK, "network", NULL, "leave the network reachable"},
    {OPTION_TIMEOUT, "timeout", "SECONDS", "end everything after this time"},
    {OPTION_GRACE, "grace", "SECONDS", "let the command end by itself for so long, when stopped"},
    {OPTION_WRITE, "write", "PATH", "may be written to as well; may be repeated"},
    {OPTION_READ, "read", "PATH", "may be read although it is hidden; may be repeated"},
    {OPTION_HIDE, "hide", "PATH", "cannot be read, wherever it lies; may be repeated"},
    {OPTION_STATE, "state", "DIR", "writable, and named to the command in TS_STATE_DIR"},
    {OPTION_MEMORY, "memory", "MIB", "limit of each process (4096; 0: none)"},
    {OPTION_PROCESSES, "processes", "N", "limit of processes (512 in a sandbox; 0: none)"},
    {OPTION_FILE_SIZE, "file-size", "MIB", "limit of each file written (1024; 0: none)"},
    {OPTION_KEEP_FD, "keep-fd", "N", "leave this descriptor open; may be repeated"},
    {OPTION_ENV, "env", "NAME=VALUE", "put this into the environment; may be repeated"},
    {OPTION_PASS, "pass", "NAME", "leave it this variable of ours; NAME* for all that begin so"},
    {OPTION_STATUS_FD, "status-fd", "N", "write how it went to this descriptor, as JSON lines"},
    {OPTION_EXPLAIN, "explain", NULL, "say what a command could do, try it, and exit"},
    {0},
};

static const struct program program = {
    .name = "ts-jail",
    .synopsis = "[options] [--] command [argument ...]",
    .purpose = "runs a command under limits and in a sandbox, and leaves nothing of it behind",
    .options = options,
    .operands_end_options = true,
};

struct choice {
    struct jail jail;
    struct sandbox_request request;
    char project[PATH_MAX];
    char state[PATH_MAX];
    char directory[PATH_MAX];
    char *added[ENVIRONMENT_ADDED + 3]; /* environment; ends with NULL */
    size_t added_count;
    const char *passed[ENVIRONMENT_PASSED + 1]; /* ends with NULL */
    size_t passed_count;
    bool explain;
    bool processes_given;
};

/* A failure of ours, told to both readers: the person and the program at the status fd. */
static noreturn void refuse(const struct jail *jail, const struct error *error)
{
    report_failed(jail->status_fd, error->text);
    die(EXIT_SYSTEM, "%s", error->text);
}

static char *copy(const char *text)
{
    char *copied = strdup(text);
    if (copied == NULL)
        die(EXIT_SYSTEM, "out of memory");
    return copied;
}

static void resolve(const struct choice *choice, char *path, const char *given)
{
    struct error error;
    if (paths_resolve(path, PATH_MAX, choice->directory, given, &error) < 0)
        refuse(&choice->jail, &error);
}

static void add_path(
    const struct choice *choice, const char **paths, size_t *count, size_t most, const char *given)
{
    char path[PATH_MAX];
    if (*count == most)
        die_usage("more than %zu paths", most);
    resolve(choice, path, given);
    if (access(path, F_OK) < 0) {
        struct error error;
        error_system(&error, "open '%s' to the command", path);
        refuse(&choice->jail, &error);
    }
    paths[(*count)++] = copy(path);
}

static void add_variable(struct choice *choice, const char *value)
{
    const char *equals = strchr(value, '=');
    if (equals == NULL || equals == value)
        die_usage("--env: '%s' is not NAME=VALUE", value);
    if (choice->added_count == ENVIRONMENT_ADDED)
        die_usage("more than %d variables", ENVIRONMENT_ADDED);
    choice->added[choice->added_count++] = copy(value);
}

/* A star alone would be everything: no whitelist. */
static void pass_variable(struct choice *choice, const char *value)
{
    size_t length = strcspn(value, "=*");
    if (length == 0 || (value[length] != '\0' && strcmp(value + length, "*") != 0))
        die_usage("--pass: '%s' is not the name of a variable, or its beginning and '*'", value);
    if (choice->passed_count == ENVIRONMENT_PASSED)
        die_usage("more than %d variables passed", ENVIRONMENT_PASSED);
    choice->passed[choice->passed_count++] = value;
}

static void set_variable(struct choice *choice, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 2;
    char *entry = malloc(size);
    if (entry == NULL)
        die(EXIT_SYSTEM, "out of memory");
    snprintf(entry, size, "%s=%s", name, value);
    choice->added[choice->added_count++] = entry;
}

static int open_descriptor(const char *option, const char *value, int least)
{
    int fd = (int)program_integer(option, value, least, INT_MAX);
    if (fcntl(fd, F_GETFD) < 0)
        die_usage("--%s: descriptor %d is not open", option, fd);
    return fd;
}

static int64_t milliseconds(const char *option, const char *value)
{
    char *end;
    double seconds = strtod(value, &end);
    if (end == value || *end != '\0' || !(seconds > 0 && seconds <= TIMEOUT_MOST))
        die_usage("--%s: '%s' is not a number of seconds up to %d", option, value, TIMEOUT_MOST);
    return (int64_t)ceil(seconds * 1000);
}

static void set_profile(struct choice *choice, const char *value)
{
    choice->jail.workspace = strcmp(value, "workspace") == 0;
    if (!choice->jail.workspace && strcmp(value, "off") != 0)
        die_usage("--profile: '%s' is neither workspace nor off", value);
}

static void take_option(struct choice *choice, int option, const char *value)
{
    struct jail *jail = &choice->jail;
    struct sandbox_request *request = &choice->request;
    switch (option) {
    case OPTION_PROFILE:
        set_profile(choice, value);
        break;
    case OPTION_PROJECT:
        resolve(choice, choice->project, value);
        break;
    case OPTION_READ_ONLY:
        request->read_only = true;
        break;
    case OPTION_NETWORK:
        request->network = true;
        break;
    case OPTION_TIMEOUT:
        jail->timeout_ms = milliseconds("timeout", value);
        break;
    case OPTION_GRACE:
        jail->grace_ms = milliseconds("grace", value);
        break;
    case OPTION_WRITE:
        add_path(choice, request->writes, &request->write_count, SANDBOX_PATHS, value);
        break;
    case OPTION_READ:
        add_path(choice, request->reads, &request->read_count, SANDBOX_PATHS, value);
        break;
    case OPTION_HIDE:
        add_path(choice, request->hides, &request->hide_count, SANDBOX_HIDES, value);
        break;
    case OPTION_STATE:
        resolve(choice, choice->state, value);
        break;
    case OPTION_MEMORY:
        jail->limits.memory = program_integer("memory", value, 0, LIMIT_MOST);
        break;
    case OPTION_PROCESSES:
        jail->limits.processes = program_integer("processes", value, 0, LIMIT_MOST);
        choice->processes_given = true;
        break;
    case OPTION_FILE_SIZE:
        jail->limits.file_size = program_integer("file-size", value, 0, LIMIT_MOST);
        break;
    case OPTION_KEEP_FD:
        if (jail->kept_count == KEPT_DESCRIPTORS)
            die_usage("more than %d descriptors", KEPT_DESCRIPTORS);
        jail->kept[jail->kept_count++] = open_descriptor("keep-fd", value, 3);
        break;
    case OPTION_ENV:
        add_variable(choice, value);
        break;
    case OPTION_PASS:
        pass_variable(choice, value);
        break;
    case OPTION_STATUS_FD:
        jail->status_fd = open_descriptor("status-fd", value, 1);
        break;
    case OPTION_EXPLAIN:
        choice->explain = true;
        break;
    default:
        break;
    }
}

static void check(struct choice *choice)
{
    struct jail *jail = &choice->jail;
    for (int i = 0; i < jail->kept_count; i++) {
        if (jail->kept[i] == jail->status_fd)
            die_usage("the command must not have the status descriptor %d", jail->status_fd);
    }
    if (jail->command[0] == NULL && !choice->explain)
        die_usage("no command given");
    /* Without a namespace of its own the limit counts all processes of the user: only if asked. */
    if (!jail->workspace && !choice->processes_given)
        jail->limits.processes = 0;
}

static void build(struct choice *choice)
{
    struct jail *jail = &choice->jail;
    struct error error;
    choice->request.project = choice->project;
    if (choice->state[0] != '\0') {
        choice->request.state = choice->state;
        if (paths_make_private(choice->state, &error) < 0)
            refuse(jail, &error);
        set_variable(choice, "TS_STATE_DIR", choice->state);
    }
    set_variable(choice, "TS_PROJECT", choice->project);
    jail->environment = environment_build(choice->added, choice->passed, jail->workspace);
    if (jail->environment == NULL)
        die(EXIT_SYSTEM, "out of memory");
    jail->sandbox.lock = -1;
    jail->directory = choice->directory;
    if (!jail->workspace)
        return;
    if (!paths_inside(choice->directory, choice->project))
        jail->directory = choice->project;
    if (sandbox_build(&jail->sandbox, &choice->request, &error) < 0)
        refuse(jail, &error);
    if (sandbox_bubblewrap() == NULL) {
        error_set(&error, "build the sandbox: bubblewrap is not installed: install the package "
                          "'bubblewrap', or choose the sandbox 'off' in words");
        refuse(jail, &error);
    }
}

static void append_limit(struct buffer *text, const char *what, int64_t value, const char *unit)
{
    if (value > 0)
        buffer_printf(text, "%-10s %s: %" PRId64 "%s\n", "limit", what, value, unit);
    else
        buffer_printf(text, "%-10s %s: as it is now\n", "limit", what);
}

/* Says it all, then tries it with a command that does nothing. */
static int explain(struct choice *choice)
{
    static char word[] = "true";
    static char *nothing[] = {word, NULL};
    struct jail *jail = &choice->jail;
    struct buffer text;
    buffer_init(&text, EXPLANATION_LIMIT);
    buffer_printf(&text, "%-10s %s\n", "profile", jail->workspace ? "workspace" : "off");
    if (jail->workspace)
        sandbox_explain(&jail->sandbox, &text);
    else
        buffer_printf(
            &text, "%-10s everything your user may do, on files and network\n", "allowed");
    buffer_printf(&text, "%-10s", "variables");
    for (char **entry = jail->environment; *entry != NULL; entry++)
        buffer_printf(&text, " %.*s", (int)strcspn(*entry, "="), *entry);
    buffer_printf(&text, "\n%-10s its own; no new privileges (sudo does not work)\n", "session");
    append_limit(&text, "memory of a process", jail->limits.memory, " MiB");
    append_limit(&text, "processes", geteuid() == 0 ? 0 : jail->limits.processes, "");
    append_limit(&text, "size of a file", jail->limits.file_size, " MiB");
    append_limit(&text, "open files", jail->limits.open_files, "");
    if (jail->timeout_ms > 0)
        buffer_printf(
            &text, "%-10s after %g s everything ends\n", "limit", (double)jail->timeout_ms / 1000);
    buffer_printf(&text, "%-10s every process it started, when it ends\n", "ended");
    fwrite(text.data, 1, text.length, stdout);
    buffer_release(&text);
    fflush(stdout);
    jail->command = nothing;
    jail->timeout_ms = 0;
    int code = supervise(jail);
    printf("%-10s %s\n", "kernel",
        code == 0 ? "allows all of this" : "refuses it: nothing would be run");
    return code == 0 ? EXIT_DONE : EXIT_SYSTEM;
}

int main(int argc, char **argv)
{
    static struct choice choice;
    struct inside inside;
    const char *value;
    int option;
    if (inside_parse(&inside, argc, argv))
        inside_become(&inside, argv + 3);
    /* Who started us is to take everything along when it dies, whatever ends it. */
    pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        return EXIT_TERMINATED;
    program_start(&program, argc, argv);
    choice.jail = (struct jail){.workspace = true,
        .status_fd = -1,
        .limits = {MEMORY_DEFAULT, PROCESSES_DEFAULT, FILE_SIZE_DEFAULT, OPEN_FILES}};
#ifdef __SANITIZE_ADDRESS__
    choice.jail.limits.memory = 0; /* its shadow of 20 TiB counts as data */
#endif
    if (getcwd(choice.directory, sizeof choice.directory) == NULL)
        die(EXIT_SYSTEM, "find the current directory: %s", strerror(errno));
    snprintf(choice.project, sizeof choice.project, "%s", choice.directory);
    while ((option = program_option(&value)) != OPTION_END)
        take_option(&choice, option, value);
    choice.jail.command = argv + program_operand();
    check(&choice);
    build(&choice);
    int code = choice.explain ? explain(&choice) : supervise(&choice.jail);
    sandbox_release(&choice.jail.sandbox);
    program_exit(code);
}
