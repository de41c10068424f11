/*
 * bash: run a script, and remember the directory in which it ended.
 *
 * The script inherits our stdout for both of its streams: what it prints goes
 * straight to whoever runs us, in the order in which it is printed. What we
 * have to say ourselves goes to stderr, which is put behind it.
 *
 * Ending what the script leaves behind, and its deadline, are the business of
 * ts-jail, which runs us.
 */
#include "agent/shell_text.h"
#include "agent/tool.h"
#include "base/clock.h"
#include "common/program.h"
#include "common/tool_main.h"
#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SCRIPT_LIMIT = 8 << 20,
    ARGUMENT_MOST = 100 << 10, /* bytes; the kernel takes 128 KiB in one argument */
    ENVIRONMENT_MOST = 256,
    SYNTAX_PATIENCE_MS = 5000,
    HEADER_MOST = 200, /* bytes of the first line that stand in a header */
    SCRIPT_FD = 3,
};

static const char *const shells[] = {"/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"};

struct script {
    struct buffer text; /* what runs; owned */
    bool straightened;  /* quotes were replaced */
    bool wrong;         /* bash finds a syntax error in it */
};

static const char *find_shell(void)
{
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (access(shells[i], X_OK) == 0)
            return shells[i];
    }
    return NULL;
}

/* The environment without what is meant for us alone. */
static char **script_environment(void)
{
    extern char **environ;
    static char *kept[ENVIRONMENT_MOST + 1];
    size_t count = 0;
    for (char **entry = environ; *entry != NULL && count < ENVIRONMENT_MOST; entry++) {
        if (strncmp(*entry, "TS_", 3) != 0)
            kept[count++] = *entry;
    }
    kept[count] = NULL;
    return kept;
}

/* The script as a file in memory, for what is too long for an argument. -1 with errno. */
static int script_file(const struct buffer *text)
{
    int fd = memfd_create("script", MFD_CLOEXEC);
    size_t sent = 0;
    while (fd >= 0 && sent < text->length) {
        ssize_t count = write(fd, text->data + sent, text->length - sent);
        if (count < 0 && errno != EINTR)
            close_descriptor(&fd);
        else if (count > 0)
            sent += (size_t)count;
    }
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) < 0)
        close_descriptor(&fd);
    return fd;
}

/* Whether bash can parse it. A check that cannot be made counts as passed. */
static bool parses(const struct buffer *text)
{
    const char *shell = find_shell();
    char name[] = "bash", option[] = "-n", path[] = "/dev/fd/3";
    char *argv[] = {name, option, path, NULL};
    struct process process;
    int status = 0;
    int fd = shell != NULL ? script_file(text) : -1;
    if (fd < 0)
        return true;
    const struct spawn spawn = {
        .path = shell,
        .argv = argv,
        .environment = script_environment(),
        .descriptors = {SPAWN_NULL, SPAWN_NULL, SPAWN_NULL, fd},
        .descriptor_count = SCRIPT_FD + 1,
    };
    bool started = process_spawn(&process, &spawn, NULL) == 0;
    close_descriptor(&fd);
    if (!started)
        return true;
    if (process_wait(&process, clock_monotonic_ms() + SYNTAX_PATIENCE_MS, &status))
        return status == 0;
    process_kill(&process);
    return true;
}

/*
 * What runs: the command as it came, unless bash cannot parse it and can parse
 * it with straight quotes. The same at prepare and at run, so that what is
 * shown is what runs. Checked when asked to, or when there is something to
 * straighten.
 */
static int script_init(
    struct script *script, struct tool_call *call, bool check, struct error *error)
{
    const char *command;
    *script = (struct script){.straightened = false};
    buffer_init(&script->text, SCRIPT_LIMIT);
    if (tool_text(call, "command", &command, error) < 0)
        return -1;
    if (command[strspn(command, " \t\r\n")] == '\0')
        return error_set(error, "the command is empty");
    struct buffer straight;
    buffer_init(&straight, SCRIPT_LIMIT);
    int found = shell_text_straighten(command, &straight);
    if (found < 0 || buffer_append_text(&script->text, command) < 0) {
        buffer_release(&straight);
        return error_set(error, "the command is longer than %d bytes", SCRIPT_LIMIT);
    }
    if (check || found > 0)
        script->wrong = !parses(&script->text);
    if (found > 0 && script->wrong && parses(&straight)) {
        struct buffer curved = script->text;
        script->text = straight;
        straight = curved;
        script->straightened = true;
        script->wrong = false;
    }
    buffer_release(&straight);
    return shell_text_check(script->text.data, error);
}

