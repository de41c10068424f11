/*
 * md4c calls back for every block, span and piece of text. Text is collected
 * per paragraph (or cell) and laid out when that ends, behind a margin made
 * from the containers around it: quote bars, bullets, indentation.
 */
#include "term/markdown.h"

#include "base/utf8.h"
#include "term/entity.h"
#include "term/style.h"
#include "term/table.h"
#include "term/width.h"
#include "term/wrap.h"

#include <errno.h>
#include <limits.h>
#include <md4c.h>
#include <string.h>
#include <strings.h>

enum {
    CONTAINERS_MOST = 64, /* deeper ones are laid out like the last */
    BULLET_SIZE = 32,
    MARGIN_LIMIT = 8192,
    TEXT_LEAST = 20,  /* columns that indentation must leave for text */
    SPANS_MOST = 128, /* deeper ones add no style */
    SPAN_TEXT_LIMIT = 1 << 20,
};

enum container_kind { CONTAINER_QUOTE, CONTAINER_LIST, CONTAINER_ITEM };

struct container {
    enum container_kind kind;
    bool tight;    /* list */
    bool ordered;  /* list */
    unsigned next; /* list: number of the next item */
    char delimiter;
    char bullet[BULLET_SIZE]; /* item */
    size_t bullet_columns;
    bool bullet_shown;
};

struct render {
    const struct markdown *options;
    struct rows *rows;
    struct container containers[CONTAINERS_MOST];
    size_t depth;
    size_t too_deep; /* containers entered beyond CONTAINERS_MOST */
    bool blank_wanted;
    bool first_item, first_fence, first_table; /* none came yet: the options speak of the first */
    unsigned style;
    unsigned styles[SPANS_MOST]; /* what to return to */
    size_t spans;
    struct text text;  /* of the present leaf */
    struct text *cell; /* where text goes instead, inside a table */
    struct table table;
    struct buffer first, rest; /* the margin */
    struct buffer scratch;
    struct buffer link; /* what the innermost link's text reads */
    bool in_link;
};

static int add(struct render *render, unsigned style, const char *text, size_t length)
{
    if (render->in_link && render->link.length + length <= SPAN_TEXT_LIMIT &&
        buffer_append(&render->link, text, length) < 0)
        return -1;
    return text_add(render->cell != NULL ? render->cell : &render->text, style, text, length);
}

static int add_mark(struct render *render, const char *mark)
{
    if (render->options->styled)
        return 0;
    return text_add(
        render->cell != NULL ? render->cell : &render->text, render->style, mark, strlen(mark));
}

/* --- margins ------------------------------------------------------------- */

static int margin_add(
    struct render *render, struct buffer *margin, const char *mark, unsigned style)
{
    if (!render->options->styled)
        return buffer_append_text(margin, mark);
    if (style_switch(margin, STYLE_PLAIN, style) < 0 || buffer_append_text(margin, mark) < 0)
        return -1;
    return style_switch(margin, style, STYLE_PLAIN);
}

/* What the containers put before the rows; a bullet only before the first. */
static int make_margin(struct render *render, struct margin *margin)
{
    size_t columns = 0;
    int status = 0;
    buffer_clear(&render->first);
    buffer_clear(&render->rest);
    for (size_t i = 0; i < render->depth && status == 0; i++) {
        struct container *container = &render->containers[i];
        size_t wanted = container->kind == CONTAINER_QUOTE ? 2 : container->bullet_columns;
        if (container->kind == CONTAINER_LIST)
            continue;
        if (columns + wanted + TEXT_LEAST > render->options->width && columns > 0 &&
            container->bullet_shown)
            continue;
        if (container->kind == CONTAINER_QUOTE) {
            const char *bar = render->options->unicode ? "│ " : "> ";
            status = margin_add(render, &render->first, bar, STYLE_DIM);
            if (status == 0)
                status = margin_add(render, &render->rest, bar, STYLE_DIM);
        } else {
            if (container->bullet_shown)
                status = buffer_printf(&render->first, "%*s", (int)wanted, "");
            else
                status = margin_add(render, &render->first, container->bullet, STYLE_CYAN);
            if (status == 0)
                status = buffer_printf(&render->rest, "%*s", (int)wanted, "");
            container->bullet_shown = true;
        }
        columns += wanted;
    }
    *margin = (struct margin){
        render->first.data, render->first.length, render->rest.data, render->rest.length, columns};
    return status;
}

