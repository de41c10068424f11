#include "term/entity.h"

#include "base/buffer.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS_MOST = 8, REPLACEMENT = 0xFFFD };

static const struct {
    const char *name;
    const char *text;
} entities[] = {
    {"amp", "&"},
    {"lt", "<"},
    {"gt", ">"},
    {"quot", "\""},
    {"apos", "'"},
    {"nbsp", "\xC2\xA0"},
    {"copy", "©"},
    {"reg", "®"},
    {"trade", "™"},
    {"deg", "°"},
    {"plusmn", "±"},
    {"times", "×"},
    {"divide", "÷"},
    {"middot", "·"},
    {"bull", "•"},
    {"hellip", "…"},
    {"ndash", "–"},
    {"mdash", "—"},
    {"lsquo", "‘"},
    {"rsquo", "’"},
    {"ldquo", "“"},
    {"rdquo", "”"},
    {"laquo", "«"},
    {"raquo", "»"},
    {"larr", "←"},
    {"rarr", "→"},
    {"uarr", "↑"},
    {"darr", "↓"},
    {"harr", "↔"},
    {"le", "≤"},
    {"ge", "≥"},
    {"ne", "≠"},
    {"asymp", "≈"},
    {"euro", "€"},
    {"pound", "£"},
    {"sect", "§"},
    {"micro", "µ"},
    {"infin", "∞"},
};

static int append_character(struct buffer *buffer, const char *digits, size_t length, int base)
{
    char number[DIGITS_MOST + 1];
    char encoded[UTF8_MAXIMUM];
    unsigned long character = REPLACEMENT;
    if (length > 0 && length <= DIGITS_MOST) {
        memcpy(number, digits, length);
        number[length] = '\0';
        character = strtoul(number, NULL, base);
    }
    if (character == 0 || character > 0x10FFFF || (character >= 0xD800 && character < 0xE000))
        character = REPLACEMENT;
    return utf8_append_visible(buffer, encoded, utf8_encode((uint32_t)character, encoded), false);
}

int entity_append(struct buffer *buffer, const char *reference, size_t length)
{
    if (length > 3 && reference[1] == '#') {
        if (reference[2] == 'x' || reference[2] == 'X')
            return append_character(buffer, reference + 3, length - 4, 16);
        return append_character(buffer, reference + 2, length - 3, 10);
    }
    for (size_t i = 0; i < sizeof entities / sizeof entities[0] && length > 2; i++) {
        if (strlen(entities[i].name) == length - 2 &&
            memcmp(entities[i].name, reference + 1, length - 2) == 0)
            return buffer_append_text(buffer, entities[i].text);
    }
    return buffer_append(buffer, reference, length);
}
