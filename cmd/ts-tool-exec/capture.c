#include "capture.h"

#include "base/error.h"
#include "base/utf8.h"
#include "io/process.h"
#include "spill.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define NUL_SHOWN "\xE2\x90\x80" /* U+2400: JSON readers of all kinds stumble over a NUL */

void capture_init(struct capture *capture, const char *call_id, size_t characters)
{
    *capture = (struct capture){.call_id = call_id, .spill_fd = -1};
    if (characters > CAPTURE_MOST)
        characters = CAPTURE_MOST;
    /* Half of the characters from either end, each at its longest; an odd one goes to the head. */
    capture->side = (characters / 2 + 1) * UTF8_MAXIMUM;
    buffer_init(&capture->head, capture->side);
    buffer_init(&capture->tail, capture->side * 3);
}

void capture_release(struct capture *capture)
{
    buffer_release(&capture->head);
    buffer_release(&capture->tail);
    close_descriptor(&capture->spill_fd);
}

static void spill(struct capture *capture, const char *bytes, size_t length)
{
    if (capture->spilled + length > SPILL_MOST)
        length = (size_t)(SPILL_MOST - capture->spilled);
    while (length > 0 && !capture->spill_failed) {
        ssize_t wrote = write(capture->spill_fd, bytes, length);
        if (wrote < 0 && errno != EINTR)
            capture->spill_failed = true;
        if (wrote > 0) {
            bytes += wrote;
            length -= (size_t)wrote;
            capture->spilled += (size_t)wrote;
        }
    }
}

/* From now on everything goes to the file too; nothing has been dropped so far. */
static void start_spilling(struct capture *capture)
{
    if (capture->spill_fd >= 0 || capture->spill_failed)
        return;
    capture->spill_fd =
        spill_open(capture->call_id, capture->spill_path, sizeof capture->spill_path, NULL);
    if (capture->spill_fd < 0) {
        capture->spill_failed = true;
        capture->spill_path[0] = '\0';
        return;
    }
    spill(capture, capture->head.data, capture->head.length);
    spill(capture, capture->tail.data, capture->tail.length);
}

int capture_add(struct capture *capture, const char *bytes, size_t length)
{
    size_t room = capture->side - capture->head.length;
    size_t first = length < room ? length : room;
    capture->total += length;
    if (capture->spill_fd >= 0)
        spill(capture, bytes, length);
    if (buffer_append(&capture->head, bytes, first) < 0)
        return -1;
    bytes += first;
    length -= first;
    while (length > 0) {
        if (capture->tail.length >= 2 * capture->side) {
            if (capture->spill_fd < 0) {
                start_spilling(capture);
                if (capture->spill_fd >= 0)
                    spill(capture, bytes, length);
            }
            buffer_consume(&capture->tail, capture->tail.length - capture->side);
        }
        room = 2 * capture->side - capture->tail.length;
        size_t piece = length < room ? length : room;
        if (buffer_append(&capture->tail, bytes, piece) < 0)
            return -1;
        bytes += piece;
        length -= piece;
    }
    return 0;
}

/* Bytes as text; returns how many had to be replaced, or -1 (errno). */
static long repair(struct buffer *text, const char *bytes, size_t length)
{
    long replaced = 0;
    size_t at = 0;
    while (at < length) {
        size_t good = utf8_valid_prefix(bytes + at, length - at);
        const char *nul = memchr(bytes + at, '\0', good);
        if (nul != NULL)
            good = (size_t)(nul - (bytes + at));
        if (buffer_append(text, bytes + at, good) < 0)
            return -1;
        at += good;
        if (at == length)
            break;
        if (buffer_append_text(text, nul != NULL ? NUL_SHOWN : UTF8_REPLACEMENT) < 0)
            return -1;
        replaced++;
        at++;
    }
    return replaced;
}

/* Where the first so many characters end, and where the last so many begin. */
static size_t front(const struct buffer *text, size_t characters)
{
    size_t at = 0;
    for (; at < text->length; at++) {
        if (((unsigned char)text->data[at] & 0xC0) != 0x80 && characters-- == 0)
            break;
    }
    return at;
}