/* A blank row between blocks; inside a quote it has the bar, so that the quote stays one. */
static int blank(struct render *render)
{
    if (!render->blank_wanted)
        return 0;
    render->blank_wanted = false;
    size_t start = render->rows->bytes.length, columns = 0;
    for (size_t i = 0; i < render->depth; i++) {
        const struct container *container = &render->containers[i];
        if (container->kind == CONTAINER_ITEM)
            break;
        if (container->kind != CONTAINER_QUOTE)
            continue;
        const char *bar = render->options->unicode ? "│" : ">";
        if (columns > 0 && buffer_append_byte(&render->rows->bytes, ' ') < 0)
            return -1;
        if (margin_add(render, &render->rows->bytes, bar, STYLE_DIM) < 0)
            return -1;
        columns += columns > 0 ? 2 : 1;
    }
    return rows_finish(render->rows, start, columns);
}

static bool in_tight_list(const struct render *render)
{
    for (size_t i = render->depth; i > 0; i--) {
        if (render->containers[i - 1].kind == CONTAINER_LIST)
            return render->containers[i - 1].tight;
        if (render->containers[i - 1].kind == CONTAINER_QUOTE)
            return false;
    }
    return false;
}

static int wrap_for(struct render *render, struct wrap *wrap)
{
    *wrap = (struct wrap){.width = render->options->width, .styled = render->options->styled};
    return make_margin(render, &wrap->margin);
}

/* Lay out what was collected. In a tight list the text has no paragraph around it. */
static int flush(struct render *render)
{
    struct wrap wrap;
    if (render->text.bytes.length == 0)
        return 0;
    if (blank(render) < 0 || wrap_for(render, &wrap) < 0 ||
        text_wrap(&render->text, &wrap, render->rows) < 0)
        return -1;
    text_clear(&render->text);
    render->blank_wanted = !in_tight_list(render);
    return 0;
}

/* --- containers ---------------------------------------------------------- */

static struct container *push(struct render *render, enum container_kind kind)
{
    if (render->depth == CONTAINERS_MOST) {
        render->too_deep++;
        return NULL;
    }
    struct container *container = &render->containers[render->depth++];
    *container = (struct container){.kind = kind};
    return container;
}

static void pop(struct render *render)
{
    if (render->too_deep > 0)
        render->too_deep--;
    else
        render->depth--;
}

static size_t lists_around(const struct render *render)
{
    size_t lists = 0;
    for (size_t i = 0; i < render->depth; i++)
        lists += render->containers[i].kind == CONTAINER_LIST;
    return lists;
}

static void enter_list(struct render *render, bool ordered, bool tight, unsigned start, char mark)
{
    bool outermost = lists_around(render) == 0 && render->depth == 0;
    struct container *list = push(render, CONTAINER_LIST);
    if (list == NULL)
        return;
    list->ordered = ordered;
    list->tight = tight;
    list->delimiter = mark;
    list->next = start;
    if (outermost && ordered && render->first_item && render->options->list_number > 0)
        list->next = render->options->list_number;
}

static void enter_item(struct render *render, const MD_BLOCK_LI_DETAIL *detail)
{
    static const char *const bullets[] = {"• ", "◦ ", "▪ "};
    size_t lists = lists_around(render);
    struct container *list =
        render->depth > 0 && render->too_deep == 0 ? &render->containers[render->depth - 1] : NULL;
    struct container *item = push(render, CONTAINER_ITEM);
    if (item == NULL || list == NULL)
        return;
    if (list->ordered)
        snprintf(item->bullet, BULLET_SIZE, "%u%c ", list->next++, list->delimiter);
    else if (render->options->unicode)
        snprintf(item->bullet, BULLET_SIZE, "%s", bullets[(lists + 2) % 3]);
    else
        snprintf(item->bullet, BULLET_SIZE, "- ");
    if (detail->is_task) {
        size_t length = strlen(item->bullet);
        if (!list->ordered)
            length = 0; /* the box is the bullet */
        snprintf(item->bullet + length, BULLET_SIZE - length, "[%c] ",
            detail->task_mark == ' ' ? ' ' : 'x');
    }
    item->bullet_columns = width_text(item->bullet, strlen(item->bullet));
    item->bullet_shown = render->first_item && render->options->in_item;
    render->first_item = false;
}

