#include "base/utf8.h"

#include "base/buffer.h"

enum {
    SURROGATE_FIRST = 0xD800,
    SURROGATE_LAST = 0xDFFF,
    CHARACTER_LAST = 0x10FFFF,
    CONTROL_PICTURES = 0x2400,
    DELETE_PICTURE = 0x2421,
};

int utf8_decode(const char *bytes, size_t length, uint32_t *character)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (length == 0)
        return 0;
    unsigned char first = (unsigned char)bytes[0];
    if (first < 0x80) {
        *character = first;
        return 1;
    }
    int size = first >= 0xF0 && first <= 0xF4  ? 4
               : first >= 0xE0 && first < 0xF0 ? 3
               : first >= 0xC2 && first < 0xE0 ? 2
                                               : -1;
    if (size < 0)
        return -1;
    uint32_t value = first & (0x7FU >> size);
    for (int i = 1; i < size; i++) {
        if ((size_t)i >= length)
            return 0;
        unsigned char next = (unsigned char)bytes[i];
        if ((next & 0xC0) != 0x80)
            return -1;
        value = value << 6 | (next & 0x3F);
        /* Bounds of the second byte decide overlong forms, surrogates and the upper end early,
         * so that a cut-off sequence that can never become valid is not waited for. */
        if (i == 1) {
            uint32_t lowest = value << (6 * (size - 2));
            uint32_t highest = lowest | ((1U << (6 * (size - 2))) - 1);
            if (highest < smallest[size] || lowest > CHARACTER_LAST ||
                (lowest >= SURROGATE_FIRST && highest <= SURROGATE_LAST))
                return -1;
        }
    }
    *character = value;
    return size;
}

size_t utf8_encode(uint32_t character, char *bytes)
{
    if (character < 0x80) {
        bytes[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        bytes[0] = (char)(0xC0 | character >> 6);
        bytes[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        bytes[0] = (char)(0xE0 | character >> 12);
        bytes[1] = (char)(0x80 | (character >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    bytes[0] = (char)(0xF0 | character >> 18);
    bytes[1] = (char)(0x80 | (character >> 12 & 0x3F));
    bytes[2] = (char)(0x80 | (character >> 6 & 0x3F));
    bytes[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}

size_t utf8_valid_prefix(const char *bytes, size_t length)
{
    size_t at = 0;
    while (at < length) {
        if ((unsigned char)bytes[at] < 0x80) {
            at++;
            continue;
        }
        uint32_t character;
        int size = utf8_decode(bytes + at, length - at, &character);
        if (size <= 0)
            break;
        at += (size_t)size;
    }
    return at;
}

bool utf8_valid(const char *bytes, size_t length)
{
    return utf8_valid_prefix(bytes, length) == length;
}

size_t utf8_count(const char *bytes, size_t length)
{
    size_t count = 0;
    for (size_t at = 0; at < length; count++) {
        uint32_t character;
        int size = utf8_decode(bytes + at, length - at, &character);
        at += size > 0 ? (size_t)size : 1;
    }
    return count;
}

int utf8_append_repaired(struct buffer *buffer, const char *bytes, size_t length)
{
    size_t at = 0;
    while (at < length) {
        size_t good = utf8_valid_prefix(bytes + at, length - at);
        if (buffer_append(buffer, bytes + at, good) < 0)
            return -1;
        at += good;
        if (at < length) {
            if (buffer_append_text(buffer, UTF8_REPLACEMENT) < 0)
                return -1;
            at++;
            /* The rest of a broken sequence belongs to the same replacement. */
            while (at < length && ((unsigned char)bytes[at] & 0xC0) == 0x80)
                at++;
        }
    }
    return 0;
}

/* What turns text round, or takes no room in it: a person would approve something else. The joiners
 * U+200C and U+200D stay, which some scripts and emoji need. */
static bool is_deceptive(uint32_t character)
{
    return (character >= 0x202A && character <= 0x202E) ||
           (character >= 0x2066 && character <= 0x2069) || character == 0x200E ||
           character == 0x200F || character == 0x061C || character == 0x200B ||
           (character >= 0x2060 && character <= 0x2064) || character == 0xFEFF ||
           character == 0x2028 || character == 0x2029 || character == 0x00AD ||
           character == 0x034F || character == 0x115F || character == 0x1160 ||
           character == 0x180E || character == 0x3164 || character == 0xFFA0 ||
           (character >= 0xE0000 && character <= 0xE0FFF);
}

static int append_visible_character(
    struct buffer *buffer, uint32_t character, const char *bytes, size_t size, bool newline)
{
    char encoded[UTF8_MAXIMUM];
    if (newline && (character == '\n' || character == '\t'))
        return buffer_append(buffer, bytes, size);
    if (character < 0x20)
        return buffer_append(buffer, encoded, utf8_encode(CONTROL_PICTURES + character, encoded));
    if (character == 0x7F)
        return buffer_append(buffer, encoded, utf8_encode(DELETE_PICTURE, encoded));
    if ((character >= 0x80 && character < 0xA0) || is_deceptive(character))
        return buffer_printf(buffer, "\\u{%04X}", (unsigned)character);
    return buffer_append(buffer, bytes, size);
}

int utf8_append_visible(struct buffer *buffer, const char *bytes, size_t length, bool newline)
{
    size_t at = 0;
    while (at < length) {
        uint32_t character;
        int size = utf8_decode(bytes + at, length - at, &character);
        if (size <= 0) {
            if (buffer_append_text(buffer, UTF8_REPLACEMENT) < 0)
                return -1;
            at++;
            continue;
        }
        if (append_visible_character(buffer, character, bytes + at, (size_t)size, newline) < 0)
            return -1;
        at += (size_t)size;
    }
    return 0;
}
