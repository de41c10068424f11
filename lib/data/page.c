#include "data/page.h"

#include "base/buffer.h"
#include "data/page_tree.h"
#include "data/page_writer.h"
#include "data/url.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LISTS = 16,         /* lists inside each other whose items are counted */
    LINKS = 8,          /* links inside each other, which well-formed pages do not have */
    ROWS = 16,          /* the same for rows of tables */
    TARGET_MOST = 2048, /* bytes of a link's target; longer ones are data, not addresses */
    ALT_MOST = 500,     /* bytes of an image's description */
    NUMBER_MOST = 999999,
};

enum display {
    SHOW_INLINE,
    SHOW_NOTHING,
    SHOW_BLOCK,     /* a line of its own */
    SHOW_PARAGRAPH, /* set apart by empty lines */
};

struct page {
    struct page_writer writer;
    const struct page_options *options;
    struct url base;      /* text NULL: none */
    long counters[LISTS]; /* of the lists we are in; 0: without numbers */
    size_t lists;
    size_t link_starts[LINKS]; /* where their text begins in the output */
    size_t links;
    struct {
        size_t lines; /* of the writer, when the row began */
        size_t cells;
    } rows[ROWS];
    size_t row_count;
    unsigned verbatim; /* elements around us whose white space counts */
    unsigned tight;    /* elements around us in which an empty line is only white space */
};

static enum display display_of(GumboTag tag)
{
    switch (tag) {
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_EMBED:
    case GUMBO_TAG_APPLET:
    case GUMBO_TAG_VIDEO:
    case GUMBO_TAG_AUDIO:
    case GUMBO_TAG_CANVAS:
    case GUMBO_TAG_SVG:
    case GUMBO_TAG_SELECT:
    case GUMBO_TAG_DATALIST:
    case GUMBO_TAG_NOFRAMES:
    case GUMBO_TAG_NOEMBED:
    case GUMBO_TAG_RP:
        return SHOW_NOTHING;
    case GUMBO_TAG_P:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_LISTING:
    case GUMBO_TAG_XMP:
    case GUMBO_TAG_PLAINTEXT:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_TITLE:
        return SHOW_PARAGRAPH;
    case GUMBO_TAG_BODY:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_HGROUP:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_HR:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_MENU:
    case GUMBO_TAG_DIR:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_FIGCAPTION:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_FIELDSET:
    case GUMBO_TAG_LEGEND:
    case GUMBO_TAG_TEXTAREA:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_SUMMARY:
    case GUMBO_TAG_CENTER:
        return SHOW_BLOCK;
    default:
        return SHOW_INLINE;
    }
}

static const char *attribute(const GumboNode *node, const char *name)
{
    const GumboAttribute *found = gumbo_get_attribute(&node->v.element.attributes, name);
    return found != NULL ? found->value : NULL;
}

/* Whether a style attribute makes an element invisible, in the ways that are usual. */
static bool hides(const char *style)
{
    static const char *const ways[] = {
        "display:none", "visibility:hidden", "opacity:0;", "font-size:0;", "font-size:0px"};
    char plain[256];
    size_t length = 0;
    for (; *style != '\0' && length < sizeof plain - 2; style++) {
        if (strchr(" \t\r\n\f", *style) == NULL)
            plain[length++] = (char)(*style >= 'A' && *style <= 'Z' ? *style - 'A' + 'a' : *style);
    }
    plain[length] = ';';
    plain[length + 1] = '\0';
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (strstr(plain, ways[i]) != NULL)
            return true;
    }
    return false;
}

static bool is_hidden(const GumboNode *node)
{
    const char *style = attribute(node, "style");
    return attribute(node, "hidden") != NULL || (style != NULL && hides(style));
}

static long number_of(const GumboNode *node, const char *name, long fallback)
{
    const char *text = attribute(node, name);
    char *end;
    if (text == NULL)
        return fallback;
    long number = strtol(text, &end, 10);
    return end == text || number < 1 || number > NUMBER_MOST ? fallback : number;
}