/* The directory of the conversation. */

static int memory_path(const struct tool_call *call, char *path)
{
    if (call->state_directory == NULL)
        return -1;
    int length = snprintf(path, PATH_MAX, "%s/directory", call->state_directory);
    return length < 0 || length >= PATH_MAX ? -1 : 0;
}

/* The shell that writes it would follow a link, or wait for a pipe, that a script in a sandbox put
 * there; and this one may run outside. */
static void clear_memory(const struct tool_call *call)
{
    char path[PATH_MAX];
    struct stat status;
    if (memory_path(call, path) == 0 && lstat(path, &status) == 0 &&
        (!S_ISREG(status.st_mode) || status.st_nlink != 1))
        unlink(path);
}

/* What the last script left; false when there was none, or it wrote nonsense. */
static bool read_memory(const struct tool_call *call, char *directory)
{
    char path[PATH_MAX];
    if (memory_path(call, path) < 0)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t length = fd >= 0 ? read(fd, directory, PATH_MAX - 1) : -1;
    close_descriptor(&fd);
    if (length <= 1 || directory[0] != '/')
        return false;
    directory[length] = '\0';
    if (directory[length - 1] == '\n')
        directory[length - 1] = '\0';
    return strlen(directory) > 0;
}

static int add_warning(struct buffer *warnings, const char *text, const char *detail)
{
    return buffer_printf(warnings, "%s%s%s", warnings->length > 0 ? "; " : "", text, detail);
}

static int add_warnings(
    struct tool_call *call, const struct script *script, struct buffer *warnings)
{
    char directory[PATH_MAX], project[PATH_MAX];
    int failed = 0;
    if (tool_has(call, "directory") && tool_path(call, "directory", NULL, directory, NULL) == 0)
        failed = add_warning(warnings, "it runs in ", directory);
    else if (!tool_has(call, "directory") && read_memory(call, directory) &&
             getcwd(project, sizeof project) != NULL && strcmp(directory, project) != 0)
        failed = add_warning(warnings, "it runs in ", directory);
    if (failed == 0 && script->straightened)
        failed = add_warning(warnings,
            "typographic quotes were replaced by straight ones, since bash could not parse it", "");
    if (failed == 0 && script->wrong)
        failed = add_warning(warnings, "bash finds a syntax error in this", "");
    return failed;
}

static int prepare(struct tool_call *call, struct tool_preview *preview, struct error *error)
{
    struct script script;
    int result = script_init(&script, call, true, error);
    if (result == 0) {
        const char *text = script.text.data + strspn(script.text.data, " \t\r\n");
        size_t first = strcspn(text, "\n");
        size_t more = 0;
        for (const char *at = text + first; *at != '\0'; at++)
            more += *at == '\n' && at[1] != '\0';
        int failed =
            buffer_append(&preview->header, text, first < HEADER_MOST ? first : HEADER_MOST);
        if (failed == 0 && first > HEADER_MOST)
            failed = buffer_append_text(&preview->header, "...");
        if (failed == 0 && more > 0)
            failed = buffer_printf(
                &preview->header, " ... (%zu more line%s)", more, more == 1 ? "" : "s");
        if (failed == 0)
            failed = buffer_append(&preview->text, script.text.data, script.text.length);
        if (failed == 0)
            failed = add_warnings(call, &script, &preview->warning);
        if (failed < 0)
            result = error_set(error, "the command is too long to be shown");
    }
    buffer_release(&script.text);
    return result;
}

