#include "agent/read_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTE_SIZE = READ_GUARD_HASH_SIZE + 8 }; /* the hash, " part" and a newline */

static const char part_mark[] = " part";

void read_guard_hash(const char *bytes, size_t length, char hash[READ_GUARD_HASH_SIZE])
{
    SHA256Data((const uint8_t *)bytes, length, hash);
}

/*
 * The directory of the notes, or -1 with errno. A command in a sandbox may write to the state
 * directory, and we may run outside: nothing is followed or waited for that it may have put there.
 */
static int open_notes(const char *state_directory)
{
    int state = open(state_directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int notes =
        state >= 0 ? openat(state, "reads", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (state >= 0 && notes < 0 && errno == ENOTDIR)
        unlinkat(state, "reads", 0);
    if (state >= 0 && notes < 0 && mkdirat(state, "reads", 0700) == 0)
        notes = openat(state, "reads", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int reason = errno;
    if (state >= 0)
        close(state);
    errno = reason;
    return notes;
}

/* A note to be written, or -1 with errno. Others may write the same one at the same time. */
static int make_note(int notes, const char *path)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    char name[READ_GUARD_HASH_SIZE];
    struct stat status;
    read_guard_hash(path, strlen(path), name);
    if (fstatat(notes, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode))
        unlinkat(notes, name, 0);
    return openat(notes, name, flags, 0600);
}

static int open_note(int notes, const char *path)
{
    char name[READ_GUARD_HASH_SIZE];
    read_guard_hash(path, strlen(path), name);
    return openat(notes, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

int read_guard_note(const char *state_directory, const char *path, const char *hash, bool whole,
    struct error *error)
{
    char text[NOTE_SIZE];
    if (state_directory == NULL ||
        (!whole && read_guard_ask(state_directory, path, hash) == READ_GUARD_WHOLE))
        return 0;
    int notes = open_notes(state_directory);
    int fd = notes >= 0 ? make_note(notes, path) : -1;
    int length = snprintf(text, sizeof text, "%s%s\n", hash, whole ? "" : part_mark);
    int result = 0;
    if (fd < 0 || write(fd, text, (size_t)length) != length)
        result = error_system(error, "remember '%s' in '%s/reads'", path, state_directory);
    if (fd >= 0)
        close(fd);
    if (notes >= 0)
        close(notes);
    return result;
}

void read_guard_forget(const char *state_directory, const char *path)
{
    char name[READ_GUARD_HASH_SIZE];
    int notes = state_directory != NULL ? open_notes(state_directory) : -1;
    if (notes < 0)
        return;
    read_guard_hash(path, strlen(path), name);
    unlinkat(notes, name, 0);
    close(notes);
}

enum read_guard_answer read_guard_ask(
    const char *state_directory, const char *path, const char *hash)
{
    char text[NOTE_SIZE];
    const size_t digits = READ_GUARD_HASH_SIZE - 1;
    if (state_directory == NULL)
        return READ_GUARD_FREE;
    int notes = open_notes(state_directory);
    int fd = notes >= 0 ? open_note(notes, path) : -1;
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (notes >= 0)
        close(notes);
    if (length < (ssize_t)digits)
        return READ_GUARD_UNREAD;
    text[length] = '\0';
    if (memcmp(text, hash, digits) != 0)
        return READ_GUARD_CHANGED;
    return strncmp(text + digits, part_mark, strlen(part_mark)) == 0 ? READ_GUARD_PART
                                                                     : READ_GUARD_WHOLE;
}
