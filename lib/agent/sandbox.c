#include "agent/sandbox.h"

#include "io/paths.h"
#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OUR_DIRECTORIES = PATHS_RUNTIME + 1,
    /* Readable, so that git and others see an empty directory and say nothing; sticky without
     * the owner's leave to write, as nobody else makes one: that is how ours are known. */
    PLACEHOLDER_MODE = 01555,
};

static const char why_ours[] = "turnstone's own files: no command may approve itself";
static const char why_program[] = "turnstone's own programs";
static const char why_later[] = "programs outside would run what it says";

static int add_mount(struct sandbox *sandbox, enum sandbox_kind kind, const char *path,
    const char *why, struct error *error)
{
    if (sandbox->mount_count == SANDBOX_MOUNTS)
        return error_set(error, "more than %d paths in one sandbox", SANDBOX_MOUNTS);
    char *copy = strdup(path);
    if (copy == NULL)
        return error_system(error, "remember '%s'", path);
    sandbox->mounts[sandbox->mount_count++] =
        (struct sandbox_mount){.kind = kind, .path = copy, .why = why};
    return 0;
}

static bool is_placeholder(const struct stat *status)
{
    return S_ISDIR(status->st_mode) && (status->st_mode & 01222) == 01000;
}

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* Whether path is below (or is) a mount of this kind. */
static bool covered(const struct sandbox *sandbox, const char *path, enum sandbox_kind kind)
{
    for (size_t i = 0; i < sandbox->mount_count; i++) {
        if (sandbox->mounts[i].kind == kind && paths_inside(path, sandbox->mounts[i].path))
            return true;
    }
    return false;
}

static int hide(struct sandbox *sandbox, const char *path, const char *why, struct error *error)
{
    if (strcmp(path, "/") == 0 || !exists(path) || covered(sandbox, path, SANDBOX_HIDDEN))
        return 0;
    return add_mount(sandbox, SANDBOX_HIDDEN, path, why, error);
}

static bool mounted(const struct sandbox *sandbox, const char *path)
{
    for (size_t i = 0; i < sandbox->mount_count; i++) {
        if (strcmp(sandbox->mounts[i].path, path) == 0)
            return true;
    }
    return false;
}

/* A home directory: hidden, but there, because programs write into it. */
static int hide_home(struct sandbox *sandbox, const char *given, struct error *error)
{
    char path[PATH_MAX];
    if (given == NULL || given[0] != '/' || realpath(given, path) == NULL || mounted(sandbox, path))
        return 0;
    if (covered(sandbox, path, SANDBOX_HIDDEN))
        return add_mount(sandbox, SANDBOX_MADE, path, "a home that is empty", error);
    return hide(sandbox, path, "your home directory", error);
}

/* Where a directory of ours is, or would be. */
static int our_directory(char *path, enum paths_kind kind, struct error *error)
{
    char plain[PATH_MAX];
    if (paths_user(plain, sizeof plain, kind, "", error) < 0)
        return -1;
    return paths_resolve(path, PATH_MAX, "/", plain, error);
}

static int hide_everything_private(struct sandbox *sandbox, struct error *error)
{
    char path[PATH_MAX];
    const struct passwd *user = getpwuid(getuid());
    if (hide(sandbox, "/tmp", "other programs' files and sockets", error) < 0 ||
        hide(sandbox, "/run", "sockets of the system and of your session", error) < 0 ||
        hide_home(sandbox, getenv("HOME"), error) < 0 ||
        hide_home(sandbox, user != NULL ? user->pw_dir : NULL, error) < 0)
        return -1;
    for (int kind = 0; kind < OUR_DIRECTORIES; kind++) {
        if (our_directory(path, (enum paths_kind)kind, error) < 0 ||
            hide(sandbox, path, why_ours, error) < 0)
            return -1;
    }
    return 0;
}

/* A path that a command may write to must hold nothing that protects us or the user. */
static int refuse_writable(const char *what, const char *path, struct error *error)
{
    char home[PATH_MAX], ours[PATH_MAX];
    const char *given = getenv("HOME");
    if (strcmp(path, "/") == 0)
        return error_set(error, "the %s is '/': there would be no sandbox", what);
    if (given != NULL && given[0] == '/' && realpath(given, home) != NULL &&
        strcmp(home, "/") != 0 && paths_inside(home, path))
        return error_set(error, "the %s '%s' %s your home directory: choose a directory inside it",
            what, path, strcmp(home, path) == 0 ? "is" : "contains");
    for (int kind = 0; kind < OUR_DIRECTORIES; kind++) {
        if (our_directory(ours, (enum paths_kind)kind, error) < 0)
            return -1;
        if (paths_inside(ours, path) || paths_inside(path, ours))
            return error_set(
                error, "the %s '%s' and turnstone's own directory '%s' overlap", what, path, ours);
    }
    return 0;
}

