#include "data/trust.h"

#include "base/buffer.h"
#include "io/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sha256.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TRUST_LIST_LIMIT = 1 << 20, /* bytes of the list: thousands of files */
    TRUST_PART = 64 << 10,      /* bytes read at once */
};

static const char revoked[] = "revoked";

static int list_path(char *path, size_t size, struct error *error)
{
    return paths_user(path, size, PATHS_STATE, "trusted", error);
}

static int read_list(int fd, struct buffer *list)
{
    for (;;) {
        if (buffer_reserve(list, TRUST_PART) < 0)
            return -1;
        ssize_t count = read(fd, list->data + list->length, TRUST_PART);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        list->length += (size_t)count;
        list->data[list->length] = '\0';
        if (count == 0)
            return 0;
    }
}

/* The word in front of a path's last line: its sum, "revoked", or "" when there is none. */
static void last_word(const struct buffer *list, const char *path, char *word, size_t size)
{
    size_t path_length = strlen(path);
    const char *line = list->data, *end = list->data + list->length;
    word[0] = '\0';
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        if (newline == NULL)
            return; /* a line cut off by a full disk says nothing */
        const char *blank = memchr(line, ' ', (size_t)(newline - line));
        size_t length = blank != NULL ? (size_t)(blank - line) : 0;
        if (blank != NULL && (size_t)(newline - blank) == path_length + 2 && length < size &&
            blank[1] == ' ' && memcmp(blank + 2, path, path_length) == 0) {
            memcpy(word, line, length);
            word[length] = '\0';
        }
        line = newline + 1;
    }
}

/* What the list says about a path; "" when there is no list, or it is not ours to believe. */
static void look_up(const char *path, char *word, size_t size)
{
    char name[PATH_MAX];
    word[0] = '\0';
    if (list_path(name, sizeof name, NULL) < 0)
        return;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return;
    struct stat status;
    struct buffer list;
    buffer_init(&list, TRUST_LIST_LIMIT + TRUST_PART);
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
        (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 && read_list(fd, &list) == 0)
        last_word(&list, path, word, size);
    buffer_release(&list);
    close(fd);
}

bool trust_holds(const char *path, const char *content, size_t length)
{
    char sum[SHA256_DIGEST_STRING_LENGTH], word[SHA256_DIGEST_STRING_LENGTH];
    look_up(path, word, sizeof word);
    if (word[0] == '\0')
        return false;
    SHA256Data((const uint8_t *)content, length, sum);
    return strcmp(word, sum) == 0;
}

static int sum_contents(int fd, char *sum)
{
    SHA256_CTX state;
    uint8_t part[TRUST_PART];
    SHA256Init(&state);
    for (;;) {
        ssize_t count = read(fd, part, sizeof part);
        if (count == 0)
            break;
        if (count > 0)
            SHA256Update(&state, part, (size_t)count);
        else if (errno != EINTR)
            return -1;
    }
    return SHA256End(&state, sum) != NULL ? 0 : -1;
}

static int sum_file(const char *path, char *sum, struct error *error)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return error_system(error, "open '%s'", path);
    int result = 0;
    if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode))
        result = error_set(error, "'%s' is not a regular file", path);
    else if (sum_contents(fd, sum) < 0)
        result = error_system(error, "read '%s'", path);
    close(fd);
    return result;
}

bool trust_holds_file(const char *path)
{
    char sum[SHA256_DIGEST_STRING_LENGTH], word[SHA256_DIGEST_STRING_LENGTH];
    look_up(path, word, sizeof word);
    return word[0] != '\0' && sum_file(path, sum, NULL) == 0 && strcmp(word, sum) == 0;
}

static int write_line(
    int fd, const char *name, const char *word, const char *path, struct error *error)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return error_system(error, "look at '%s'", name);
    if (!S_ISREG(status.st_mode))
        return error_set(error, "'%s' is not a regular file", name);
    if (status.st_size > TRUST_LIST_LIMIT - PATH_MAX - 128)
        return error_set(error, "'%s' is full: remove it and trust what is needed anew", name);
    char last = '\n';
    if (status.st_size > 0 && pread(fd, &last, 1, status.st_size - 1) != 1)
        return error_system(error, "read '%s'", name);
    char line[PATH_MAX + 128];
    int length = snprintf(line, sizeof line, "%s%s  %s\n", last == '\n' ? "" : "\n", word, path);
    if (length < 0 || (size_t)length >= sizeof line)
        return error_set(error, "path too long");
    if (fchmod(fd, 0600) < 0 || write(fd, line, (size_t)length) != length || fsync(fd) < 0)
        return error_system(error, "write '%s'", name);
    return 0;
}

static int append(const char *word, const char *path, struct error *error)
{
    char name[PATH_MAX], directory[PATH_MAX];
    if (path[0] != '/' || strchr(path, '\n') != NULL)
        return error_set(error, "a path with a newline cannot be trusted");
    if (list_path(name, sizeof name, error) < 0 ||
        paths_user(directory, sizeof directory, PATHS_STATE, "", error) < 0 ||
        paths_make_private(directory, error) < 0)
        return -1;
    int fd = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return error_system(error, "open '%s'", name);
    int status = write_line(fd, name, word, path, error);
    close(fd);
    return status;
}

int trust_add(const char *path, const char *content, size_t length, struct error *error)
{
    char sum[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data((const uint8_t *)content, length, sum);
    return append(sum, path, error);
}

int trust_add_file(const char *path, struct error *error)
{
    char sum[SHA256_DIGEST_STRING_LENGTH];
    return sum_file(path, sum, error) < 0 ? -1 : append(sum, path, error);
}

int trust_remove(const char *path, struct error *error)
{
    char word[SHA256_DIGEST_STRING_LENGTH];
    look_up(path, word, sizeof word);
    if (word[0] == '\0' || strcmp(word, revoked) == 0)
        return error_set(error, "'%s' was not trusted", path);
    return append(revoked, path, error);
}
