/*
 * md4c calls back for every block, span and piece of text. Text is collected
 * per paragraph (or cell) and laid out when that ends, behind a margin made
 * from the containers around it: quote bars, bullets, indentation.
 */
#include "term/markdown.h"

#include "base/utf8.h"
#include "term/entity.h"
#include "term/nesting.h"
#include "term/source.h"
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
    SPANS_MOST = 128,          /* deeper ones add no style */
    LINK_TEXT_LIMIT = 1 << 20, /* bytes of a link's text that are compared with its address */
};

/* Strong emphasis of a single name between double underscores is no emphasis: it is __init__. */
enum strong { STRONG_NONE, STRONG_FRESH, STRONG_NAME };

struct render {
    const struct markdown *options;
    struct rows *rows;
    size_t first_row; /* of rows that is ours */
    struct nesting nesting;
    bool blank_wanted;
    bool first_fence, first_table; /* none came yet: the options speak of the first */
    unsigned style;
    unsigned styles[SPANS_MOST]; /* what to return to */
    size_t spans;
    struct text text;  /* of the present leaf */
    struct text *cell; /* where text goes instead, inside a table */
    struct table table;
    struct buffer scratch;
    struct buffer link; /* what the innermost link's text reads */
    bool in_link;
    enum strong strong;
};

static int add(struct render *render, unsigned style, const char *text, size_t length)
{
    if (render->in_link && render->link.length + length <= LINK_TEXT_LIMIT &&
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

static int blank(struct render *render)
{
    if (!render->blank_wanted)
        return 0;
    render->blank_wanted = false;
    if (render->rows->count == render->first_row)
        return 0; /* what it would set off was shown before */
    return nesting_blank(&render->nesting, render->rows);
}

static int wrap_for(struct render *render, struct wrap *wrap)
{
    *wrap = (struct wrap){.width = render->options->width, .styled = render->options->styled};
    return nesting_margin(&render->nesting, &wrap->margin);
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
    render->blank_wanted = !nesting_tight(&render->nesting);
    return 0;
}

/* A list that goes on from before has numbers that go on. */
static void enter_numbered(struct render *render, const MD_BLOCK_OL_DETAIL *detail)
{
    bool goes_on =
        render->nesting.depth == 0 && !render->nesting.any_item && render->options->list_number > 0;
    nesting_enter_list(&render->nesting, true, detail->is_tight,
        goes_on ? render->options->list_number : detail->start, detail->mark_delimiter);
}

static void enter_item(struct render *render, const MD_BLOCK_LI_DETAIL *detail)
{
    char task = !detail->is_task ? '\0' : detail->task_mark == ' ' ? ' ' : 'x';
    nesting_enter_item(
        &render->nesting, task, render->options->in_item && !render->nesting.any_item);
}

/* An item without any text still shows its bullet. */
static int leave_item(struct render *render)
{
    struct wrap wrap;
    if (flush(render) < 0)
        return -1;
    if (nesting_bullet_due(&render->nesting)) {
        if (blank(render) < 0 || wrap_for(render, &wrap) < 0 ||
            rows_add(
                render->rows, wrap.margin.first, wrap.margin.first_length, wrap.margin.columns) < 0)
            return -1;
    }
    nesting_leave(&render->nesting);
    return 0;
}

/* Leaves. */

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
    render->blank_wanted = !nesting_tight(&render->nesting);
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

/* md4c's calls. */

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
    bool tight = type == MD_BLOCK_UL && ((const MD_BLOCK_UL_DETAIL *)detail)->is_tight;
    if (type == MD_BLOCK_DOC)
        return 0;
    if (type < MD_BLOCK_THEAD && (flush(render) < 0 || blank(render) < 0))
        return -1;
    switch (type) {
    case MD_BLOCK_QUOTE:
        nesting_enter_quote(&render->nesting);
        return 0;
    case MD_BLOCK_UL:
        nesting_enter_list(&render->nesting, false, tight, 0, '-');
        return 0;
    case MD_BLOCK_OL:
        enter_numbered(render, detail);
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
        nesting_leave(&render->nesting);
        render->blank_wanted = !nesting_tight(&render->nesting);
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

static int begin_strong(struct render *render)
{
    if (render->strong != STRONG_FRESH)
        return 0;
    render->strong = STRONG_NONE;
    return add_mark(render, "**");
}

/* The text lies in the source, so its surroundings can be seen. */
static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool inside = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') ||
                      text[i] == '_';
        if (!inside)
            return false;
    }
    return memcmp(text - 2, "__", 2) == 0 && memcmp(text + length, "__", 2) == 0;
}

static int add_name(struct render *render, const char *text, size_t length)
{
    unsigned style =
        render->spans <= SPANS_MOST ? render->styles[render->spans - 1] : render->style;
    render->strong = STRONG_NAME;
    return add(render, style, text - 2, length + 4);
}

static int enter_span(MD_SPANTYPE type, void *detail, void *context)
{
    (void)detail;
    struct render *render = context;
    if (begin_strong(render) < 0)
        return -1;
    switch (type) {
    case MD_SPAN_EM:
        enter_style(render, STYLE_ITALIC);
        return add_mark(render, "*");
    case MD_SPAN_STRONG:
        enter_style(render, STYLE_BOLD);
        render->strong = STRONG_FRESH;
        return 0;
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
        status = render->strong == STRONG_NAME ? 0 : add_mark(render, "**");
        render->strong = STRONG_NONE;
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
    if (render->strong == STRONG_FRESH && type == MD_TEXT_NORMAL && is_name(text, size))
        return add_name(render, text, size);
    if (begin_strong(render) < 0)
        return -1;
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

/* Should md4c ever make nothing of something, it is shown as it was written. */
static int show_source(struct render *render, const char *source, size_t length)
{
    struct wrap wrap = {.width = render->options->width};
    text_clear(&render->text);
    if (text_add(&render->text, STYLE_PLAIN, source, length) < 0)
        return -1;
    return text_wrap(&render->text, &wrap, render->rows);
}

static void release(struct render *render)
{
    text_release(&render->text);
    table_release(&render->table);
    nesting_release(&render->nesting);
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
        .first_row = rows->count,
        .first_fence = true,
        .first_table = true};
    struct buffer kept;
    if (length > UINT_MAX / 2) {
        errno = EMSGSIZE;
        return -1;
    }
    text_init(&render.text);
    nesting_init(&render.nesting, markdown->width, markdown->styled, markdown->unicode);
    buffer_init(&render.scratch, UINT_MAX);
    buffer_init(&render.link, (size_t)LINK_TEXT_LIMIT);
    buffer_init(&kept, UINT_MAX);
    int status = source_keep_definitions(source, length, &kept);
    if (status == 0 && md_parse(kept.data, (MD_SIZE)kept.length, &parser, &render) != 0) {
        errno = ENOMEM; /* the only way it fails, but by ours */
        status = -1;
    }
    bool continued = markdown->in_item || markdown->in_fence || markdown->in_table;
    if (status == 0 && rows->count == render.first_row && !continued &&
        !source_blank(source, length))
        status = show_source(&render, source, length);
    buffer_release(&kept);
    release(&render);
    return status;
}
