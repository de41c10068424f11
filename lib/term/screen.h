/*
 * The end of a terminal's output: rows that are there for good, and below them
 * live rows that may still change.
 *
 * Only rows that differ are written again, all in one piece, so nothing
 * flickers; only rows that are certainly still on the screen are touched: the
 * live rows must fit on it (screen_room). The cursor rests behind the last
 * live row, or at the beginning of an empty line when there is none; it is
 * never hidden, so there is nothing to restore.
 */
#ifndef TERM_SCREEN_H
#define TERM_SCREEN_H

#include "term/rows.h"

struct screen {
    size_t width;
    size_t height;
    struct rows settled; /* owned; to be written above the live rows */
    struct rows live;    /* owned; what should be live */
    struct rows shown;   /* owned; what is live on the terminal */
    bool last_blank;     /* the last row for good is blank, or there is none */
};

void screen_init(struct screen *screen);
void screen_release(struct screen *screen);

/* Take the size from the terminal, or 80 by 24. width 0: the terminal's, too. True: it changed. */
bool screen_measure(struct screen *screen, int fd, size_t width);

/* Lines that live rows may take. */
size_t screen_room(const struct screen *screen);

/*
 * Append to out what makes the terminal show settled, then live. settled is
 * empty afterwards; live stays as it is. 0, or -1 (errno).
 */
int screen_draw(struct screen *screen, struct buffer *out);

/*
 * The live rows can no longer be found (the size changed, others wrote): leave
 * them where they are and begin below. The last erase rows are the exception:
 * they are believed to be where they were. 0, or -1 (errno).
 */
int screen_leave(struct screen *screen, size_t erase, struct buffer *out);

/* The terminal has echoed a control character behind the last live row, which will be written
 * again. False: the echo may have begun a new line, so that the rows must be left. */
bool screen_stain(struct screen *screen);

/* The rows that are live on the terminal no longer fit the size it has now. */
bool screen_lost(const struct screen *screen);

#endif