/* Parents before what is in them, or a mount would cover an earlier one. */
static int by_depth(const void *left, const void *right)
{
    const struct sandbox_mount *one = left, *other = right;
    size_t length = strlen(one->path), other_length = strlen(other->path);
    return length < other_length ? -1 : length > other_length;
}

static int open_paths(
    struct sandbox *sandbox, const struct sandbox_request *request, struct error *error)
{
    size_t first = sandbox->mount_count;
    if (add_mount(sandbox, request->read_only ? SANDBOX_VISIBLE : SANDBOX_WRITABLE,
            request->project, "the project", error) < 0)
        return -1;
    for (size_t i = 0; i < request->read_count; i++) {
        if (add_mount(sandbox, SANDBOX_VISIBLE, request->reads[i], "asked for", error) < 0)
            return -1;
    }
    for (size_t i = 0; i < request->write_count; i++) {
        if (refuse_writable("writable path", request->writes[i], error) < 0 ||
            add_mount(sandbox, SANDBOX_WRITABLE, request->writes[i], "asked for", error) < 0)
            return -1;
    }
    qsort(
        sandbox->mounts + first, sandbox->mount_count - first, sizeof sandbox->mounts[0], by_depth);
    /* A directory that was opened for reading may have ours in it. */
    for (int kind = 0; kind < OUR_DIRECTORIES; kind++) {
        char ours[PATH_MAX];
        if (our_directory(ours, (enum paths_kind)kind, error) < 0)
            return -1;
        for (size_t i = 0; i < request->read_count; i++) {
            if (paths_inside(ours, request->reads[i]) && exists(ours) &&
                add_mount(sandbox, SANDBOX_HIDDEN, ours, why_ours, error) < 0)
                return -1;
        }
    }
    return 0;
}

/* Whether a path can be seen in spite of what is hidden: the innermost mount tells. */
static bool can_be_seen(const struct sandbox *sandbox, const char *path)
{
    bool seen = true;
    for (size_t i = 0; i < sandbox->mount_count; i++) {
        const struct sandbox_mount *mount = &sandbox->mounts[i];
        if (paths_inside(path, mount->path))
            seen = mount->kind == SANDBOX_VISIBLE || mount->kind == SANDBOX_WRITABLE;
    }
    return seen;
}

static int close_paths(
    struct sandbox *sandbox, const struct sandbox_request *request, struct error *error)
{
    for (size_t i = 0; i < request->hide_count; i++) {
        struct stat status;
        const char *path = request->hides[i];
        if (!can_be_seen(sandbox, path))
            continue;
        if (stat(path, &status) < 0)
            return error_system(error, "hide '%s'", path);
        enum sandbox_kind kind = S_ISDIR(status.st_mode) ? SANDBOX_CLOSED : SANDBOX_MUTE;
        if (add_mount(sandbox, kind, path, "off limits", error) < 0)
            return -1;
    }
    return 0;
}

/*
 * One name in the project that must stay as it is. What is a symbolic link
 * cannot be protected: a mount would be on its target, and the link replaced.
 */
