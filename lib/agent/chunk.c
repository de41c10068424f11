#include "agent/chunk.h"

#include "base/buffer.h"
#include "base/utf8.h"

#include <string.h>

enum { DIGITS_MOST = 15 }; /* longer numbers are the tree's business */

struct span {
    const char *text;
    size_t length;
};

struct cursor {
    const char *at;
    const char *end;
    struct buffer *scratch; /* has room for every string of the text, decoded */
};

static int peek(const struct cursor *cursor)
{
    return cursor->at < cursor->end ? (unsigned char)*cursor->at : -1;
}

static void skip_space(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t' ||
                                           *cursor->at == '\n' || *cursor->at == '\r'))
        cursor->at++;
}

static bool take(struct cursor *cursor, char wanted)
{
    skip_space(cursor);
    if (peek(cursor) != wanted)
        return false;
    cursor->at++;
    return true;
}

static bool take_word(struct cursor *cursor, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

/* At a byte that needs a look: the end of the run of ordinary ASCII. */
static const char *plain_run(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' &&
           *at != '\\')
        at++;
    return at;
}

/* Behind "\u": only what needs no second half. */
static bool decode_unicode(struct cursor *cursor, struct buffer *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int byte = peek(cursor);
        uint32_t digit;
        if (byte >= '0' && byte <= '9')
            digit = (uint32_t)(byte - '0');
        else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
            digit = (uint32_t)((byte | 0x20) - 'a' + 10);
        else
            return false;
        value = value << 4 | digit;
        cursor->at++;
    }
    if (value == 0 || (value >= 0xD800 && value <= 0xDFFF))
        return false;
    char bytes[UTF8_MAXIMUM];
    return buffer_append(out, bytes, utf8_encode(value, bytes)) == 0;
}