/* An item without any text still shows its bullet. */
static int leave_item(struct render *render)
{
    struct wrap wrap;
    if (flush(render) < 0)
        return -1;
    if (render->too_deep == 0 && !render->containers[render->depth - 1].bullet_shown) {
        if (blank(render) < 0 || wrap_for(render, &wrap) < 0 ||
            rows_add(
                render->rows, wrap.margin.first, wrap.margin.first_length, wrap.margin.columns) < 0)
            return -1;
    }
    pop(render);
    return 0;
}

/* --- leaves -------------------------------------------------------------- */

static int leave_heading(struct render *render)
{
    render->style = STYLE_PLAIN;
    if (flush(render) < 0)
        return -1;
    render->blank_wanted = true;
    return 0;
}

static int draw_rule(struct render *render)
{
    struct wrap wrap;
    struct text rule;
    int status = wrap_for(render, &wrap);
    text_init(&rule);
    const char *line = render->options->unicode ? "─" : "-";
    for (size_t i = wrap.margin.columns; i < wrap.width && status == 0; i++)
        status = text_add(&rule, STYLE_DIM, line, strlen(line));
    if (status == 0)
        status = text_verbatim(&rule, &wrap, render->rows);
    text_release(&rule);
    render->blank_wanted = true;
    return status;
}

static int append_attribute(struct buffer *buffer, const MD_ATTRIBUTE *attribute)
{
    for (int i = 0; attribute->size > 0 && attribute->substr_offsets[i] < attribute->size; i++) {
        const char *part = attribute->text + attribute->substr_offsets[i];
        size_t length = attribute->substr_offsets[i + 1] - attribute->substr_offsets[i];
        int status = 0;
        if (attribute->substr_types[i] == MD_TEXT_ENTITY)
            status = entity_append(buffer, part, length);
        else if (attribute->substr_types[i] == MD_TEXT_NULLCHAR)
            status = buffer_append_text(buffer, UTF8_REPLACEMENT);
        else
            status = buffer_append(buffer, part, length);
        if (status < 0)
            return -1;
    }
    return 0;
}

/* The opening fence is shown dim, with the language behind it. */
static int enter_code(struct render *render, const MD_BLOCK_CODE_DETAIL *detail)
{
    bool shown = render->first_fence && render->options->in_fence;
    render->first_fence = false;
    render->style = STYLE_CYAN;
    if (detail->fence_char == '\0' || shown)
        return 0;
    buffer_clear(&render->scratch);
    if (buffer_append_text(&render->scratch, detail->fence_char == '~' ? "~~~" : "```") < 0 ||
        append_attribute(&render->scratch, &detail->info) < 0 ||
        buffer_append_byte(&render->scratch, '\n') < 0)
        return -1;
    return text_add(&render->text, STYLE_DIM, render->scratch.data, render->scratch.length);
}

static int leave_code(struct render *render, const MD_BLOCK_CODE_DETAIL *detail)
{
    struct wrap wrap;
    render->style = STYLE_PLAIN;
    if (detail->fence_char != '\0' && !render->options->fence_open &&
        text_add(&render->text, STYLE_DIM, detail->fence_char == '~' ? "~~~" : "```", 3) < 0)
        return -1;
    if (render->text.bytes.length > 0 &&
        (wrap_for(render, &wrap) < 0 || text_verbatim(&render->text, &wrap, render->rows) < 0))
        return -1;
    text_clear(&render->text);
    render->blank_wanted = !in_tight_list(render);
    return 0;
}