/* Elements that need more than a line of their own. */

static void enter_list(struct page *page, const GumboNode *node)
{
    bool numbered = node->v.element.tag == GUMBO_TAG_OL;
    /* Inside another list the items follow closely. */
    page_writer_break(&page->writer, page->lists > 0 ? 1 : 2);
    if (page->lists < LISTS)
        page->counters[page->lists] = numbered ? number_of(node, "start", 1) : 0;
    page->lists++;
}

static void enter_item(struct page *page, const GumboNode *node)
{
    char marker[PAGE_MARKER_SIZE] = "- ";
    long *counter =
        page->lists > 0 && page->lists <= LISTS ? &page->counters[page->lists - 1] : NULL;
    if (counter != NULL && *counter > 0) {
        *counter = number_of(node, "value", *counter);
        snprintf(marker, sizeof marker, "%ld. ", *counter);
        if (*counter < NUMBER_MOST)
            ++*counter;
    }
    char indent[PAGE_MARKER_SIZE];
    snprintf(indent, sizeof indent, "%*s", (int)strlen(marker), "");
    page_writer_enter(&page->writer, marker, indent);
    page->writer.breaks_muted = true; /* a paragraph begins behind the marker */
}

static void enter_heading(struct page *page, GumboTag tag)
{
    char marker[PAGE_MARKER_SIZE];
    snprintf(marker, sizeof marker, "%.*s ", (int)(tag - GUMBO_TAG_H1 + 1), "######");
    page_writer_enter(&page->writer, marker, "");
    page->tight++;
}

static void enter_row(struct page *page)
{
    if (page->row_count < ROWS) {
        page->rows[page->row_count].lines = page->writer.lines;
        page->rows[page->row_count].cells = 0;
    }
    page->row_count++;
    page->tight++;
}

static void enter_cell(struct page *page)
{
    if (page->row_count == 0 || page->row_count > ROWS) {
        page_writer_break(&page->writer, 1);
        return;
    }
    size_t *cells = &page->rows[page->row_count - 1].cells;
    page_writer_cell(&page->writer, page->rows[page->row_count - 1].lines, *cells == 0);
    ++*cells;
}

static void show_image(struct page *page, const GumboNode *node)
{
    const char *text = attribute(node, "alt");
    if (text == NULL || text[strspn(text, " \t\r\n\f")] == '\0')
        return;
    size_t length = strlen(text);
    page_writer_text(&page->writer, "[image: ", 8, false);
    page_writer_text(&page->writer, text, length < ALT_MOST ? length : ALT_MOST, false);
    page->writer.space_wanted = false;
    page_writer_text(&page->writer, "]", 1, false);
}

static void take_base(struct page *page, const GumboNode *node)
{
    const char *reference = attribute(node, "href");
    struct buffer text;
    struct url url;
    if (reference == NULL)
        return;
    buffer_init(&text, (size_t)URL_LENGTH_MOST * 8);
    int result = page->base.text != NULL ? url_resolve(&page->base, reference, &text)
                                         : buffer_append_text(&text, reference);
    if (result == 0 && url_parse(&url, text.data, NULL) == 0) {
        url_release(&page->base);
        page->base = url;
    }
    buffer_release(&text);
}

/* A target worth telling: it leads somewhere else, and is no program. */
static bool is_target(const char *reference)
{
    return reference != NULL && reference[0] != '\0' && reference[0] != '#' &&
           strlen(reference) <= TARGET_MOST && strncasecmp(reference, "javascript:", 11) != 0 &&
           strncasecmp(reference, "data:", 5) != 0 && strncasecmp(reference, "vbscript:", 9) != 0;
}

