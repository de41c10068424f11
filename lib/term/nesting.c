#include "term/nesting.h"

#include "term/style.h"
#include "term/width.h"

#include <stdio.h>
#include <string.h>

enum {
    MARGIN_LIMIT = 8192,
    TEXT_LEAST = 20, /* columns that indentation must leave for text */
};

void nesting_init(struct nesting *nesting, size_t width, bool styled, bool unicode)
{
    *nesting = (struct nesting){.width = width, .styled = styled, .unicode = unicode};
    buffer_init(&nesting->first, MARGIN_LIMIT);
    buffer_init(&nesting->rest, MARGIN_LIMIT);
}

void nesting_release(struct nesting *nesting)
{
    buffer_release(&nesting->first);
    buffer_release(&nesting->rest);
}

static struct container *push(struct nesting *nesting, enum container_kind kind)
{
    if (nesting->depth == CONTAINERS_MOST) {
        nesting->too_deep++;
        return NULL;
    }
    struct container *container = &nesting->containers[nesting->depth++];
    *container = (struct container){.kind = kind};
    return container;
}

void nesting_enter_quote(struct nesting *nesting)
{
    push(nesting, CONTAINER_QUOTE);
}

void nesting_enter_list(
    struct nesting *nesting, bool ordered, bool tight, unsigned start, char delimiter)
{
    struct container *list = push(nesting, CONTAINER_LIST);
    if (list == NULL)
        return;
    list->ordered = ordered;
    list->tight = tight;
    list->delimiter = delimiter;
    list->next = start;
}

static size_t lists_around(const struct nesting *nesting)
{
    size_t lists = 0;
    for (size_t i = 0; i < nesting->depth; i++)
        lists += nesting->containers[i].kind == CONTAINER_LIST;
    return lists;
}

void nesting_enter_item(struct nesting *nesting, char task, bool bullet_shown)
{
    static const char *const bullets[] = {"• ", "◦ ", "▪ "};
    size_t lists = lists_around(nesting);
    struct container *list = nesting->depth > 0 ? &nesting->containers[nesting->depth - 1] : NULL;
    struct container *item = push(nesting, CONTAINER_ITEM);
    nesting->any_item = true;
    if (item == NULL || list == NULL)
        return;
    size_t length = 0;
    if (list->ordered)
        length =
            (size_t)snprintf(item->bullet, BULLET_SIZE, "%u%c ", list->next++, list->delimiter);
    else if (task == '\0')
        snprintf(
            item->bullet, BULLET_SIZE, "%s", nesting->unicode ? bullets[(lists + 2) % 3] : "- ");
    if (task != '\0') /* the box is bullet enough */
        snprintf(item->bullet + length, BULLET_SIZE - length, "[%c] ", task);
    item->bullet_columns = width_text(item->bullet, strlen(item->bullet));
    item->bullet_shown = bullet_shown;
}

void nesting_leave(struct nesting *nesting)
{
    if (nesting->too_deep > 0)
        nesting->too_deep--;
    else
        nesting->depth--;
}

bool nesting_bullet_due(const struct nesting *nesting)
{
    if (nesting->too_deep > 0 || nesting->depth == 0)
        return false;
    const struct container *last = &nesting->containers[nesting->depth - 1];
    return last->kind == CONTAINER_ITEM && !last->bullet_shown;
}

bool nesting_tight(const struct nesting *nesting)
{
    for (size_t i = nesting->depth; i > 0; i--) {
        if (nesting->containers[i - 1].kind == CONTAINER_LIST)
            return nesting->containers[i - 1].tight;
        if (nesting->containers[i - 1].kind == CONTAINER_QUOTE)
            return false;
    }
    return false;
}

static int add_mark(
    const struct nesting *nesting, struct buffer *margin, const char *mark, unsigned style)
{
    if (!nesting->styled)
        return buffer_append_text(margin, mark);
    if (style_switch(margin, STYLE_PLAIN, style) < 0 || buffer_append_text(margin, mark) < 0)
        return -1;
    return style_switch(margin, style, STYLE_PLAIN);
}

static int add_quote(struct nesting *nesting)
{
    const char *bar = nesting->unicode ? "│ " : "> ";
    if (add_mark(nesting, &nesting->first, bar, STYLE_DIM) < 0)
        return -1;
    return add_mark(nesting, &nesting->rest, bar, STYLE_DIM);
}

static int add_item(struct nesting *nesting, struct container *item)
{
    int columns = (int)item->bullet_columns;
    int status = item->bullet_shown ? buffer_printf(&nesting->first, "%*s", columns, "")
                                    : add_mark(nesting, &nesting->first, item->bullet, STYLE_CYAN);
    item->bullet_shown = true;
    return status < 0 ? -1 : buffer_printf(&nesting->rest, "%*s", columns, "");
}

int nesting_margin(struct nesting *nesting, struct margin *margin)
{
    size_t columns = 0;
    buffer_clear(&nesting->first);
    buffer_clear(&nesting->rest);
    for (size_t i = 0; i < nesting->depth; i++) {
        struct container *container = &nesting->containers[i];
        bool quote = container->kind == CONTAINER_QUOTE;
        size_t wanted = quote ? 2 : container->bullet_columns;
        if (container->kind == CONTAINER_LIST)
            continue;
        /* Too deep for the width: indent no further, but keep bullets that are due. */
        if (columns > 0 && columns + wanted + TEXT_LEAST > nesting->width &&
            (quote || container->bullet_shown))
            continue;
        if ((quote ? add_quote(nesting) : add_item(nesting, container)) < 0)
            return -1;
        columns += wanted;
    }
    *margin = (struct margin){nesting->first.data, nesting->first.length, nesting->rest.data,
        nesting->rest.length, columns};
    return 0;
}

int nesting_blank(struct nesting *nesting, struct rows *rows)
{
    size_t start = rows->bytes.length, columns = 0;
    for (size_t i = 0; i < nesting->depth; i++) {
        if (nesting->containers[i].kind == CONTAINER_ITEM)
            break;
        if (nesting->containers[i].kind != CONTAINER_QUOTE || columns + 2 > nesting->width)
            continue;
        if (columns > 0 && buffer_append_byte(&rows->bytes, ' ') < 0)
            return -1;
        if (add_mark(nesting, &rows->bytes, nesting->unicode ? "│" : ">", STYLE_DIM) < 0)
            return -1;
        columns += columns > 0 ? 2 : 1;
    }
    return rows_finish(rows, start, columns);
}