static int leave_table(struct render *render)
{
    struct wrap wrap;
    bool heading = !(render->first_table && render->options->in_table);
    int status = wrap_for(render, &wrap);
    render->first_table = false;
    render->cell = NULL;
    if (status == 0)
        status = table_draw(&render->table, &wrap, heading, render->options->unicode, render->rows);
    table_release(&render->table);
    render->blank_wanted = true;
    return status;
}

static int enter_cell(struct render *render, bool heading, const MD_BLOCK_TD_DETAIL *detail)
{
    size_t column = render->table.count % render->table.columns;
    render->table.align[column] = detail->align == MD_ALIGN_CENTER  ? TABLE_CENTER
                                  : detail->align == MD_ALIGN_RIGHT ? TABLE_RIGHT
                                                                    : TABLE_LEFT;
    render->cell = table_cell(&render->table);
    render->style = heading ? STYLE_BOLD : STYLE_PLAIN;
    return render->cell != NULL ? 0 : -1;
}

/* --- md4c's calls -------------------------------------------------------- */

static int enter_heading(struct render *render, unsigned level)
{
    if (!render->options->styled) {
        if (text_add(&render->text, STYLE_PLAIN, "######", level) < 0 ||
            text_add(&render->text, STYLE_PLAIN, " ", 1) < 0)
            return -1;
    }
    render->style = STYLE_BOLD | STYLE_MAGENTA;
    return 0;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *context)
{
    struct render *render = context;
    const MD_BLOCK_OL_DETAIL *ordered = detail;
    bool tight = type == MD_BLOCK_UL && ((const MD_BLOCK_UL_DETAIL *)detail)->is_tight;
    if (type == MD_BLOCK_DOC)
        return 0;
    if (type < MD_BLOCK_THEAD && (flush(render) < 0 || blank(render) < 0))
        return -1;
    switch (type) {
    case MD_BLOCK_QUOTE:
        push(render, CONTAINER_QUOTE);
        return 0;
    case MD_BLOCK_UL:
        enter_list(render, false, tight, 0, '-');
        return 0;
    case MD_BLOCK_OL:
        enter_list(render, true, ordered->is_tight, ordered->start, ordered->mark_delimiter);
        return 0;
    case MD_BLOCK_LI:
        enter_item(render, detail);
        return 0;
    case MD_BLOCK_HR:
        return draw_rule(render);
    case MD_BLOCK_H:
        return enter_heading(render, ((const MD_BLOCK_H_DETAIL *)detail)->level);
    case MD_BLOCK_CODE:
        return enter_code(render, detail);
    case MD_BLOCK_TABLE:
        table_init(&render->table, ((const MD_BLOCK_TABLE_DETAIL *)detail)->col_count);
        return 0;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
        return enter_cell(render, type == MD_BLOCK_TH, detail);
    default:
        return 0;
    }
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *context)
{
    struct render *render = context;
    switch (type) {
    case MD_BLOCK_QUOTE:
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
        if (flush(render) < 0)
            return -1;
        pop(render);
        render->blank_wanted = !in_tight_list(render);
        return 0;
    case MD_BLOCK_LI:
        return leave_item(render);
    case MD_BLOCK_H:
        return leave_heading(render);
    case MD_BLOCK_CODE:
        return leave_code(render, detail);
    case MD_BLOCK_TABLE:
        return leave_table(render);
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
        render->style = STYLE_PLAIN;
        return 0;
    case MD_BLOCK_P:
    case MD_BLOCK_DOC:
        return flush(render);
    default:
        return 0;
    }
}

static void enter_style(struct render *render, unsigned style)
{
    if (render->spans < SPANS_MOST) {
        render->styles[render->spans] = render->style;
        render->style |= style;
    }
    render->spans++;
}

static void leave_style(struct render *render)
{
    render->spans--;
    if (render->spans < SPANS_MOST)
        render->style = render->styles[render->spans];
}

