/* gumbo under a budget: a parsed page whose memory is one thing (see page.h). */
#ifndef DATA_PAGE_TREE_H
#define DATA_PAGE_TREE_H

#include "base/error.h"

#include <gumbo.h>
#include <stddef.h>
#include <stdint.h>

struct page_tree;

/* html must stay as long as the tree. NULL with a sentence: too large, or too slow. */
struct page_tree *page_tree_parse(
    const char *html, size_t length, size_t memory_most, int64_t deadline, struct error *error);
const GumboNode *page_tree_root(const struct page_tree *tree);
void page_tree_free(struct page_tree *tree);

#endif
