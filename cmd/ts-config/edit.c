/*
 * edit: the user's file in an editor. The editor gets a copy; only a copy that
 * loads takes the file's place, in one rename, closed to others.
 */
#include "base/buffer.h"
#include "common/program.h"
#include "io/paths.h"
#include "io/process.h"
#include "ts_config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPORT_LIMIT = 1 << 20, COPY_PART = 65536 };

static const char skeleton[] = "# Turnstone's configuration: see turnstone.toml(5).\n"
                               "\n"
                               "# [api]\n"
                               "# base_url = \"http://localhost:8000/v1\"\n"
                               "# api_key_file = \"~/.config/turnstone/key\"\n";

/* Where the copy is while it is being edited; "" when there is none. */
static char copy_path[PATH_MAX];

static void remove_copy(void)
{
    if (copy_path[0] != '\0')
        unlink(copy_path);
}

/* The copy may hold keys: it does not outlive us. */
static void end(int number)
{
    remove_copy();
    _exit(128 + number);
}

static void silent(const char *format, ...)
{
    (void)format;
}

static void write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, bytes, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            die(EXIT_SYSTEM, "write '%s': %s", copy_path, strerror(errno));
        bytes += count;
        length -= (size_t)count;
    }
}

/* The file's content, or a beginning where there is none. */
static void make_copy(const char *path)
{
    int length = snprintf(copy_path, sizeof copy_path, "%s.XXXXXX.toml", path);
    if (length < 0 || (size_t)length >= sizeof copy_path)
        die(EXIT_FAILED, "path too long: '%s'", path);
    int to = mkostemps(copy_path, 5, O_CLOEXEC);
    if (to < 0) {
        int reason = errno;
        copy_path[0] = '\0';
        die(EXIT_FAILED, "make a copy of '%s': %s", path, strerror(reason));
    }
    atexit(remove_copy);
    signal(SIGTERM, end);
    signal(SIGHUP, end);
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (from < 0 && errno != ENOENT)
        die(EXIT_FAILED, "open '%s': %s", path, strerror(errno));
    if (from < 0)
        write_all(to, skeleton, sizeof skeleton - 1);
    static char part[COPY_PART];
    ssize_t count = 0;
    while (from >= 0 && (count = read(from, part, sizeof part)) > 0)
        write_all(to, part, (size_t)count);
    if (count < 0)
        die(EXIT_FAILED, "read '%s': %s", path, strerror(errno));
    if (from >= 0)
        close(from);
    close(to);
}

/* $VISUAL and $EDITOR may hold options, so a shell reads them, as git does. */
static int run_editor(void)
{
    const char *editor = getenv("VISUAL");
    if (editor == NULL || editor[0] == '\0')
        editor = getenv("EDITOR");
    if (editor == NULL || editor[0] == '\0')
        editor = "vi";
    char command[PATH_MAX];
    int length = snprintf(command, sizeof command, "%s \"$@\"", editor);
    if (length < 0 || (size_t)length >= sizeof command)
        die_usage("the name of the editor is too long");
    char *argv[] = {(char *)"sh", (char *)"-c", command, (char *)editor, copy_path, NULL};
    struct spawn spawn = {
        .path = "/bin/sh",
        .argv = argv,
        .descriptors = {STDIN_FILENO, STDERR_FILENO, STDERR_FILENO},
        .descriptor_count = 3,
        .group = SPAWN_SAME_GROUP,
    };
    if (isatty(STDOUT_FILENO))
        spawn.descriptors[1] = STDOUT_FILENO;
    struct process process;
    struct error error;
    /* Ctrl-C is the editor's while it runs. */
    signal(SIGINT, SIG_IGN);
    if (process_spawn(&process, &spawn, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    int status = 0;
    process_wait(&process, -1, &status);
    signal(SIGINT, SIG_DFL);
    return status;
}

static bool is_good(void)
{
    struct buffer report;
    buffer_init(&report, REPORT_LIMIT);
    int status = config_check_file(copy_path, silent, &report);
    warn_each(report.data);
    buffer_release(&report);
    return status == 0;
}

/* Only a person at the terminal can be asked; without one a broken copy ends the matter. */
static bool wants_again(void)
{
    if (!isatty(STDIN_FILENO))
        return false;
    fprintf(stderr, "Edit again? [Y/n] ");
    char answer[16];
    if (fgets(answer, sizeof answer, stdin) == NULL)
        return false;
    return answer[0] != 'n' && answer[0] != 'N';
}

static void install_copy(const char *path)
{
    int fd = open(copy_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0600) < 0 || fsync(fd) < 0)
        die(EXIT_SYSTEM, "store '%s': %s", copy_path, strerror(errno));
    close(fd);
    if (rename(copy_path, path) < 0)
        die(EXIT_SYSTEM, "replace '%s': %s", path, strerror(errno));
    copy_path[0] = '\0';
}

/* The file itself, not a link to it, is replaced: people keep it in a repository of dotfiles. */
static void find_file(const struct request *request, char *path)
{
    char given[PATH_MAX], directory[PATH_MAX];
    struct error error;
    const char *file = request->settings.file;
    if (file == NULL)
        file = getenv("TURNSTONE_CONFIG");
    if (file == NULL || file[0] == '\0') {
        if (paths_user(given, sizeof given, PATHS_CONFIG, "config.toml", &error) < 0 ||
            paths_user(directory, sizeof directory, PATHS_CONFIG, "", &error) < 0 ||
            paths_make_private(directory, &error) < 0)
            die(EXIT_FAILED, "%s", error.text);
        file = given;
    }
    if (paths_resolve(path, PATH_MAX, ".", file, &error) < 0)
        die(EXIT_FAILED, "%s", error.text);
}

int edit_file(const struct request *request)
{
    char path[PATH_MAX];
    find_file(request, path);
    make_copy(path);
    do {
        int status = run_editor();
        if (status != 0)
            die(EXIT_FAILED, "the editor ended with exit code %d: '%s' is unchanged", status, path);
        if (is_good()) {
            install_copy(path);
            printf("%s: stored\n", path);
            return EXIT_DONE;
        }
    } while (wants_again());
    die(EXIT_CONFIG, "'%s' is unchanged", path);
}
