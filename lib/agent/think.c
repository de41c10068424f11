#include "agent/think.h"

#include <string.h>

static const char *const open_tags[] = {"<think>", "<reasoning>", NULL};
static const char *const close_tags[] = {"</think>", "</reasoning>", NULL};

void think_init(struct think_splitter *splitter, enum think_mode mode)
{
    *splitter = (struct think_splitter){.mode = mode};
}

void think_server_separates(struct think_splitter *splitter)
{
    if (splitter->mode == THINK_AUTO)
        splitter->mode = THINK_NEVER;
}

enum match { MATCH_NONE, MATCH_PREFIX, MATCH_TAG };

/* What text, which begins with '<', is: a tag (its length in *tag), the beginning of one, or none.
 */
static enum match match_tag(
    const char *const *tags, const char *text, size_t length, size_t *tag_length)
{
    enum match best = MATCH_NONE;
    for (; *tags != NULL; tags++) {
        size_t size = strlen(*tags);
        if (length >= size && memcmp(text, *tags, size) == 0) {
            *tag_length = size;
            return MATCH_TAG;
        }
        if (length < size && memcmp(text, *tags, length) == 0)
            best = MATCH_PREFIX;
    }
    return best;
}

static bool tags_count(const struct think_splitter *splitter)
{
    if (splitter->inside)
        return true;
    return splitter->mode == THINK_ALWAYS ||
           (splitter->mode == THINK_AUTO && !splitter->answer_began);
}

static bool blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr(" \t\r\n", text[i]) == NULL || text[i] == '\0')
            return false;
    }
    return true;
}

static int hand_out(struct think_splitter *splitter, const char *text, size_t length,
    think_text *call, void *context)
{
    if (length == 0)
        return 0;
    if (!splitter->inside && !splitter->answer_began && !blank(text, length))
        splitter->answer_began = true;
    return call(context, splitter->inside ? THINK_REASONING : THINK_CONTENT, text, length);
}

int think_flush(struct think_splitter *splitter, think_text *call, void *context)
{
    size_t length = splitter->held_length;
    splitter->held_length = 0;
    return hand_out(splitter, splitter->held, length, call, context);
}

/*
 * Add bytes to what is held until it is a tag or can no longer be one. Returns
 * the number of bytes used, or -1. What turned out to be text is handed out.
 */
static long continue_held(struct think_splitter *splitter, const char *text, size_t length,
    think_text *call, void *context)
{
    size_t used = 0;
    while (splitter->held_length > 0 && used < length) {
        const char *const *tags = splitter->inside ? close_tags : open_tags;
        size_t tag_length;
        splitter->held[splitter->held_length] = text[used];
        switch (match_tag(tags, splitter->held, splitter->held_length + 1, &tag_length)) {
        case MATCH_TAG:
            splitter->inside = !splitter->inside;
            splitter->held_length = 0;
            used++;
            break;
        case MATCH_PREFIX:
            splitter->held_length++;
            used++;
            break;
        case MATCH_NONE: /* the byte itself may begin a tag: leave it */
            if (think_flush(splitter, call, context) < 0)
                return -1;
            break;
        }
    }
    return (long)used;
}

int think_feed(struct think_splitter *splitter, const char *text, size_t length, think_text *call,
    void *context)
{
    long used = continue_held(splitter, text, length, call, context);
    if (used < 0)
        return -1;
    const char *plain = text + used; /* not handed out yet */
    const char *at = plain;
    const char *end = text + length;
    while (at < end && tags_count(splitter)) {
        const char *angle = memchr(at, '<', (size_t)(end - at));
        if (angle == NULL)
            break;
        if (!splitter->inside && splitter->mode == THINK_AUTO &&
            !blank(plain, (size_t)(angle - plain)))
            break;
        size_t tag_length = 0;
        enum match match = match_tag(
            splitter->inside ? close_tags : open_tags, angle, (size_t)(end - angle), &tag_length);
        if (match == MATCH_NONE) {
            at = angle + 1;
            continue;
        }
        if (hand_out(splitter, plain, (size_t)(angle - plain), call, context) < 0)
            return -1;
        if (match == MATCH_PREFIX) {
            splitter->held_length = (size_t)(end - angle);
            memcpy(splitter->held, angle, splitter->held_length);
            return 0;
        }
        splitter->inside = !splitter->inside;
        plain = at = angle + tag_length;
    }
    return hand_out(splitter, plain, (size_t)(end - plain), call, context);
}
