/*
 * A page of HTML as text to read: without scripts, styles, comments and what is
 * hidden; blocks on lines of their own, lists with markers, cells set apart,
 * links with their targets, images by their descriptions.
 *
 * The page is somebody else's and may mean harm. The parser (gumbo) gets its
 * memory from a budget, and all of it is given back at once, which needs no
 * recursion; the tree is walked without recursion, too.
 */
#ifndef DATA_PAGE_H
#define DATA_PAGE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

struct page_options {
    const char *base;   /* where the page comes from; NULL: its relative links stay as they are */
    bool without_links; /* targets are left out */
    size_t memory_most; /* bytes for the parsed page */
    int64_t deadline;   /* clock_monotonic_ms */
};

/* Append the text of a page in UTF-8. 0, or -1 with a sentence. */
int page_to_text(struct buffer *text, const char *html, size_t length,
    const struct page_options *options, struct error *error);

#endif
