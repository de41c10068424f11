/*
 * Where one block of growing markdown ends and the next begins, seen line by
 * line, as early as it is certain. An outermost list ends with each of its
 * items: they are laid out one by one.
 */
#ifndef TERM_BLOCK_H
#define TERM_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

enum block_kind {
    BLOCK_NONE, /* between blocks */
    BLOCK_TEXT, /* paragraph, quote, table, indented code */
    BLOCK_ITEM, /* an item of an outermost list, with all that belongs to it */
    BLOCK_FENCE /* fenced code that is not inside an item */
};

struct block {
    enum block_kind kind;
    bool quote;          /* text that began with > */
    bool blank_before;   /* the last line was blank */
    char fence_mark;     /* fence, or a fence inside the item */
    size_t fence_length; /* 0: none open */
    char list_mark;      /* item: the bullet, or what follows the number */
    size_t list_content; /* item: the column its content begins at */
    unsigned list_start; /* item: the number written */
};

enum block_cut {
    BLOCK_CUT_NONE,
    BLOCK_CUT_BEFORE, /* the line begins a new block */
    BLOCK_CUT_AFTER,  /* the line ends its block */
    BLOCK_CUT_AROUND  /* it is a block of its own */
};

/*
 * Take the next line (with or without its newline). A line that begins a new
 * block makes *block that one's state; sibling tells whether both are items of
 * one list.
 */
enum block_cut block_line(struct block *block, const char *bytes, size_t length, bool *sibling);

/* The line is nothing but marks: what it means depends on what follows. */
bool block_undecided(const char *line, size_t length);

#endif