static int protect(struct sandbox *sandbox, const char *name, bool placeholder, struct error *error)
{
    char path[PATH_MAX];
    struct stat status;
    int length = snprintf(path, sizeof path, "%s/%s", sandbox->project, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return error_set(error, "path too long: '%s/%s'", sandbox->project, name);
    bool missing = lstat(path, &status) < 0;
    if (missing && errno != ENOENT)
        return error_system(error, "look at '%s'", path);
    if (!missing && S_ISLNK(status.st_mode))
        return error_set(error,
            "'%s' is a symbolic link, which the sandbox cannot keep from being replaced: put "
            "what it points to in its place",
            path);
    bool ours = !missing && is_placeholder(&status);
    if ((missing || ours) && !placeholder)
        return 0;
    if (add_mount(sandbox, SANDBOX_VISIBLE, path, why_later, error) < 0)
        return -1;
    sandbox->mounts[sandbox->mount_count - 1].placeholder = missing || ours;
    return 0;
}

static int protect_project(struct sandbox *sandbox, struct error *error)
{
    static const struct {
        const char *name;
        bool placeholder; /* must not come into being either */
    } in_repository[] = {
        {".git/hooks", true},
        {".git/config", true},
        {".git/config.worktree", false},
        {".git/commondir", false},
        {".git/modules", false},
    };
    char repository[PATH_MAX];
    struct stat status;
    if (protect(sandbox, ".turnstone", true, error) < 0)
        return -1;
    int length = snprintf(repository, sizeof repository, "%s/.git", sandbox->project);
    if (length < 0 || (size_t)length >= sizeof repository)
        return error_set(error, "path too long: '%s/.git'", sandbox->project);
    bool directory =
        lstat(repository, &status) == 0 && S_ISDIR(status.st_mode) && !is_placeholder(&status);
    if (!directory) /* a worktree's file, or nothing yet */
        return protect(sandbox, ".git", true, error);
    /* A mount point itself, or it could be renamed away together with what is protected in it. */
    if (add_mount(sandbox, SANDBOX_WRITABLE, repository, "the repository", error) < 0)
        return -1;
    length = snprintf(repository, sizeof repository, "%s/.git/commondir", sandbox->project);
    sandbox->clears_commondir =
        length > 0 && (size_t)length < sizeof repository && !exists(repository);
    for (size_t i = 0; i < sizeof in_repository / sizeof in_repository[0]; i++) {
        if (protect(sandbox, in_repository[i].name, in_repository[i].placeholder, error) < 0)
            return -1;
    }
    return 0;
}

/* Tools are started inside: they must be there, and must not be replaced, wherever they live. */
static int open_programs(struct sandbox *sandbox, struct error *error)
{
    typedef int locate(char *path, size_t size, const char *name, struct error *error);
    static locate *const places[] = {paths_helper, paths_libexec, paths_share};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char path[PATH_MAX], resolved[PATH_MAX];
        if (places[i](path, sizeof path, "", error) < 0)
            return -1;
        if (realpath(path, resolved) == NULL)
            continue;
        if ((covered(sandbox, resolved, SANDBOX_HIDDEN) ||
                covered(sandbox, resolved, SANDBOX_WRITABLE)) &&
            add_mount(sandbox, SANDBOX_VISIBLE, resolved, why_program, error) < 0)
            return -1;
    }
    return 0;
}

/* With a network, names must be resolvable: the resolver's file is often a link into /run. */
static int open_resolver(struct sandbox *sandbox, struct error *error)
{
    char path[PATH_MAX];
    if (realpath("/etc/resolv.conf", path) == NULL || !covered(sandbox, path, SANDBOX_HIDDEN))
        return 0;
    return add_mount(sandbox, SANDBOX_VISIBLE, path, "names of hosts", error);
}

int sandbox_build(
    struct sandbox *sandbox, const struct sandbox_request *request, struct error *error)
{
    *sandbox = (struct sandbox){.network = request->network, .lock = -1};
    sandbox->project = strdup(request->project);
    if (sandbox->project == NULL)
        return error_system(error, "remember the project");
    struct stat status;
    if (stat(request->project, &status) < 0)
        return error_system(error, "look at the project '%s'", request->project);
    if (!S_ISDIR(status.st_mode))
        return error_set(error, "the project '%s' is no directory", request->project);
    if (refuse_writable("project", request->project, error) < 0 ||
        hide_everything_private(sandbox, error) < 0 || open_paths(sandbox, request, error) < 0)
        return -1;
    if (!request->read_only && protect_project(sandbox, error) < 0)
        return -1;
    if (close_paths(sandbox, request, error) < 0 || open_programs(sandbox, error) < 0 ||
        (request->network && open_resolver(sandbox, error) < 0))
        return -1;
    if (request->state != NULL)
        return add_mount(
            sandbox, SANDBOX_WRITABLE, request->state, "what this conversation keeps", error);
    return 0;
}

void sandbox_release(struct sandbox *sandbox)
{
    for (size_t i = 0; i < sandbox->mount_count; i++)
        free(sandbox->mounts[i].path);
    sandbox->mount_count = 0;
    free(sandbox->project);
    sandbox->project = NULL;
    close_descriptor(&sandbox->lock);
}

