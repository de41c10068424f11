#include "agent/tree_walk.h"

#include "agent/ignore.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "io/regular_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DEPTH_LIMIT = 200,       /* directories within each other: one descriptor each */
    ENTRIES_LIMIT = 1000000, /* names in one directory */
    NAMES_LIMIT = 128 << 20, /* bytes of them */
    ABOVE_LIMIT = 64,        /* directories above the start that may hold rules */
    PATH_LIMIT = 256 << 10,  /* bytes: longer than the deepest path there can be */
    OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
};

/* The walk's place. path is what rules see (from the repository's top), shown begins at the
 * start of the walk. */
struct place {
    struct tree_walk *walk;
    struct buffer path; /* owned */
    size_t start;       /* bytes of path that lead to the start */
    int depth;
};

struct entry {
    size_t name; /* offset in names */
    unsigned char type;
};

struct listing {
    struct buffer names;   /* owned; each with its NUL */
    struct entry *entries; /* owned */
    size_t count, room;
};

static void complain(struct place *place, const char *what)
{
    struct error error;
    error_system(&error, "%s '%s'", what, place->path.data + place->start);
    place->walk->problem(place->walk->context, error.text);
}

static int compare_names(const void *one, const void *other, void *names)
{
    const struct entry *left = one, *right = other;
    const char *text = names;
    return strcmp(text + left->name, text + right->name);
}

static unsigned char type_of(int directory, const struct dirent *entry)
{
    struct stat status;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    if (fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return DT_UNKNOWN;
    return S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_UNKNOWN;
}

static bool left_out(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".git") == 0 ||
           strcmp(name, ".turnstone") == 0;
}

static int add_entry(struct listing *listing, const char *name, unsigned char type)
{
    if (listing->count == ENTRIES_LIMIT) {
        errno = EMSGSIZE;
        return -1;
    }
    if (listing->count == listing->room) {
        size_t room = listing->room == 0 ? 64 : listing->room * 2;
        struct entry *entries = reallocarray(listing->entries, room, sizeof *entries);
        if (entries == NULL)
            return -1;
        listing->entries = entries;
        listing->room = room;
    }
    listing->entries[listing->count++] = (struct entry){listing->names.length, type};
    return buffer_append(&listing->names, name, strlen(name) + 1);
}

/* The stream takes the descriptor over. */
static void list(struct place *place, DIR *stream, struct listing *listing)
{
    const struct dirent *entry = NULL;
    *listing = (struct listing){0};
    buffer_init(&listing->names, NAMES_LIMIT);
    for (;;) {
        errno = 0;
        entry = readdir(stream);
        if (entry == NULL && errno != 0)
            complain(place, "read directory");
        if (entry == NULL)
            break;
        unsigned char type = type_of(dirfd(stream), entry);
        if (left_out(entry->d_name) || (type != DT_DIR && type != DT_REG))
            continue;
        if (add_entry(listing, entry->d_name, type) < 0) {
            complain(place, "list all of");
            break;
        }
    }
    if (listing->count > 0)
        qsort_r(listing->entries, listing->count, sizeof *listing->entries, compare_names,
            listing->names.data);
}

static bool walk_directory(struct place *place, int fd, struct ignore_rules *above);

/* False: the walk is over. */
static bool visit(struct place *place, int directory, const char *name, bool is_directory,
    struct ignore_rules *rules)
{
    struct tree_walk *walk = place->walk;
    if (clock_monotonic_ms() >= walk->deadline) {
        walk->timed_out = true;
        return false;
    }
    if (ignore_match(rules, place->path.data, is_directory))
        return true;
    if (!walk->visit(walk->context, place->path.data + place->start, is_directory, directory, name))
        return false;
    if (!is_directory)
        return true;
    int below = place->depth < DEPTH_LIMIT ? openat(directory, name, OPEN_FLAGS) : -1;
    if (below < 0) {
        errno = place->depth < DEPTH_LIMIT ? errno : ELOOP;
        complain(place, "open directory");
        return true;
    }
    place->depth++;
    bool more = buffer_append_byte(&place->path, '/') == 0 && walk_directory(place, below, rules);
    place->depth--;
    return more;
}

