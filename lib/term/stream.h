/*
 * Markdown that arrives piece by piece. Blocks that are complete are laid out
 * for good; the unfinished rest can be laid out as often as wished. Every byte
 * is laid out for good exactly once, whatever is asked in between.
 */
#ifndef TERM_STREAM_H
#define TERM_STREAM_H

#include "term/block.h"
#include "term/markdown.h"

struct stream {
    struct markdown look; /* width, styled, unicode: may change at any time */
    struct buffer source; /* owned; not yet laid out for good */
    size_t scanned;       /* the lines before this are known to block */
    size_t shown;         /* bytes the last stream_rest laid out */
    struct block block;
    unsigned number;       /* of the ordered item that source begins with; 0: none */
    bool sibling;          /* source begins with an item of the same list as the one before */
    bool started;          /* something was laid out for good */
    bool ended_blank;      /* and a blank line followed it */
    bool continued;        /* source goes on in the middle of a block, after stream_cut */
    struct buffer context; /* owned; what that block began with, put before source */
    struct buffer fence;   /* owned; the line that opened the present fence */
};

void stream_init(struct stream *stream, const struct markdown *look, size_t maximum);
void stream_release(struct stream *stream);

/* Forget what is not laid out for good, and what was: a new text begins. */
void stream_reset(struct stream *stream);

/* All return 0, or -1 (errno; EMSGSIZE: more than maximum bytes in one block). */

int stream_add(struct stream *stream, const char *text, size_t length);

/* Lay out, for good, the blocks that are complete. */
int stream_take(struct stream *stream, struct rows *rows);

/* Lay out the unfinished rest as it would look if it ended here. */
int stream_rest(struct stream *stream, struct rows *rows);

/*
 * The rest has grown too tall to be redrawn: lay out for good what there is of
 * it, up to the unfinished line or, when that is all there is, a part of it.
 */
int stream_cut(struct stream *stream, struct rows *rows);

/* What the last stream_rest laid out stays as it is: only what follows is still to be laid out. */
int stream_freeze(struct stream *stream);

/* Lay out everything, for good, and begin a new text. */
int stream_finish(struct stream *stream, struct rows *rows);

bool stream_empty(const struct stream *stream);

#endif
