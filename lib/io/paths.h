/*
 * Where things are: our own helpers and data, found from the running program's
 * place and never through PATH, and the user's directories, by the XDG rules.
 *
 * The layout is the same in the build tree and when installed:
 *   bin/ts-foo   libexec/turnstone/tools/NAME   share/turnstone/tooldefs/NAME.json
 */
#ifndef IO_PATHS_H
#define IO_PATHS_H

#include "base/error.h"

#include <limits.h>

enum paths_kind {
    PATHS_CONFIG,  /* $XDG_CONFIG_HOME/turnstone, ~/.config/turnstone */
    PATHS_DATA,    /* $XDG_DATA_HOME/turnstone, ~/.local/share/turnstone */
    PATHS_STATE,   /* $XDG_STATE_HOME/turnstone, ~/.local/state/turnstone */
    PATHS_RUNTIME, /* $XDG_RUNTIME_DIR/turnstone, else turnstone-UID in the temporary directory */
};

/*
 * Each fills path (size bytes, PATH_MAX is enough) and returns 0, or -1 with a
 * sentence. None of them looks whether the file is there.
 */
int paths_helper(char *path, size_t size, const char *name, struct error *error); /* bin/NAME */
int paths_libexec(
    char *path, size_t size, const char *name, struct error *error); /* libexec/turnstone/NAME */
int paths_share(
    char *path, size_t size, const char *name, struct error *error); /* share/turnstone/NAME */
int paths_user(
    char *path, size_t size, enum paths_kind kind, const char *name, struct error *error);

/* Make a directory and its parents, the last one 0700. Refused when it belongs to somebody else.
 * 0, or -1 with a sentence. */
int paths_make_private(const char *path, struct error *error);

/* Remove a directory with everything in it; what is not there is no error. Links are not followed.
 */
int paths_remove_tree(const char *path, struct error *error);

/* Replace a leading "~/" by the home directory. 0, or -1 with a sentence. */
int paths_expand_home(char *path, size_t size, const char *given, struct error *error);

/*
 * An absolute path without symbolic links, "." and "..", also for a file that
 * does not exist yet: its nearest existing parent is resolved, the rest is
 * appended. A relative path begins at directory. 0, or -1 with a sentence.
 */
int paths_resolve(
    char *path, size_t size, const char *directory, const char *given, struct error *error);

/* Whether path is directory or lies below it; both absolute and resolved. */
int paths_inside(const char *path, const char *directory);

#endif