static bool decode_escape(struct cursor *cursor, struct buffer *out)
{
    static const char escapes[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    int byte = peek(cursor);
    if (byte <= 0)
        return false;
    cursor->at++;
    if (byte == 'u')
        return decode_unicode(cursor, out);
    const char *found = strchr(escapes, byte);
    return found != NULL && buffer_append_byte(out, meanings[found - escapes]) == 0;
}

static bool take_string(struct cursor *cursor, struct span *value)
{
    if (peek(cursor) != '"')
        return false;
    const char *start = ++cursor->at;
    const char *copied = start; /* up to here it is in scratch, when decoding */
    size_t decoded_at = cursor->scratch->length;
    bool decoding = false;
    for (;;) {
        cursor->at = plain_run(cursor->at, cursor->end);
        int byte = peek(cursor);
        if (byte == '"')
            break;
        if (byte >= 0x80) {
            uint32_t character;
            int size = utf8_decode(cursor->at, (size_t)(cursor->end - cursor->at), &character);
            if (size <= 0)
                return false;
            cursor->at += size;
            continue;
        }
        if (byte != '\\')
            return false;
        if (buffer_append(cursor->scratch, copied, (size_t)(cursor->at - copied)) < 0)
            return false;
        decoding = true;
        cursor->at++;
        if (!decode_escape(cursor, cursor->scratch))
            return false;
        copied = cursor->at;
    }
    *value = (struct span){start, (size_t)(cursor->at - start)};
    if (decoding) {
        if (buffer_append(cursor->scratch, copied, (size_t)(cursor->at - copied)) < 0)
            return false;
        value->text = cursor->scratch->data + decoded_at;
        value->length = cursor->scratch->length - decoded_at;
    }
    cursor->at++;
    return true;
}

static bool take_digits(struct cursor *cursor)
{
    const char *start = cursor->at;
    while (peek(cursor) >= '0' && peek(cursor) <= '9')
        cursor->at++;
    return cursor->at > start && cursor->at - start <= DIGITS_MOST;
}

static bool take_number(struct cursor *cursor)
{
    if (peek(cursor) == '-')
        cursor->at++;
    const char *start = cursor->at;
    if (!take_digits(cursor) || (*start == '0' && cursor->at - start > 1))
        return false;
    if (peek(cursor) == '.') {
        cursor->at++;
        if (!take_digits(cursor))
            return false;
    }
    return peek(cursor) != 'e' && peek(cursor) != 'E';
}

/* A value that says nothing to us: anything but objects and arrays. */
static bool skip_scalar(struct cursor *cursor)
{
    struct span ignored;
    switch (peek(cursor)) {
    case '"':
        return take_string(cursor, &ignored);
    case 'n':
        return take_word(cursor, "null");
    case 't':
        return take_word(cursor, "true");
    case 'f':
        return take_word(cursor, "false");
    default:
        return take_number(cursor);
    }
}

static bool is(const struct span *key, const char *name)
{
    return key->length == strlen(name) && memcmp(key->text, name, key->length) == 0;
}

/*
 * The next member's key, the cursor at its value. False at the end of the
 * object too (*ended) and when anything is wrong.
 */
static bool next_key(struct cursor *cursor, bool *first, bool *ended, struct span *key)
{
    *ended = false;
    skip_space(cursor);
    if (peek(cursor) == '}') {
        cursor->at++;
        *ended = true;
        return false;
    }
    if (!*first && !take(cursor, ','))
        return false;
    *first = false;
    skip_space(cursor);
    if (!take_string(cursor, key) || !take(cursor, ':'))
        return false;
    skip_space(cursor);
    return peek(cursor) >= 0;
}

/* A text or null, once. */
static bool take_text(struct cursor *cursor, bool *seen, const char **text, size_t *length)
{
    struct span value = {NULL, 0};
    if (*seen)
        return false;
    *seen = true;
    if (!take_word(cursor, "null") && !take_string(cursor, &value))
        return false;
    *text = value.text;
    *length = value.length;
    return true;
}

static bool take_reasoning(struct cursor *cursor, struct plain_chunk *chunk, const char *field)
{
    const char *text;
    size_t length;
    bool seen = false;
    if (!take_text(cursor, &seen, &text, &length))
        return false;
    if (length == 0)
        return true;
    if (chunk->reasoning_field != NULL)
        return false; /* in both members: the tree's code chooses */
    chunk->reasoning = text;
    chunk->reasoning_length = length;
    chunk->reasoning_field = field;
    return true;
}

static bool take_delta(struct cursor *cursor, struct plain_chunk *chunk)
{
    bool first = true, ended, content = false, reasoning = false, reasoning_content = false;
    struct span key;
    if (!take(cursor, '{'))
        return false;
    while (next_key(cursor, &first, &ended, &key)) {
        bool fine;
        if (is(&key, "content")) {
            fine = take_text(cursor, &content, &chunk->content, &chunk->content_length);
        } else if (is(&key, "reasoning_content")) {
            fine = !reasoning_content && take_reasoning(cursor, chunk, "reasoning_content");
            reasoning_content = true;
        } else if (is(&key, "reasoning")) {
            fine = !reasoning && take_reasoning(cursor, chunk, "reasoning");
            reasoning = true;
        } else if (is(&key, "role")) {
            fine = skip_scalar(cursor);
        } else {
            fine = take_word(cursor, "null");
        }
        if (!fine)
            return false;
    }
    return ended;
}

static bool take_choice(struct cursor *cursor, struct plain_chunk *chunk)
{
    bool first = true, ended, delta = false;
    struct span key;
    if (!take(cursor, '{'))
        return false;
    while (next_key(cursor, &first, &ended, &key)) {
        bool fine;
        if (is(&key, "delta")) {
            fine = !delta && take_delta(cursor, chunk);
            delta = true;
        } else if (is(&key, "index")) {
            fine = skip_scalar(cursor);
        } else {
            fine = take_word(cursor, "null"); /* finish_reason, logprobs: once they say something */
        }
        if (!fine)
            return false;
    }
    return ended && delta;
}

static bool take_choices(struct cursor *cursor, struct plain_chunk *chunk)
{
    return take(cursor, '[') && take_choice(cursor, chunk) && take(cursor, ']');
}

bool chunk_read_plain(
    const char *json, size_t length, struct buffer *scratch, struct plain_chunk *chunk)
{
    struct cursor cursor = {json, json + length, scratch};
    bool first = true, ended, choices = false;
    struct span key;
    *chunk = (struct plain_chunk){0};
    /* Decoded text is never longer: with this room scratch does not move under what points into it.
     */
    buffer_clear(scratch);
    if (buffer_reserve(scratch, length) < 0 || !take(&cursor, '{'))
        return false;
    while (next_key(&cursor, &first, &ended, &key)) {
        bool fine;
        if (is(&key, "choices")) {
            fine = !choices && take_choices(&cursor, chunk);
            choices = true;
        } else if (is(&key, "usage") || is(&key, "error")) {
            fine = take_word(&cursor, "null");
        } else {
            fine = skip_scalar(&cursor);
        }
        if (!fine)
            return false;
    }
    if (!ended || !choices)
        return false;
    skip_space(&cursor);
    return cursor.at == cursor.end;
}
