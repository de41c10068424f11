/*
 * Open what a resolved path names, and nothing else.
 *
 * A path that was resolved, shown and approved must not lead elsewhere when it
 * is opened a moment later. Every directory on the way and the file itself are
 * opened without following links, so a link put there in between is an error,
 * never a detour. Only regular files are read: a FIFO or a device would hang.
 */
#ifndef IO_REGULAR_FILE_H
#define IO_REGULAR_FILE_H

#include "base/buffer.h"
#include "base/error.h"

#include <sys/stat.h>

/*
 * The directory that holds the last component of an absolute path, opened for
 * use with openat and friends; *name points to that component in path. Missing
 * directories are made when make is not 0. A descriptor, or -1 with a sentence
 * and errno.
 */
int resolved_parent(const char *path, int make, const char **name, struct error *error);

/* Open a directory, or any file, for reading. A descriptor, or -1 with a sentence and errno. */
int resolved_open(const char *path, int flags, struct error *error);

/* Open for reading; refuses everything but a regular file. A descriptor, or -1 with a sentence
 * and errno (ENOENT: nothing there; EISDIR; EINVAL: something else). */
int regular_file_open(const char *path, struct stat *status, struct error *error);

/* Append the whole contents. 0, or -1 with a sentence; errno is EFBIG when it does not fit. */
int regular_file_read(
    const char *path, struct buffer *contents, struct stat *status, struct error *error);

#endif
