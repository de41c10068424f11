/*
 * The quotes, lists and items around a piece of markdown, and the margin they
 * put before its rows: bars, bullets, numbers, indentation.
 */
#ifndef TERM_NESTING_H
#define TERM_NESTING_H

#include "term/wrap.h"

enum {
    CONTAINERS_MOST = 64, /* deeper ones are laid out like the last */
    BULLET_SIZE = 32,
};

enum container_kind { CONTAINER_QUOTE, CONTAINER_LIST, CONTAINER_ITEM };

struct container {
    enum container_kind kind;
    bool tight;               /* list: no blank rows between its items */
    bool ordered;             /* list */
    unsigned next;            /* list: number of the next item */
    char delimiter;           /* list: what stands behind the number */
    char bullet[BULLET_SIZE]; /* item */
    size_t bullet_columns;
    bool bullet_shown;
};

struct nesting {
    size_t width;
    bool styled;
    bool unicode;
    struct container containers[CONTAINERS_MOST];
    size_t depth;
    size_t too_deep;           /* containers entered beyond CONTAINERS_MOST */
    bool any_item;             /* an item was entered */
    struct buffer first, rest; /* owned: the margin made last */
};

void nesting_init(struct nesting *nesting, size_t width, bool styled, bool unicode);
void nesting_release(struct nesting *nesting);

void nesting_enter_quote(struct nesting *nesting);
void nesting_enter_list(
    struct nesting *nesting, bool ordered, bool tight, unsigned start, char delimiter);

/* task: ' ' or 'x' for a box, 0 for none. bullet_shown: it stands on an earlier row already. */
void nesting_enter_item(struct nesting *nesting, char task, bool bullet_shown);

void nesting_leave(struct nesting *nesting);

/* Inside an item whose bullet no margin has held yet. */
bool nesting_bullet_due(const struct nesting *nesting);

/* What is inside goes without blank rows between. */
bool nesting_tight(const struct nesting *nesting);

/* The margin for rows that follow; a bullet is in the first margin made inside its item.
 * It is valid until the next call. 0, or -1 (errno). */
int nesting_margin(struct nesting *nesting, struct margin *margin);

/* Append a blank row; inside a quote it has the bar, so that the quote stays one. 0, or -1. */
int nesting_blank(struct nesting *nesting, struct rows *rows);

#endif
