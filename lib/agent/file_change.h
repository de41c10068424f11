/*
 * A file before and after a change: what write_file and edit_file share. The
 * steps are load, (change the text), preview or save.
 */
#ifndef AGENT_FILE_CHANGE_H
#define AGENT_FILE_CHANGE_H

#include "agent/diff.h"
#include "agent/read_guard.h"
#include "agent/tool.h"

#include <stdbool.h>
#include <sys/stat.h>

enum {
    FILE_CHANGE_LIMIT = 32 << 20, /* bytes of a file that can be changed: all of it is in memory */
};

struct file_change {
    char path[PATH_MAX];
    bool exists;
    struct stat status;           /* when it exists */
    struct buffer before;         /* owned; empty when it does not exist */
    struct buffer after;          /* owned; empty until the caller fills it */
    enum read_guard_answer known; /* what the conversation knows of it */
    struct diff_counts counts;    /* set by preview and save */
};

/* Read the call's path argument and the file. Nothing there is an error only when must_exist.
 * 0, or -1 with a sentence. */
int file_change_load(
    struct file_change *change, const struct tool_call *call, bool must_exist, struct error *error);
void file_change_release(struct file_change *change);

/* Refuse what the conversation has not read, or not since it was changed; with whole, also what
 * it has read in part. 0, or -1 with a sentence. */
int file_change_permitted(const struct file_change *change, bool whole, struct error *error);

/* Append the diff to a preview; one that is too long to show says so. 0, or -1. */
int file_change_preview(
    struct file_change *change, struct tool_preview *preview, struct error *error);

/* Write the file, note its new contents, show the diff to the person. 0, or -1 with a sentence
 * and the file as it was. */
int file_change_save(struct file_change *change, struct tool_call *call, struct error *error);

#endif