/* White space and what else could not stand in a URL is escaped, so that the target is one word. */
static void write_target(struct page *page, const char *target)
{
    static const char digits[] = "0123456789ABCDEF";
    page_writer_text(&page->writer, " (", 2, false);
    for (; *target != '\0'; target++) {
        unsigned char byte = (unsigned char)*target;
        char escaped[] = {'%', digits[byte >> 4], digits[byte & 15]};
        bool plain = byte > ' ' && byte < 0x7F && byte != '(' && byte != ')' && byte != '<' &&
                     byte != '>' && byte != '"' && byte != '\\';
        page_writer_text(&page->writer, plain ? target : escaped, plain ? 1 : 3, false);
    }
    page_writer_text(&page->writer, ")", 1, false);
}

static void leave_link(struct page *page, const GumboNode *node)
{
    const char *reference = attribute(node, "href");
    page->links--;
    if (page->links >= LINKS || page->options->without_links)
        return;
    const struct buffer *output = page->writer.text;
    size_t start = page->link_starts[page->links];
    while (start < output->length && strchr(" \n", output->data[start]) != NULL)
        start++;
    if (start == output->length)
        return;
    if (reference != NULL)
        reference += strspn(reference, " \t\r\n\f");
    if (!is_target(reference))
        return;
    struct buffer target;
    buffer_init(&target, (size_t)URL_LENGTH_MOST * 8);
    int result = page->base.text != NULL ? url_resolve(&page->base, reference, &target)
                                         : buffer_append_text(&target, reference);
    if (result == 0 && strcmp(output->data + start, target.data) != 0 &&
        strcmp(output->data + start, reference) != 0)
        write_target(page, target.data);
    buffer_release(&target);
}

/* What every element does when it begins. False: nothing in it is shown. */
static bool enter(struct page *page, const GumboNode *node)
{
    GumboTag tag = node->v.element.tag;
    enum display display = display_of(tag);
    struct page_writer *writer = &page->writer;
    if (display == SHOW_NOTHING || is_hidden(node))
        return false;
    if (display >= SHOW_BLOCK)
        page_writer_break(writer, display == SHOW_PARAGRAPH ? 2 : 1);
    switch (tag) {
    case GUMBO_TAG_BASE:
        take_base(page, node);
        break;
    case GUMBO_TAG_BR:
        page_writer_line_break(writer);
        break;
    case GUMBO_TAG_HR:
        page_writer_text(writer, "---", 3, false);
        break;
    case GUMBO_TAG_IMG:
        show_image(page, node);
        break;
    case GUMBO_TAG_A:
        if (page->links < LINKS)
            page->link_starts[page->links] = writer->text->length;
        page->links++;
        break;
    case GUMBO_TAG_OL:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_MENU:
    case GUMBO_TAG_DIR:
        enter_list(page, node);
        break;
    case GUMBO_TAG_LI:
        enter_item(page, node);
        page->tight++;
        break;
    case GUMBO_TAG_DD:
        page_writer_enter(writer, "  ", "  ");
        break;
    case GUMBO_TAG_BLOCKQUOTE:
        page_writer_enter(writer, "> ", "> ");
        break;
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
        enter_heading(page, tag);
        break;
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_LISTING:
    case GUMBO_TAG_XMP:
    case GUMBO_TAG_PLAINTEXT:
    case GUMBO_TAG_TEXTAREA:
        page->verbatim++;
        break;
    case GUMBO_TAG_TR:
        enter_row(page);
        break;
    case GUMBO_TAG_TD:
    case GUMBO_TAG_TH:
        enter_cell(page);
        break;
    default:
        break;
    }
    return true;
}

