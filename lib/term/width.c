#include "term/width.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

enum {
    ZERO_WIDTH_JOINER = 0x200D,
    EMOJI_PRESENTATION = 0xFE0F, /* variation selector 16 */
    KEYCAP = 0x20E3,
    REGIONAL_FIRST = 0x1F1E6,
    REGIONAL_LAST = 0x1F1FF,
    SKIN_TONE_FIRST = 0x1F3FB,
    SKIN_TONE_LAST = 0x1F3FF,
};

static bool within(uint32_t character, uint32_t first, uint32_t last)
{
    return character >= first && character <= last;
}

/* What may be an emoji, near enough: the blocks that hold them. */
static bool is_pictograph(uint32_t character)
{
    return character == 0xA9 || character == 0xAE || within(character, 0x203C, 0x2049) ||
           within(character, 0x2122, 0x21AA) || within(character, 0x231A, 0x23FF) ||
           character == 0x24C2 || within(character, 0x25AA, 0x27BF) ||
           within(character, 0x2934, 0x2935) || within(character, 0x2B05, 0x2B55) ||
           character == 0x3030 || character == 0x303D || within(character, 0x3297, 0x3299) ||
           within(character, 0x1F000, 0x1FAFF);
}

static size_t next_character(const char *text, size_t length, uint32_t *character)
{
    int size = utf8_decode(text, length, character);
    if (size > 0)
        return (size_t)size;
    *character = 0xFFFD;
    return length > 0 ? 1 : 0;
}

static int columns_of(uint32_t character)
{
    int columns = wcwidth((wchar_t)character);
    return columns < 0 ? 1 : columns > 2 ? 2 : columns;
}

size_t width_cluster(const char *text, size_t length, int *columns)
{
    uint32_t base, next;
    size_t at = next_character(text, length, &base);
    if (at == 0) {
        *columns = 0;
        return 0;
    }
    /* White space takes no marks: breaks are looked for there. */
    if (base <= ' ' || (base < 0x80 && (at == length || (unsigned char)text[at] < 0x80))) {
        *columns = 1;
        return at;
    }
    *columns = columns_of(base);
    bool pictograph = is_pictograph(base);
    while (at < length) {
        size_t size = next_character(text + at, length - at, &next);
        if (within(base, REGIONAL_FIRST, REGIONAL_LAST) &&
            within(next, REGIONAL_FIRST, REGIONAL_LAST)) {
            *columns = 2;
            at += size;
            base = 0; /* a third one begins another flag */
        } else if (next == EMOJI_PRESENTATION) {
            if (pictograph)
                *columns = 2;
            at += size;
        } else if (next == KEYCAP) {
            *columns = 2;
            at += size;
        } else if (pictograph && within(next, SKIN_TONE_FIRST, SKIN_TONE_LAST)) {
            *columns = 2;
            at += size;
        } else if (next == ZERO_WIDTH_JOINER) {
            at += size;
            size = next_character(text + at, length - at, &next);
            if (pictograph && size > 0 && is_pictograph(next)) {
                *columns = 2;
                at += size;
            }
        } else if (next >= 0x80 && columns_of(next) == 0) {
            at += size;
        } else {
            break;
        }
    }
    return at;
}

size_t width_text(const char *text, size_t length)
{
    size_t total = 0;
    for (size_t at = 0; at < length;) {
        int columns;
        at += width_cluster(text + at, length - at, &columns);
        total += (size_t)columns;
    }
    return total;
}
