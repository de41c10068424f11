#include "data/page_tree.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_SIZE = 256 << 10, /* bytes taken from the system at once */
    CLOCK_INTERVAL = 256,   /* allocations between two looks at the clock */
};

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

struct page_tree {
    struct chunk *chunks;
    size_t left; /* of the budget */
    int64_t deadline;
    unsigned countdown;
    bool late;
    jmp_buf give_up; /* gumbo does not check for NULL: what it cannot have ends the parse */
    GumboOutput *output;
};

static struct chunk *add_chunk(struct page_tree *tree, size_t least)
{
    size_t size = least > CHUNK_SIZE ? least : CHUNK_SIZE;
    if (size > tree->left)
        return NULL;
    struct chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL)
        return NULL;
    *chunk = (struct chunk){.next = tree->chunks, .size = size};
    tree->left -= size;
    tree->chunks = chunk;
    return chunk;
}

static void *allocate(void *context, size_t size)
{
    struct page_tree *tree = context;
    struct chunk *chunk = tree->chunks;
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (--tree->countdown == 0) {
        tree->countdown = CLOCK_INTERVAL;
        tree->late = clock_monotonic_ms() >= tree->deadline;
    }
    if (rounded < size || tree->late)
        longjmp(tree->give_up, 1);
    if (chunk == NULL || chunk->size - chunk->used < rounded) {
        chunk = add_chunk(tree, rounded);
        if (chunk == NULL)
            longjmp(tree->give_up, 1);
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += rounded;
    return memory;
}

/* Nothing is given back before the end. */
static void release(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

/* 0, or -1 when allocate gave up. */
static int parse(struct page_tree *tree, const char *html, size_t length)
{
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = allocate;
    options.deallocator = release;
    options.userdata = tree;
    options.max_errors = 0;
    if (setjmp(tree->give_up) != 0)
        return -1;
    tree->output = gumbo_parse_with_options(&options, html, length);
    return 0;
}

struct page_tree *page_tree_parse(
    const char *html, size_t length, size_t memory_most, int64_t deadline, struct error *error)
{
    struct page_tree *tree = calloc(1, sizeof *tree);
    if (tree == NULL) {
        error_system(error, "parse the page");
        return NULL;
    }
    tree->left = memory_most;
    tree->deadline = deadline;
    tree->countdown = 1;
    if (parse(tree, html, length) == 0)
        return tree;
    error_set(error,
        tree->late ? "the page is so intricate that parsing it takes too long"
                   : "the parsed page needs more than %zu MiB of memory",
        memory_most >> 20);
    page_tree_free(tree);
    return NULL;
}

const GumboNode *page_tree_root(const struct page_tree *tree)
{
    return tree->output->root;
}

void page_tree_free(struct page_tree *tree)
{
    if (tree == NULL)
        return;
    while (tree->chunks != NULL) {
        struct chunk *next = tree->chunks->next;
        free(tree->chunks);
        tree->chunks = next;
    }
    free(tree);
}