static size_t back(const struct buffer *text, size_t characters)
{
    size_t at = text->length;
    while (at > 0 && characters > 0) {
        at--;
        if (((unsigned char)text->data[at] & 0xC0) != 0x80)
            characters--;
    }
    return at;
}

static void trim_end(struct buffer *text)
{
    while (text->length > 0 && text->data[text->length - 1] == '\n')
        buffer_truncate(text, text->length - 1);
}

/* The bytes in the middle of a character at the edge of what was dropped belong to nobody. */
static size_t skip_cut(const struct buffer *tail)
{
    size_t at = 0;
    while (at < tail->length && at < UTF8_MAXIMUM - 1 &&
           ((unsigned char)tail->data[at] & 0xC0) == 0x80)
        at++;
    return at;
}

static int append_gap(struct capture *capture, uint64_t omitted, const char *unit,
    size_t characters, struct buffer *text)
{
    start_spilling(capture);
    if (buffer_printf(text, "\n\n[... %" PRIu64 " %s left out here, the limit is %zu characters; ",
            omitted, unit, characters) < 0)
        return -1;
    if (capture->spill_path[0] == '\0')
        return buffer_append_text(text, "the full output could not be kept ...]\n\n");
    const char *what = capture->spill_failed || capture->spilled < capture->total
                           ? "the beginning of the output is"
                           : "the full output is";
    return buffer_printf(text, "%s in %s ...]\n\n", what, capture->spill_path);
}

static int append_cut(struct capture *capture, const struct buffer *head, const struct buffer *tail,
    uint64_t dropped, size_t characters, struct buffer *text)
{
    size_t last = characters / 2;
    size_t from = back(tail, last);
    size_t to = front(head, characters - last);
    /* Within what is kept characters are counted; where bytes were dropped, bytes. */
    uint64_t omitted =
        dropped > 0 ? dropped + (head->length - to) + from : utf8_count(head->data + to, from - to);
    if (buffer_append(text, head->data, to) < 0 ||
        append_gap(capture, omitted, dropped > 0 ? "bytes" : "characters", characters, text) < 0)
        return -1;
    return buffer_append(text, tail->data + from, tail->length - from);
}

int capture_text(struct capture *capture, size_t characters, struct buffer *text)
{
    struct buffer head, tail;
    uint64_t dropped = capture->total - capture->head.length - capture->tail.length;
    size_t skipped = dropped > 0 ? skip_cut(&capture->tail) : 0;
    size_t begun = dropped > 0 ? utf8_valid_prefix(capture->head.data, capture->head.length)
                               : capture->head.length;
    /* A character cut by the head's end is no damage; anything further back is. */
    if (capture->head.length - begun >= UTF8_MAXIMUM)
        begun = capture->head.length;
    int result = -1;
    long replaced, more = 0;
    buffer_init(&head, capture->head.maximum * UTF8_MAXIMUM + capture->tail.maximum * UTF8_MAXIMUM);
    buffer_init(&tail, capture->tail.maximum * UTF8_MAXIMUM);
    if (dropped == 0) {
        /* All of it is here: a character may lie across head and tail. */
        struct buffer whole;
        buffer_init(&whole, capture->head.maximum + capture->tail.maximum);
        replaced = buffer_append(&whole, capture->head.data, capture->head.length) < 0 ||
                           buffer_append(&whole, capture->tail.data, capture->tail.length) < 0
                       ? -1
                       : repair(&head, whole.data, whole.length);
        buffer_release(&whole);
        trim_end(&head);
    } else {
        replaced = repair(&head, capture->head.data, begun);
        more = repair(&tail, capture->tail.data + skipped, capture->tail.length - skipped);
        trim_end(&tail);
    }
    if (replaced >= 0 && more >= 0) {
        if (dropped == 0 && utf8_count(head.data, head.length) <= characters)
            result = buffer_append(text, head.data, head.length);
        else
            result =
                append_cut(capture, &head, dropped > 0 ? &tail : &head, dropped, characters, text);
        if (result == 0 && replaced + more > 0)
            result = buffer_printf(text,
                "\n[binary output: %ld bytes that are no text were replaced]", replaced + more);
    }
    buffer_release(&head);
    buffer_release(&tail);
    return result;
}