static int enter_span(MD_SPANTYPE type, void *detail, void *context)
{
    (void)detail;
    struct render *render = context;
    switch (type) {
    case MD_SPAN_EM:
        enter_style(render, STYLE_ITALIC);
        return add_mark(render, "*");
    case MD_SPAN_STRONG:
        enter_style(render, STYLE_BOLD);
        return add_mark(render, "**");
    case MD_SPAN_CODE:
        enter_style(render, STYLE_CYAN | STYLE_TOGETHER);
        return add_mark(render, "`");
    case MD_SPAN_DEL:
        enter_style(render, STYLE_STRIKE);
        return add_mark(render, "~~");
    case MD_SPAN_A:
        enter_style(render, STYLE_UNDERLINE);
        buffer_clear(&render->link);
        render->in_link = true;
        return 0;
    case MD_SPAN_IMG:
        enter_style(render, STYLE_ITALIC);
        return add(render, render->style, "image: ", 7);
    default:
        enter_style(render, STYLE_PLAIN);
        return 0;
    }
}

/* The address behind a link's text, dim, unless the text is the address. */
static int add_address(struct render *render, const MD_ATTRIBUTE *address)
{
    struct buffer *scratch = &render->scratch;
    render->in_link = false;
    buffer_clear(scratch);
    if (append_attribute(scratch, address) < 0)
        return -1;
    size_t skip = scratch->length > 7 && memcmp(scratch->data, "mailto:", 7) == 0 ? 7
                  : scratch->length > 7 && memcmp(scratch->data, "http://", 7) == 0 &&
                          render->link.length + 7 == scratch->length
                      ? 7
                      : 0;
    if (scratch->length == 0 ||
        (scratch->length - skip == render->link.length &&
            memcmp(scratch->data + skip, render->link.data, render->link.length) == 0))
        return 0;
    unsigned style = STYLE_DIM;
    if (add(render, style, " (", 2) < 0 || add(render, style, scratch->data, scratch->length) < 0)
        return -1;
    return add(render, style, ")", 1);
}

static int leave_span(MD_SPANTYPE type, void *detail, void *context)
{
    struct render *render = context;
    int status = 0;
    switch (type) {
    case MD_SPAN_EM:
        status = add_mark(render, "*");
        break;
    case MD_SPAN_STRONG:
        status = add_mark(render, "**");
        break;
    case MD_SPAN_CODE:
        status = add_mark(render, "`");
        break;
    case MD_SPAN_DEL:
        status = add_mark(render, "~~");
        break;
    case MD_SPAN_A:
        status = add_address(render, &((const MD_SPAN_A_DETAIL *)detail)->href);
        break;
    case MD_SPAN_IMG:
        status = add_address(render, &((const MD_SPAN_IMG_DETAIL *)detail)->src);
        break;
    default:
        break;
    }
    leave_style(render);
    return status;
}

/* The one tag that models use all the time, in table cells above all. */
static bool is_line_break(const char *tag, size_t length)
{
    return (length == 4 && strncasecmp(tag, "<br>", 4) == 0) ||
           (length == 5 && strncasecmp(tag, "<br/>", 5) == 0) ||
           (length == 6 && strncasecmp(tag, "<br />", 6) == 0);
}

static int take_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *context)
{
    struct render *render = context;
    switch (type) {
    case MD_TEXT_NULLCHAR:
        return add(render, render->style, UTF8_REPLACEMENT, sizeof UTF8_REPLACEMENT - 1);
    case MD_TEXT_BR:
    case MD_TEXT_SOFTBR:
        /* Models lay out verse, addresses and the like with plain newlines. */
        return add(render, STYLE_PLAIN, "\n", 1);
    case MD_TEXT_ENTITY:
        buffer_clear(&render->scratch);
        if (entity_append(&render->scratch, text, size) < 0)
            return -1;
        return add(render, render->style, render->scratch.data, render->scratch.length);
    case MD_TEXT_HTML:
        if (is_line_break(text, size))
            return add(render, STYLE_PLAIN, "\n", 1);
        return add(render, render->style, text, size);
    default:
        return add(render, render->style, text, size);
    }
}

/* The run of fence marks a line begins with, behind spaces; 0: it is no fence. */
static size_t fence_of(const char *line, size_t length, char *mark)
{
    size_t at = 0;
    while (at < length && line[at] == ' ')
        at++;
    *mark = at < length ? line[at] : '\0';
    size_t run = 0;
    while (at + run < length && line[at + run] == *mark)
        run++;
    return (*mark == '`' || *mark == '~') && run >= 3 ? run : 0;
}

