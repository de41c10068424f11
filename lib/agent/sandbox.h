/*
 * What a jailed command can see and change: the profile `workspace`, as a list
 * of mounts that is built once and then either explained to a person or turned
 * into bubblewrap's arguments.
 *
 * The whole file system is there read-only, with the home directory, /run, /tmp
 * and our own directories replaced by empty ones: a command that could reach
 * our sockets or files has the same uid as we do and could approve itself. The
 * project is bound back writable, except for what would let a later program
 * outside run its commands: .git/hooks, .git/config and .turnstone.
 *
 * Where one of those does not exist yet, an empty directory of mode 0 (nobody
 * else makes such a thing) is put in its place for as long as a jail runs, and
 * mounted over itself read-only: there is no other way to forbid a name. It is
 * removed by the last jail that ends in that project, or by the next one.
 */
#ifndef AGENT_SANDBOX_H
#define AGENT_SANDBOX_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SANDBOX_MOUNTS = 96,    /* entries of one profile: ours are under 24, the rest is asked for */
    SANDBOX_PATHS = 16,     /* --read and --write, each */
    SANDBOX_HIDES = 32,     /* --hide */
    SANDBOX_PRIVATE = 1024, /* MiB that each private directory (/tmp, ...) may grow to */
};

/* What is wanted. Every path is absolute and resolved (paths_resolve). */
struct sandbox_request {
    const char *project;
    const char *state; /* NULL, or a directory of ours that is bound back writable */
    const char *reads[SANDBOX_PATHS];
    size_t read_count;
    const char *writes[SANDBOX_PATHS];
    size_t write_count;
    const char *hides[SANDBOX_HIDES];
    size_t hide_count;
    bool read_only; /* the project too */
    bool network;
};

enum sandbox_kind {
    SANDBOX_VISIBLE,  /* bound read-only */
    SANDBOX_WRITABLE, /* bound writable */
    SANDBOX_HIDDEN,   /* an empty, private, writable directory in its place */
    SANDBOX_MADE,     /* a directory made inside a hidden one */
    SANDBOX_CLOSED,   /* a directory that cannot be entered in its place */
    SANDBOX_MUTE,     /* a file that cannot be read in its place */
};

struct sandbox_mount {
    enum sandbox_kind kind;
    const char *why;  /* static text: a fragment for --explain */
    char *path;       /* owned */
    bool placeholder; /* does not exist on the host: see above */
};

struct sandbox {
    struct sandbox_mount mounts[SANDBOX_MOUNTS]; /* in the order they are mounted */
    size_t mount_count;
    char *project;         /* owned */
    bool clears_commondir; /* the repository has no .git/commondir, and is to have none */
    bool network;
    int lock; /* shared while placeholders stand; -1: none */
};

/* 0, or -1 with a sentence: a project that must not be opened, a path that cannot be protected.
 * Nothing is changed on disk. Release it in both cases. */
int sandbox_build(
    struct sandbox *sandbox, const struct sandbox_request *request, struct error *error);
void sandbox_release(struct sandbox *sandbox);

/* Put the placeholders in place; before bubblewrap is started. 0, or -1 with a sentence. */
int sandbox_enter(struct sandbox *sandbox, struct error *error);

/* Take them away again, unless another jail in this project needs them. */
void sandbox_leave(struct sandbox *sandbox);

/*
 * Append bubblewrap's arguments, from its name up to and without the command,
 * each ended by a NUL byte; *count grows by their number. 0, or -1 (errno).
 */
int sandbox_arguments(const struct sandbox *sandbox, const char *bubblewrap, const char *directory,
    struct buffer *arguments, size_t *count);

/* Append what is visible, writable and reachable, for a person. 0, or -1 (errno). */
int sandbox_explain(const struct sandbox *sandbox, struct buffer *text);

/* Where bubblewrap is; NULL when it is not installed. Never searched for in PATH. */
const char *sandbox_bubblewrap(void);

/* Why it failed and what to do, from what it said on stderr. Static text. */
const char *sandbox_advice(const char *complaint);

#endif