/* One lock file per project, where no jail can reach it. */
static int open_lock(const struct sandbox *sandbox, struct error *error)
{
    char directory[PATH_MAX], path[PATH_MAX + 64];
    struct stat status;
    if (stat(sandbox->project, &status) < 0)
        return error_system(error, "look at '%s'", sandbox->project);
    if (paths_user(directory, sizeof directory, PATHS_RUNTIME, "jail", error) < 0 ||
        paths_make_private(directory, error) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/%llx-%llx", directory, (unsigned long long)status.st_dev,
        (unsigned long long)status.st_ino);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? error_system(error, "open '%s'", path) : fd;
}

int sandbox_enter(struct sandbox *sandbox, struct error *error)
{
    for (size_t i = 0; i < sandbox->mount_count; i++) {
        struct sandbox_mount *mount = &sandbox->mounts[i];
        if (!mount->placeholder)
            continue;
        if (sandbox->lock < 0 && (sandbox->lock = open_lock(sandbox, error)) < 0)
            return -1;
        /* Held exclusively only by one that is removing placeholders: a moment. */
        while (flock(sandbox->lock, LOCK_SH) < 0) {
            if (errno != EINTR)
                return error_system(error, "lock the project's placeholders");
        }
        if (mkdir(mount->path, PLACEHOLDER_MODE) == 0 || errno == EEXIST)
            continue;
        /* Who may not make it outside may not inside either. */
        if (errno != EACCES && errno != EROFS && errno != EPERM)
            return error_system(error, "keep '%s' from being made", mount->path);
        free(mount->path);
        sandbox->mount_count--;
        memmove(mount, mount + 1, (sandbox->mount_count - i) * sizeof *mount);
        i--;
    }
    return 0;
}

/*
 * A .git/commondir names another directory whose config and hooks git obeys.
 * Only the directories of further worktrees have one, and no placeholder can
 * stand for it, since git would stumble over that: it is taken away afterwards.
 */
static void clear_commondir(struct sandbox *sandbox)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/.git/commondir", sandbox->project);
    if (sandbox->clears_commondir && length > 0 && (size_t)length < sizeof path)
        unlink(path);
    sandbox->clears_commondir = false;
}

void sandbox_leave(struct sandbox *sandbox)
{
    clear_commondir(sandbox);
    if (sandbox->lock < 0 || flock(sandbox->lock, LOCK_EX | LOCK_NB) < 0)
        return;
    for (size_t i = 0; i < sandbox->mount_count; i++) {
        const struct sandbox_mount *mount = &sandbox->mounts[i];
        struct stat status;
        if (mount->placeholder && lstat(mount->path, &status) == 0 && is_placeholder(&status))
            rmdir(mount->path);
    }
    close_descriptor(&sandbox->lock);
}

static int add_argument(struct buffer *arguments, size_t *count, const char *text)
{
    (*count)++;
    return buffer_append(arguments, text, strlen(text) + 1);
}

static int add_arguments(struct buffer *arguments, size_t *count, const char *const *texts)
{
    for (; *texts != NULL; texts++) {
        if (add_argument(arguments, count, *texts) < 0)
            return -1;
    }
    return 0;
}