static struct ignore_rules *read_rules(
    struct place *place, struct ignore_rules *above, int directory, const char *name)
{
    struct error error;
    struct ignore_rules *rules = ignore_read(above, directory, name, place->path.data, &error);
    if (error.text[0] != '\0')
        place->walk->problem(place->walk->context, error.text);
    return rules;
}

/* place->path ends with a slash, or is empty. fd is closed. */
static bool walk_directory(struct place *place, int fd, struct ignore_rules *above)
{
    struct listing listing;
    size_t length = place->path.length;
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        complain(place, "read directory");
        close(fd);
        return true;
    }
    struct ignore_rules *rules = read_rules(place, above, fd, ".gitignore");
    list(place, stream, &listing);
    bool more = true;
    for (size_t at = 0; at < listing.count && more; at++) {
        const char *name = listing.names.data + listing.entries[at].name;
        buffer_truncate(&place->path, length);
        more = buffer_append_text(&place->path, name) == 0 &&
               visit(place, dirfd(stream), name, listing.entries[at].type == DT_DIR, rules);
    }
    buffer_truncate(&place->path, length);
    ignore_free(rules, above);
    buffer_release(&listing.names);
    free(listing.entries);
    closedir(stream);
    return more;
}

/* Where the repository begins that holds path; the length of its path, 0 when there is none. */
static size_t repository_top(const char *path)
{
    char probe[PATH_MAX];
    size_t length = strlen(path);
    for (int level = 0; level < ABOVE_LIMIT && length > 0; level++) {
        struct buffer name;
        buffer_init(&name, sizeof probe);
        bool there = buffer_append(&name, path, length) == 0 &&
                     buffer_append_text(&name, "/.git") == 0 && access(name.data, F_OK) == 0;
        buffer_release(&name);
        if (there)
            return length;
        while (length > 0 && path[length - 1] != '/')
            length--;
        length -= length > 0;
    }
    return 0;
}

/* The rules of the directories from the repository's top down to the start, which reads its own. */
static struct ignore_rules *rules_above(struct place *place, const char *path)
{
    struct ignore_rules *rules = NULL;
    size_t top = repository_top(path);
    if (top == 0)
        return NULL;
    for (size_t length = top;; length++) {
        if (path[length] != '/' && path[length] != '\0')
            continue;
        char *directory = strndup(path, length);
        int fd = directory != NULL ? resolved_open(directory, OPEN_FLAGS, NULL) : -1;
        free(directory);
        if (fd >= 0) {
            struct error unread; /* the sandbox closes parts of .git: no news to anybody */
            if (length == top)
                rules = ignore_read(rules, fd, ".git/info/exclude", place->path.data, &unread);
            if (path[length] == '/')
                rules = read_rules(place, rules, fd, ".gitignore");
            close(fd);
        }
        if (path[length] == '\0')
            return rules;
        size_t part = strcspn(path + length + 1, "/");
        if (buffer_append(&place->path, path + length + 1, part) < 0 ||
            buffer_append_byte(&place->path, '/') < 0)
            return rules;
    }
}

int tree_walk(struct tree_walk *walk, const char *path, struct error *error)
{
    struct place place = {.walk = walk};
    walk->timed_out = false;
    int fd = resolved_open(path, OPEN_FLAGS, error);
    if (fd < 0)
        return -1;
    buffer_init(&place.path, PATH_LIMIT);
    struct ignore_rules *rules = rules_above(&place, path);
    place.start = place.path.length;
    walk_directory(&place, fd, rules);
    ignore_free(rules, NULL);
    buffer_release(&place.path);
    return 0;
}
