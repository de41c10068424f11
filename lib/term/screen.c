#include "term/screen.h"

#include <sys/ioctl.h>

enum {
    WIDTH_UNKNOWN = 80,
    HEIGHT_UNKNOWN = 24,
    WIDTH_LEAST = 10, /* a narrower terminal folds the rows itself */
    HEIGHT_LEAST = 3,
    ECHO_COLUMNS = 3, /* "^C", and where the cursor rests behind it */
};

#define ERASE_BELOW    "\033[J"
#define ERASE_LINE_END "\033[K"
#define TO_LINE_END    "\033[999C"

void screen_init(struct screen *screen)
{
    *screen = (struct screen){.width = WIDTH_UNKNOWN, .height = HEIGHT_UNKNOWN, .last_blank = true};
    rows_init(&screen->settled);
    rows_init(&screen->live);
    rows_init(&screen->shown);
}

void screen_release(struct screen *screen)
{
    rows_release(&screen->settled);
    rows_release(&screen->live);
    rows_release(&screen->shown);
}

bool screen_measure(struct screen *screen, int fd, size_t width)
{
    struct winsize size = {0};
    size_t old_width = screen->width, old_height = screen->height;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0)
        size = (struct winsize){.ws_col = WIDTH_UNKNOWN, .ws_row = HEIGHT_UNKNOWN};
    screen->width = width > 0 && width < size.ws_col ? width : size.ws_col;
    if (screen->width < WIDTH_LEAST)
        screen->width = WIDTH_LEAST;
    screen->height = size.ws_row < HEIGHT_LEAST ? HEIGHT_LEAST : size.ws_row;
    return screen->width != old_width || screen->height != old_height;
}

size_t screen_room(const struct screen *screen)
{
    return screen->height - 1;
}

static int move_up(struct buffer *out, size_t lines)
{
    if (buffer_append_byte(out, '\r') < 0)
        return -1;
    return lines > 0 ? buffer_printf(out, "\033[%zuA", lines) : 0;
}

/*
 * Each row is written over what was there and clears only what it leaves over.
 * Behind a full row the cursor still stands in the last column, where erasing
 * would take the last character: a full row covers its line, and before one
 * that the terminal folds everything below goes.
 */
static int write_row(const struct screen *screen, const struct rows *rows, size_t index, bool last,
    struct buffer *out)
{
    const struct row *row = &rows->items[index];
    if (row->columns > screen->width && buffer_append_text(out, ERASE_BELOW) < 0)
        return -1;
    if (buffer_append(out, rows_text(rows, index), row->length) < 0)
        return -1;
    if (row->columns < screen->width && buffer_append_text(out, ERASE_LINE_END) < 0)
        return -1;
    return last ? 0 : buffer_append_text(out, "\r\n");
}

/* Erase what is left of the old rows below the new ones; the cursor stays behind the last. */
static int erase_rest(const struct screen *screen, struct buffer *out)
{
    size_t live = screen->live.count;
    if (live == 0 || screen->live.items[live - 1].columns < screen->width)
        return buffer_append_text(out, ERASE_BELOW);
    return buffer_append_text(out, "\r\n" ERASE_BELOW "\033[A" TO_LINE_END);
}

/* How many rows at the top of what is shown are what should be there. */
static size_t unchanged(const struct screen *screen)
{
    size_t settled = screen->settled.count;
    size_t total = settled + screen->live.count;
    size_t same = 0;
    while (same < screen->shown.count && same < total) {
        bool equal = same < settled
                         ? rows_same(&screen->shown, same, &screen->settled, same)
                         : rows_same(&screen->shown, same, &screen->live, same - settled);
        if (!equal)
            break;
        same++;
    }
    return same;
}

static int remember(struct screen *screen)
{
    rows_clear(&screen->shown);
    if (rows_add_all(&screen->shown, &screen->live) < 0)
        return -1;
    if (screen->settled.count > 0)
        screen->last_blank = rows_is_blank(&screen->settled, screen->settled.count - 1);
    rows_clear(&screen->settled);
    return 0;
}

/* Write the rows from same on. */
static int write_rows(struct screen *screen, size_t same, struct buffer *out)
{
    size_t settled = screen->settled.count;
    size_t total = settled + screen->live.count;
    for (size_t i = same; i < total; i++) {
        bool last = i + 1 == total && screen->live.count > 0;
        const struct rows *from = i < settled ? &screen->settled : &screen->live;
        if (write_row(screen, from, i < settled ? i : i - settled, last, out) < 0)
            return -1;
    }
    return 0;
}

/*
 * The rows from here on, height lines of them, are gone, and nothing takes their place. To erase
 * the whole screen from its first column makes tmux keep it as history: line by line, then.
 */
static int erase_rows(const struct screen *screen, size_t height, struct buffer *out)
{
    if (buffer_append_text(out, ERASE_LINE_END) < 0 ||
        (height > 1 && buffer_append_text(out, "\r\n" ERASE_BELOW "\033[A") < 0))
        return -1;
    return screen->live.count > 0 ? buffer_append_text(out, "\033[A" TO_LINE_END) : 0;
}

int screen_draw(struct screen *screen, struct buffer *out)
{
    size_t total = screen->settled.count + screen->live.count;
    size_t same = unchanged(screen);
    size_t shown = screen->shown.count;
    int status = 0;
    if (same == shown) {
        /* Nothing but more rows below those shown: there is no way back to go. */
        if (shown > 0 && (same < total || screen->live.count == 0))
            status = buffer_append_text(out, "\r\n");
        if (status == 0)
            status = write_rows(screen, same, out);
    } else {
        size_t height = rows_height_from(&screen->shown, same, screen->width);
        status = move_up(out, height - 1);
        if (status == 0)
            status = write_rows(screen, same, out);
        if (status == 0 && same < total)
            status = erase_rest(screen, out);
        else if (status == 0)
            status = erase_rows(screen, height, out);
    }
    return status < 0 ? -1 : remember(screen);
}

bool screen_stain(struct screen *screen)
{
    if (screen->shown.count == 0)
        return true;
    struct row *last = &screen->shown.items[screen->shown.count - 1];
    if (last->columns + ECHO_COLUMNS > screen->width)
        return false;
    last->length = 0; /* so that it differs from what is to be there */
    return true;
}

bool screen_lost(const struct screen *screen)
{
    for (size_t i = 0; i < screen->shown.count; i++) {
        if (screen->shown.items[i].columns > screen->width)
            return true;
    }
    return screen->shown.count > screen_room(screen);
}

int screen_leave(struct screen *screen, size_t erase, struct buffer *out)
{
    if (screen->shown.count == 0)
        return 0;
    if (erase > screen->shown.count)
        erase = screen->shown.count;
    if (erase > 0) {
        size_t first = screen->shown.count - erase;
        size_t up = rows_height_from(&screen->shown, first, screen->width) - 1;
        if (move_up(out, up) < 0 || buffer_append_text(out, ERASE_BELOW) < 0)
            return -1;
    }
    if (erase < screen->shown.count) {
        if ((erase == 0 && buffer_append_text(out, "\r\n") < 0))
            return -1;
        screen->last_blank = rows_is_blank(&screen->shown, screen->shown.count - erase - 1);
    }
    rows_clear(&screen->shown);
    return 0;
}
