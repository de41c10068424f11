/*
 * What the parts of ts-render share: the options, and the view, which is
 * whatever shows events. There are two views: plain (off a terminal, and on a
 * dumb one) and terminal.
 */
#ifndef TS_RENDER_RENDER_H
#define TS_RENDER_RENDER_H

#include "event.h"
#include "io/line_writer.h"
#include "io/loop.h"

#include <stdbool.h>

enum { ANSWER_LIMIT = 256 << 20 /* bytes of one answer, kept until it is certain */ };

struct render_options {
    bool all;            /* everything, not only the last answer */
    bool stream;         /* as it comes, not when it is certain */
    bool styled;         /* colours and typography */
    bool unicode;        /* symbols beyond ASCII */
    bool hide_reasoning; /* else it is shown dim, where everything is shown */
    bool spinner;        /* wanted, where there is a terminal to show it */
    int width;           /* columns; 0: the terminal's */
};

/* A view belongs to its caller (free). It writes into the line_writer, which the caller flushes. */
struct view {
    void (*event)(struct view *view, const struct event *event);
    /* Show a sentence that is no event: a diagnostic. It goes where it disturbs nothing. */
    void (*complain)(struct view *view, const char *sentence);
    /* Input is used up for now: show what there is. */
    void (*settle)(struct view *view);
    /* The terminal may have another size, or, overwritten, others may have written on it. */
    void (*disturbed)(struct view *view, bool overwritten);
    /* Ctrl-C was pressed: the terminal has written "^C" behind what we wrote. */
    void (*echoed)(struct view *view);
    /* No more input comes; what can still be shown is shown, and the terminal left tidy. */
    void (*finish)(struct view *view);
    void (*free)(struct view *view);
};

/* Both end the program when memory is short. out and loop outlive the view. */
struct view *plain_new(
    const struct render_options *options, struct line_writer *out, struct loop *loop);
struct view *terminal_new(
    const struct render_options *options, struct line_writer *out, struct loop *loop);

/* Append to the output, or end the program. */
void put(struct line_writer *out, const char *bytes, size_t length);
void put_text(struct line_writer *out, const char *text);

#endif