/* Where the bracket of "[name]: address" stands in a line; length: nowhere. */
static size_t definition_at(const char *line, size_t length)
{
    size_t at = 0;
    while (at < length && memchr(" \t>-*+.)0123456789", line[at], 18) != NULL)
        at++;
    if (at == length || line[at] != '[')
        return length;
    const char *end = memchr(line + at, ']', length - at);
    return end != NULL && end + 1 < line + length && end[1] == ':' ? at : length;
}

/*
 * md4c takes "[name]: address" out of the text, and the use of name may have
 * been laid out long ago: escape the bracket, so that the definition is text.
 */
static int keep_definitions(const char *source, size_t length, struct buffer *kept)
{
    size_t open = 0;
    char open_mark = '\0';
    for (size_t at = 0; at < length;) {
        const char *line = source + at;
        const char *newline = memchr(line, '\n', length - at);
        size_t size = newline != NULL ? (size_t)(newline - line) + 1 : length - at;
        char mark;
        size_t fence = fence_of(line, size, &mark);
        size_t bracket = open > 0 || fence > 0 ? size : definition_at(line, size);
        if (open == 0)
            open_mark = mark;
        if (fence > 0 && mark == open_mark)
            open = open == 0 ? fence : fence >= open ? 0 : open;
        if (buffer_append(kept, line, bracket) < 0)
            return -1;
        if (bracket < size && (buffer_append_byte(kept, '\\') < 0 ||
                                  buffer_append(kept, line + bracket, size - bracket) < 0))
            return -1;
        at += size;
    }
    return 0;
}

/* Should md4c ever make nothing of something, it is shown as it was written. */
static int show_source(struct render *render, const char *source, size_t length)
{
    struct wrap wrap = {.width = render->options->width};
    text_clear(&render->text);
    if (text_add(&render->text, STYLE_PLAIN, source, length) < 0)
        return -1;
    return text_wrap(&render->text, &wrap, render->rows);
}

static bool only_space(const char *source, size_t length)
{
    size_t at = 0;
    while (at < length && (source[at] == ' ' || source[at] == '\n' || source[at] == '\t'))
        at++;
    return at == length;
}

static void release(struct render *render)
{
    text_release(&render->text);
    table_release(&render->table);
    buffer_release(&render->first);
    buffer_release(&render->rest);
    buffer_release(&render->scratch);
    buffer_release(&render->link);
}

int markdown_render(
    const struct markdown *markdown, const char *source, size_t length, struct rows *rows)
{
    const MD_PARSER parser = {
        .flags = MD_DIALECT_GITHUB | MD_FLAG_NOHTMLBLOCKS,
        .enter_block = enter_block,
        .leave_block = leave_block,
        .enter_span = enter_span,
        .leave_span = leave_span,
        .text = take_text,
    };
    struct render render = {.options = markdown,
        .rows = rows,
        .first_item = true,
        .first_fence = true,
        .first_table = true};
    struct buffer kept;
    size_t before = rows->count;
    if (length > UINT_MAX / 2) {
        errno = EMSGSIZE;
        return -1;
    }
    text_init(&render.text);
    buffer_init(&render.first, MARGIN_LIMIT);
    buffer_init(&render.rest, MARGIN_LIMIT);
    buffer_init(&render.scratch, UINT_MAX);
    buffer_init(&render.link, (size_t)SPAN_TEXT_LIMIT);
    buffer_init(&kept, UINT_MAX);
    int status = keep_definitions(source, length, &kept);
    if (status == 0 && md_parse(kept.data, (MD_SIZE)kept.length, &parser, &render) != 0) {
        errno = ENOMEM; /* the only way it fails, but by ours */
        status = -1;
    }
    bool continued = markdown->in_item || markdown->in_fence || markdown->in_table;
    if (status == 0 && rows->count == before && !continued && !only_space(source, length))
        status = show_source(&render, source, length);
    buffer_release(&kept);
    release(&render);
    return status;
}
