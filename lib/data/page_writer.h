/*
 * Text of a page as lines: white space is collapsed, blocks are set apart,
 * markers and indentation are written when there is something to stand behind
 * them, and what nobody could see (control characters, characters without
 * width) is left out, since it could carry what a person never reads.
 *
 * The text is complete after page_writer_finish.
 */
#ifndef DATA_PAGE_WRITER_H
#define DATA_PAGE_WRITER_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PAGE_DEPTH = 12,       /* levels of lists and quotes that are indented */
    PAGE_MARKER_SIZE = 16, /* "- ", "123. ", "## " */
};

struct page_level {
    char marker[PAGE_MARKER_SIZE]; /* before the first line */
    char indent[PAGE_MARKER_SIZE]; /* before the others */
    bool marked;                   /* the marker has been written */
};

struct page_writer {
    struct buffer *text; /* not owned */
    struct page_level levels[PAGE_DEPTH];
    size_t depth;          /* may be beyond PAGE_DEPTH */
    size_t lines;          /* begun so far */
    unsigned break_wanted; /* newlines before the next character, at most 2 */
    unsigned cells_wanted; /* separators of cells before it */
    bool space_wanted;
    bool line_open;    /* something stands on the line */
    bool breaks_muted; /* at the beginning of a cell or item: what comes stays there */
    bool failed;       /* memory, or the text's maximum */
};

void page_writer_init(struct page_writer *writer, struct buffer *text);

/* Running text; paragraphs: an empty line in it ends one. */
void page_writer_text(struct page_writer *writer, const char *text, size_t length, bool paragraphs);

/* Text whose white space counts. */
void page_writer_verbatim(struct page_writer *writer, const char *text, size_t length);

/* What follows begins on a new line (1), or behind an empty one (2). */
void page_writer_break(struct page_writer *writer, unsigned lines);

/* A line break asked for by itself: each one counts. */
void page_writer_line_break(struct page_writer *writer);

void page_writer_enter(struct page_writer *writer, const char *marker, const char *indent);
void page_writer_leave(struct page_writer *writer);

/* A cell of a row that began when lines was row_lines; first: nothing stands before it. */
void page_writer_cell(struct page_writer *writer, size_t row_lines, bool first);

void page_writer_finish(struct page_writer *writer);

#endif