static void leave(struct page *page, const GumboNode *node)
{
    GumboTag tag = node->v.element.tag;
    enum display display = display_of(tag);
    struct page_writer *writer = &page->writer;
    switch (tag) {
    case GUMBO_TAG_A:
        leave_link(page, node);
        break;
    case GUMBO_TAG_OL:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_MENU:
    case GUMBO_TAG_DIR:
        page->lists--;
        page_writer_break(writer, page->lists > 0 ? 1 : 2);
        break;
    case GUMBO_TAG_LI:
        page->tight--;
        writer->breaks_muted = false;
        page_writer_leave(writer);
        break;
    case GUMBO_TAG_DD:
    case GUMBO_TAG_BLOCKQUOTE:
        page_writer_leave(writer);
        break;
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
        page->tight--;
        page_writer_leave(writer);
        break;
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_LISTING:
    case GUMBO_TAG_XMP:
    case GUMBO_TAG_PLAINTEXT:
    case GUMBO_TAG_TEXTAREA:
        page->verbatim--;
        break;
    case GUMBO_TAG_TR:
        page->row_count--;
        page->tight--;
        writer->cells_wanted = 0;
        writer->breaks_muted = false;
        break;
    default:
        break;
    }
    if (display >= SHOW_BLOCK)
        page_writer_break(writer, display == SHOW_PARAGRAPH ? 2 : 1);
}

static const GumboVector *children_of(const GumboNode *node)
{
    if (node->type == GUMBO_NODE_DOCUMENT)
        return &node->v.document.children;
    return node->type == GUMBO_NODE_ELEMENT ? &node->v.element.children : NULL;
}

/* Of the head only the title and the base are looked at. */
static bool in_head(const GumboNode *node)
{
    const GumboNode *parent = node->parent;
    return parent != NULL && parent->type == GUMBO_NODE_ELEMENT &&
           parent->v.element.tag == GUMBO_TAG_HEAD &&
           !(node->type == GUMBO_NODE_ELEMENT &&
               (node->v.element.tag == GUMBO_TAG_TITLE || node->v.element.tag == GUMBO_TAG_BASE));
}

/* A node on the way down. True: its children come next. */
static bool visit(struct page *page, const GumboNode *node)
{
    if (in_head(node))
        return false;
    switch (node->type) {
    case GUMBO_NODE_ELEMENT:
        return enter(page, node);
    case GUMBO_NODE_TEXT:
    case GUMBO_NODE_CDATA:
    case GUMBO_NODE_WHITESPACE: {
        const char *text = node->v.text.text;
        if (page->verbatim > 0)
            page_writer_verbatim(&page->writer, text, strlen(text));
        else
            page_writer_text(
                &page->writer, text, strlen(text), page->tight == 0 && page->links == 0);
        return false;
    }
    default:
        return false;
    }
}

/* Down to the first child, else on to the next sibling of the nearest parent that has one. */
static void walk(struct page *page, const GumboNode *root)
{
    const GumboNode *node = root;
    bool down = visit(page, root);
    while (!page->writer.failed) {
        const GumboVector *children = children_of(node);
        if (down && children->length > 0) {
            node = children->data[0];
        } else {
            if (down)
                leave(page, node);
            for (;;) {
                if (node == root)
                    return;
                const GumboNode *parent = node->parent;
                size_t next = node->index_within_parent + 1;
                children = children_of(parent);
                if (next < children->length) {
                    node = children->data[next];
                    break;
                }
                node = parent;
                leave(page, node);
            }
        }
        down = visit(page, node);
    }
}

int page_to_text(struct buffer *text, const char *html, size_t length,
    const struct page_options *options, struct error *error)
{
    struct page page = {.options = options};
    if (length > UINT_MAX / 2)
        return error_set(error, "the page is too long");
    if (options->base != NULL && url_parse(&page.base, options->base, error) < 0)
        return error_prefix(error, "the base URL '%s': ", options->base);
    struct page_tree *tree =
        page_tree_parse(html, length, options->memory_most, options->deadline, error);
    int result = tree == NULL ? -1 : 0;
    if (result == 0) {
        page_writer_init(&page.writer, text);
        walk(&page, page_tree_root(tree));
        page_writer_finish(&page.writer);
        if (page.writer.failed)
            result = error_system(error, "keep the text of the page");
    }
    page_tree_free(tree);
    url_release(&page.base);
    return result;
}
