/*
 * What a tool prints, kept within bounds while it is read: its beginning, its
 * end, and, once something between them has to be dropped, all of it in a file.
 */
#ifndef TS_TOOL_EXEC_CAPTURE_H
#define TS_TOOL_EXEC_CAPTURE_H

#include "base/buffer.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    CAPTURE_MOST = 4 << 20, /* characters, whatever is asked for */
    SPILL_MOST = 1 << 28,   /* bytes written to one file */
};

struct capture {
    const char *call_id; /* names the file; not owned */
    struct buffer head;  /* owned */
    struct buffer tail;  /* owned; what comes after the head, shortened from the front */
    size_t side;         /* bytes that head and tail are sure to keep */
    uint64_t total;      /* bytes taken */
    int spill_fd;        /* -1: not opened */
    uint64_t spilled;
    bool spill_failed;
    char spill_path[PATH_MAX]; /* "": nothing was spilled */
};

/* characters: the most that capture_text will be asked for. */
void capture_init(struct capture *capture, const char *call_id, size_t characters);
void capture_release(struct capture *capture);

/* 0, or -1 when memory is short. */
int capture_add(struct capture *capture, const char *bytes, size_t length);

/*
 * Append what was taken, as text of at most so many characters: bytes that are
 * no UTF-8, and NULs, are replaced and counted in a note, what is left out of
 * the middle is said, with the file that holds it. 0, or -1 (errno).
 */
int capture_text(struct capture *capture, size_t characters, struct buffer *text);

#endif
