#include "agent/read_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

static int note_path(const char *state_directory, const char *path, char *note, size_t size)
{
    char name[READ_GUARD_HASH_SIZE];
    read_guard_hash(path, strlen(path), name);
    int length = snprintf(note, size, "%s/reads/%s", state_directory, name);
    return length < 0 || (size_t)length >= size ? -1 : 0;
}

int read_guard_note(const char *state_directory, const char *path, const char *hash, bool whole,
    struct error *error)
{
    char note[PATH_MAX], text[NOTE_SIZE];
    if (state_directory == NULL ||
        (!whole && read_guard_ask(state_directory, path, hash) == READ_GUARD_WHOLE))
        return 0;
    snprintf(note, sizeof note, "%s/reads", state_directory);
    if (mkdir(note, 0700) < 0 && errno != EEXIST)
        return error_system(error, "make directory '%s'", note);
    if (note_path(state_directory, path, note, sizeof note) < 0)
        return error_set(error, "remember '%s': the state directory's name is too long", path);
    int fd = open(note, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_system(error, "remember '%s' in '%s'", path, note);
    int length = snprintf(text, sizeof text, "%s%s\n", hash, whole ? "" : part_mark);
    int result = 0;
    if (write(fd, text, (size_t)length) != length)
        result = error_system(error, "remember '%s' in '%s'", path, note);
    close(fd);
    return result;
}

void read_guard_forget(const char *state_directory, const char *path)
{
    char note[PATH_MAX];
    if (state_directory != NULL && note_path(state_directory, path, note, sizeof note) == 0)
        unlink(note);
}

enum read_guard_answer read_guard_ask(
    const char *state_directory, const char *path, const char *hash)
{
    char note[PATH_MAX], text[NOTE_SIZE];
    const size_t digits = READ_GUARD_HASH_SIZE - 1;
    if (state_directory == NULL)
        return READ_GUARD_FREE;
    if (note_path(state_directory, path, note, sizeof note) < 0)
        return READ_GUARD_UNREAD;
    int fd = open(note, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return READ_GUARD_UNREAD;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length < (ssize_t)digits)
        return READ_GUARD_UNREAD;
    text[length] = '\0';
    if (memcmp(text, hash, digits) != 0)
        return READ_GUARD_CHANGED;
    return strncmp(text + digits, part_mark, strlen(part_mark)) == 0 ? READ_GUARD_PART
                                                                     : READ_GUARD_WHOLE;
}
