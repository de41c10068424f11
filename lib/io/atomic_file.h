/*
 * Write a file so that everybody sees either the old contents or the new.
 *
 * The bytes go to a file without a name in the same directory, to the disk,
 * and only then under the name. Where the file system knows no nameless files,
 * a hidden one is used, and removed on every error; signals wait meanwhile.
 * The path is absolute and resolved: no link in it is followed.
 *
 * A file that is replaced keeps its mode, and its owner and extended
 * attributes as far as the system allows. Other hard links keep the old text.
 */
#ifndef IO_ATOMIC_FILE_H
#define IO_ATOMIC_FILE_H

#include "base/error.h"

#include <stddef.h>
#include <sys/stat.h>

/* A new file, by the umask; missing directories are made. It is an error, errno EEXIST, when
 * something is there. 0, or -1 with a sentence. */
int atomic_file_create(const char *path, const char *bytes, size_t length, struct error *error);

/* Replace the file that fstat described as expected; an error, errno ESTALE, when it has been
 * changed or replaced since, and when it may not be written. 0, or -1 with a sentence. */
int atomic_file_replace(const char *path, const char *bytes, size_t length,
    const struct stat *expected, struct error *error);

#endif