/* Where the script starts. 0, or -1 with a sentence. */
static int find_directory(struct tool_call *call, char *directory, struct error *error)
{
    struct stat status;
    if (tool_has(call, "directory")) {
        if (tool_path(call, "directory", NULL, directory, error) < 0)
            return -1;
        if (stat(directory, &status) < 0)
            return error_system(error, "enter '%s'", directory);
        return S_ISDIR(status.st_mode) ? 0 : error_set(error, "'%s' is no directory", directory);
    }
    if (read_memory(call, directory)) {
        if (access(directory, X_OK) == 0 && stat(directory, &status) == 0 &&
            S_ISDIR(status.st_mode))
            return 0;
        fprintf(stderr, "[the directory %s is not there; this ran in the project's]\n", directory);
    }
    if (getcwd(directory, PATH_MAX) == NULL)
        return error_system(error, "find the current directory");
    return 0;
}

static void tell_directory(const struct tool_call *call, const char *before)
{
    char now[PATH_MAX];
    if (read_memory(call, now) && strcmp(now, before) != 0)
        fprintf(stderr, "[the directory is now %s]\n", now);
}

/* Running. */

/*
 * The words before the script. eval keeps its line numbers, and the name in
 * messages stays "bash". A script that sets its own EXIT trap is not followed.
 */
static int wrapper(const struct tool_call *call, bool in_file, struct buffer *text)
{
    char path[PATH_MAX];
    const char *then = in_file ? ". /dev/fd/3" : "eval \"shift;$1\"";
    if (memory_path(call, path) == 0) {
        struct buffer inner;
        buffer_init(&inner, PATH_MAX * 8);
        int result = buffer_append_text(&inner, "{ pwd -P >");
        if (result == 0)
            result = shell_text_quote(path, &inner);
        if (result == 0)
            result = buffer_append_text(&inner, "; } 2>/dev/null");
        if (result == 0)
            result = buffer_append_text(text, "trap ");
        if (result == 0)
            result = shell_text_quote(inner.data, text);
        if (result == 0)
            result = buffer_append_text(text, " EXIT;");
        buffer_release(&inner);
        if (result < 0)
            return -1;
    }
    return buffer_append_text(text, then);
}

static int start(const struct tool_call *call, const struct script *script, const char *directory,
    struct process *process, struct error *error)
{
    const char *shell = find_shell();
    bool in_file = script->text.length > ARGUMENT_MOST;
    int fd = in_file ? script_file(&script->text) : -1;
    struct buffer words;
    if (shell == NULL)
        return error_set(error, "bash is not installed");
    if (in_file && fd < 0)
        return error_system(error, "hand the script over");
    buffer_init(&words, PATH_MAX * 16);
    int result = wrapper(call, in_file, &words);
    char name[] = "bash", profile[] = "--noprofile", startup[] = "--norc", option[] = "-c";
    char *argv[] = {
        name, profile, startup, option, words.data, name, in_file ? NULL : script->text.data, NULL};
    const struct spawn spawn = {
        .path = shell,
        .argv = argv,
        .environment = script_environment(),
        .directory = directory,
        .descriptors = {SPAWN_NULL, STDOUT_FILENO, STDOUT_FILENO, fd},
        .descriptor_count = in_file ? SCRIPT_FD + 1 : SCRIPT_FD,
    };
    if (result < 0)
        error_set(error, "the state directory's name is too long");
    else
        result = process_spawn(process, &spawn, error);
    buffer_release(&words);
    close_descriptor(&fd);
    return result;
}

static int run(struct tool_call *call, struct error *error)
{
    struct script script;
    struct process process;
    char directory[PATH_MAX];
    int status = 0;
    int result = script_init(&script, call, false, error);
    if (result == 0)
        result = find_directory(call, directory, error);
    clear_memory(call);
    if (result == 0)
        result = start(call, &script, directory, &process, error);
    if (result == 0 && !process_wait(&process, -1, &status))
        result = error_set(error, "wait for bash: it is gone");
    if (result == 0) {
        if (script.straightened)
            fprintf(stderr, "[typographic quotes were replaced by straight ones]\n");
        tell_directory(call, directory);
    }
    buffer_release(&script.text);
    return result < 0 ? -1 : status;
}

static const struct tool bash = {
    .name = "bash",
    .purpose = "runs a shell script and remembers the directory in which it ended",
    .prepare = prepare,
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&bash, argc, argv);
}