int sandbox_arguments(const struct sandbox *sandbox, const char *bubblewrap, const char *directory,
    struct buffer *arguments, size_t *count)
{
    char size[32];
    /* Files that the kernel lets uid 0 write without any capability, core_pattern among them.
     * bubblewrap covers only directories that are writable themselves. */
    static const char *const kernel[] = {
        "/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/scsi", "/proc/acpi"};
    snprintf(size, sizeof size, "%lld", (long long)SANDBOX_PRIVATE << 20);
    /* All capabilities go: root inside its own namespace could otherwise unmount what hides. */
    const char *const first[] = {bubblewrap, "--die-with-parent", "--new-session", "--unshare-user",
        "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL", "--ro-bind", "/",
        "/", "--dev", "/dev", "--size", size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
        "--proc", "/proc", NULL};
    if (add_arguments(arguments, count, first) < 0)
        return -1;
    for (size_t i = 0; i < sizeof kernel / sizeof kernel[0]; i++) {
        const char *const still[] = {"--ro-bind-try", kernel[i], kernel[i], NULL};
        if (add_arguments(arguments, count, still) < 0)
            return -1;
    }
    if (!sandbox->network && add_argument(arguments, count, "--unshare-net") < 0)
        return -1;
    for (size_t i = 0; i < sandbox->mount_count; i++) {
        const char *path = sandbox->mounts[i].path;
        const char *const visible[] = {"--ro-bind", path, path, NULL};
        const char *const writable[] = {"--bind", path, path, NULL};
        const char *const hidden[] = {"--size", size, "--tmpfs", path, NULL};
        const char *const made[] = {"--dir", path, NULL};
        const char *const closed[] = {"--perms", "0000", "--tmpfs", path, NULL};
        /* A device where none are allowed: opening it is refused. */
        const char *const mute[] = {"--ro-bind", "/dev/null", path, NULL};
        const char *const *const texts[] = {
            [SANDBOX_VISIBLE] = visible,
            [SANDBOX_WRITABLE] = writable,
            [SANDBOX_HIDDEN] = hidden,
            [SANDBOX_MADE] = made,
            [SANDBOX_CLOSED] = closed,
            [SANDBOX_MUTE] = mute,
        };
        if (add_arguments(arguments, count, texts[sandbox->mounts[i].kind]) < 0)
            return -1;
    }
    const char *const last[] = {"--chdir", directory, "--", NULL};
    return add_arguments(arguments, count, last);
}

int sandbox_explain(const struct sandbox *sandbox, struct buffer *text)
{
    static const char *const words[] = {
        [SANDBOX_VISIBLE] = "read-only",
        [SANDBOX_WRITABLE] = "writable",
        [SANDBOX_HIDDEN] = "hidden",
        [SANDBOX_MADE] = "made",
        [SANDBOX_CLOSED] = "closed",
        [SANDBOX_MUTE] = "closed",
    };
    if (buffer_printf(text, "%-10s %s\n", "visible",
            "/, read-only, as far as your user may read it; what follows is laid over it") < 0)
        return -1;
    for (size_t i = 0; i < sandbox->mount_count; i++) {
        const struct sandbox_mount *mount = &sandbox->mounts[i];
        if (buffer_printf(text, "%-10s %s (%s%s)\n", words[mount->kind], mount->path, mount->why,
                mount->placeholder ? "; is not there, and cannot be made" : "") < 0)
            return -1;
    }
    if (buffer_printf(text, "%-10s up to %d MiB in each hidden place, gone afterwards\n", "private",
            SANDBOX_PRIVATE) < 0 ||
        buffer_printf(text, "%-10s %s\n", "devices",
            "null, zero, full, random, urandom, tty, pts, shm: a /dev of its own") < 0 ||
        buffer_printf(text, "%-10s %s\n", "network",
            sandbox->network ? "the host's, with everything that listens on it"
                             : "none, not even this machine's own addresses") < 0)
        return -1;
    return buffer_printf(text, "%-10s %s\n", "processes",
        "only its own: no other can be seen, signalled or traced; no capabilities");
}

const char *sandbox_bubblewrap(void)
{
    static const char *const places[] = {"/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct stat status;
        if (stat(places[i], &status) == 0 && S_ISREG(status.st_mode) &&
            access(places[i], X_OK) == 0)
            return places[i];
    }
    return NULL;
}

const char *sandbox_advice(const char *complaint)
{
    static const struct {
        const char *sign;
        const char *advice;
    } known[] = {
        {"Can't mount proc",
            "this container masks /proc: run it with an unmasked /proc, or choose the sandbox "
            "'off' in words"},
        {"loopback",
            "the kernel refuses a network namespace: allow it, or open the network for this call"},
        {"namespace",
            "user namespaces are switched off: set kernel.unprivileged_userns_clone=1 and "
            "user.max_user_namespaces above 0, look for AppArmor's "
            "kernel.apparmor_restrict_unprivileged_userns=1 and for a container's seccomp "
            "profile, or choose the sandbox 'off' in words"},
        {"uid map",
            "the kernel refuses to set up a user namespace, as AppArmor or a container's seccomp "
            "profile does: allow it, or choose the sandbox 'off' in words"},
        {"Operation not permitted",
            "a container's seccomp profile or a security module refuses it: allow unprivileged "
            "user namespaces, or choose the sandbox 'off' in words"},
        {"Permission denied",
            "a directory on the way is not yours to enter, or a security module refuses it"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strstr(complaint, known[i].sign) != NULL)
            return known[i].advice;
    }
    return "see what bubblewrap said";
}
