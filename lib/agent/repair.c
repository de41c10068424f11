#include "agent/repair.h"

#include "base/buffer.h"
#include "data/json.h"

#include <errno.h>
#include <string.h>

enum {
    TEXT_LIMIT = 64 << 20, /* bytes of the text that is rebuilt: a line of 8 MiB, all escaped */
    DEPTH_LIMIT = 32,      /* nesting of damaged arguments; tools have 2 or 3 levels */
    SHOWN_TEXT = 500,      /* bytes of the arguments shown to the model when refused */
};

/* What was put right, one bit each. */
enum fix {
    FIX_CONTROL = 1 << 0,
    FIX_ESCAPE = 1 << 1,
    FIX_COMMA = 1 << 2,
    FIX_UNCLOSED = 1 << 3,
    FIX_QUOTES = 1 << 4,
    FIX_NAME = 1 << 5,
    FIX_WORD = 1 << 6,
    FIX_BEHIND = 1 << 7,
    FIX_FENCE = 1 << 8,
    FIX_QUOTED_OBJECT = 1 << 9,
    FIX_BARE = 1 << 10,
};

static const char *const fix_words[] = {
    "control characters in a string were escaped",
    "a wrong backslash in a string was kept as text",
    "a trailing comma was removed",
    "a missing closing bracket was added",
    "single quotes were replaced",
    "a name was put in quotes",
    "a word of another language was translated",
    "text behind the arguments was dropped",
    "a code fence was removed",
    "the object was quoted once more",
    "the text was taken as the one argument",
};

/* Reads damaged JSON at `at` and writes sound JSON; false leaves the reason in error. */
struct mender {
    const char *at;
    const char *end;
    struct buffer sound;
    unsigned fixes;
    int depth;
    struct error *error;
};

static bool mend_value(struct mender *mender);

static bool refuse(struct mender *mender, const char *reason)
{
    error_set(mender->error, "%s", reason);
    return false;
}

static bool put(struct mender *mender, const char *bytes, size_t length)
{
    if (buffer_append(&mender->sound, bytes, length) == 0)
        return true;
    error_system(mender->error, "keep the arguments");
    return false;
}

static bool put_text(struct mender *mender, const char *text)
{
    return put(mender, text, strlen(text));
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void skip_space(struct mender *mender)
{
    while (mender->at < mender->end && is_space(*mender->at))
        mender->at++;
}

/* The next byte that is no white space; NUL at the end (a NUL in the text is refused before). */
static char next_byte(struct mender *mender)
{
    skip_space(mender);
    return mender->at < mender->end ? *mender->at : '\0';
}

/* Strings. */

static bool four_hex(const char *at, const char *end)
{
    if (end - at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        if (strchr("0123456789abcdefABCDEF", at[i]) == NULL)
            return false;
    }
    return true;
}

/* at is behind a backslash. */
static bool mend_escape(struct mender *mender)
{
    if (mender->at == mender->end)
        return refuse(mender, "the text ends inside a string: it may have been cut off");
    char byte = *mender->at++;
    if (byte == 'u' && four_hex(mender->at, mender->end)) {
        mender->at += 4;
        return put(mender, mender->at - 6, 6);
    }
    if (strchr("\"\\/bfnrt", byte) != NULL)
        return put(mender, mender->at - 2, 2);
    if (byte == '\'') {
        mender->fixes |= FIX_QUOTES;
        return put(mender, "'", 1);
    }
    /* "\d" and its like: a regular expression whose backslash was not doubled. */
    mender->fixes |= FIX_ESCAPE;
    mender->at--;
    return put(mender, "\\\\", 2);
}

static bool mend_control(struct mender *mender, char byte)
{
    char escape[8];
    snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)byte);
    mender->fixes |= FIX_CONTROL;
    return put_text(mender, byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : escape);
}

/* A single quote ends a string only where nothing but the end of a value can follow. */
static bool single_quote_ends(const struct mender *mender)
{
    const char *at = mender->at;
    while (at < mender->end && is_space(*at))
        at++;
    return at == mender->end || strchr(",:}]", *at) != NULL;
}

static bool mend_string(struct mender *mender)
{
    char quote = *mender->at++;
    if (quote == '\'')
        mender->fixes |= FIX_QUOTES;
    if (!put(mender, "\"", 1))
        return false;
    while (mender->at < mender->end) {
        const char *from = mender->at;
        while (mender->at < mender->end && *mender->at != '"' && *mender->at != '\'' &&
               *mender->at != '\\' && (unsigned char)*mender->at >= 0x20)
            mender->at++;
        if (!put(mender, from, (size_t)(mender->at - from)))
            return false;
        if (mender->at == mender->end)
            break;
        char byte = *mender->at++;
        bool sound;
        if (byte == quote) {
            if (quote == '\'' && !single_quote_ends(mender))
                return refuse(mender, "a single quote inside single quotes has two readings");
            return put(mender, "\"", 1);
        }
        if (byte == '\\')
            sound = mend_escape(mender);
        else if (byte == '"')
            sound = put(mender, "\\\"", 2);
        else if (byte == '\'')
            sound = put(mender, "'", 1);
        else
            sound = mend_control(mender, byte);
        if (!sound)
            return false;
    }
    return refuse(mender, "the text ends inside a string: it may have been cut off");
}

/* Everything else. */

static size_t word_length(const struct mender *mender)
{
    size_t length = 0;
    while (
        mender->at + length < mender->end && strchr("{}[]:,\"' \t\r\n", mender->at[length]) == NULL)
        length++;
    return length;
}

static bool mend_word(struct mender *mender)
{
    static const struct {
        const char *word;
        const char *sound;
    } words[] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    size_t length = word_length(mender);
    const char *word = mender->at;
    mender->at += length;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (length == strlen(words[i].word) && memcmp(word, words[i].word, length) == 0) {
            mender->fixes |= FIX_WORD;
            return put_text(mender, words[i].sound);
        }
    }
    if (length == 0 || json_check(word, length, NULL) < 0)
        return refuse(mender, "a value that is neither text in quotes nor a number");
    /* A number at the very end may have lost its last digits. */
    if (mender->at == mender->end)
        return refuse(mender, "the text ends in a bare value: it may have been cut off");
    return put(mender, word, length);
}

static bool mend_name(struct mender *mender)
{
    char byte = next_byte(mender);
    if (byte == '"' || byte == '\'')
        return mend_string(mender);
    size_t length = word_length(mender);
    const char *name = mender->at;
    for (size_t i = 0; i < length; i++) {
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", name[i]) ==
            NULL)
            length = 0;
    }
    if (length == 0)
        return refuse(mender, "an argument without a name");
    mender->fixes |= FIX_NAME;
    mender->at += length;
    return put(mender, "\"", 1) && put(mender, name, length) && put(mender, "\"", 1);
}

static bool mend_member(struct mender *mender)
{
    if (!mend_name(mender))
        return false;
    if (next_byte(mender) != ':')
        return refuse(mender, "a name without a value: the text may have been cut off");
    mender->at++;
    return put(mender, ":", 1) && mend_value(mender);
}

/* An object or a list, from its opening bracket on. */
static bool mend_group(struct mender *mender, char opening)
{
    char closing = opening == '{' ? '}' : ']';
    if (++mender->depth > DEPTH_LIMIT)
        return refuse(mender, "nested too deeply");
    mender->at++;
    if (!put(mender, &opening, 1))
        return false;
    bool first = true;
    for (;;) {
        char byte = next_byte(mender);
        if (byte == '\0') {
            mender->fixes |= FIX_UNCLOSED;
            break;
        }
        if (byte == closing) {
            mender->at++;
            break;
        }
        if (!first) {
            if (byte != ',')
                return refuse(mender, "two values without a comma between them");
            mender->at++;
            byte = next_byte(mender);
            if (byte == '\0')
                return refuse(mender, "the text ends behind a comma: it may have been cut off");
            if (byte == closing) {
                mender->fixes |= FIX_COMMA;
                continue;
            }
            if (!put(mender, ",", 1))
                return false;
        }
        first = false;
        if (opening == '{' ? !mend_member(mender) : !mend_value(mender))
            return false;
    }
    mender->depth--;
    return put(mender, &closing, 1);
}

static bool mend_value(struct mender *mender)
{
    char byte = next_byte(mender);
    if (byte == '{' || byte == '[')
        return mend_group(mender, byte);
    if (byte == '"' || byte == '\'')
        return mend_string(mender);
    return mend_word(mender);
}

/* What may follow the arguments: closing brackets too many, or words; never a second call. */
static bool mend_rest(struct mender *mender)
{
    if (next_byte(mender) == '\0')
        return true;
    if (memchr(mender->at, '{', (size_t)(mender->end - mender->at)) != NULL)
        return refuse(mender, "more than one object");
    if (*mender->at == ',' || *mender->at == ':' || *mender->at == '"')
        return refuse(mender, "more values behind the object");
    mender->fixes |= FIX_BEHIND;
    return true;
}

static cJSON *mend_object(const char *text, size_t length, unsigned *fixes, struct error *error)
{
    struct mender mender = {.at = text, .end = text + length, .fixes = *fixes, .error = error};
    buffer_init(&mender.sound, TEXT_LIMIT);
    cJSON *tree = NULL;
    if (mend_group(&mender, '{') && mend_rest(&mender))
        tree = json_parse_object(mender.sound.data, mender.sound.length, error);
    buffer_release(&mender.sound);
    *fixes = mender.fixes;
    return tree;
}

/* The whole text. */

static void trim(const char **text, size_t *length)
{
    while (*length > 0 && is_space(**text)) {
        (*text)++;
        (*length)--;
    }
    while (*length > 0 && is_space((*text)[*length - 1]))
        (*length)--;
}

/* ```json ... ```: the fence's first line and its end go. */
static bool strip_fence(const char **text, size_t *length)
{
    if (*length < 6 || memcmp(*text, "```", 3) != 0 || memcmp(*text + *length - 3, "```", 3) != 0)
        return false;
    const char *line_end = memchr(*text, '\n', *length - 3);
    if (line_end == NULL)
        return false;
    *length -= (size_t)(line_end + 1 - *text) + 3;
    *text = line_end + 1;
    trim(text, length);
    return true;
}

static cJSON *bare_object(const char *key, const char *text, size_t length)
{
    struct buffer buffer;
    buffer_init(&buffer, TEXT_LIMIT);
    cJSON *tree = NULL;
    if (buffer_append_byte(&buffer, '{') == 0 &&
        json_append_string(&buffer, key, strlen(key)) == 0 &&
        buffer_append_byte(&buffer, ':') == 0 && json_append_string(&buffer, text, length) == 0 &&
        buffer_append_byte(&buffer, '}') == 0)
        tree = json_parse_object(buffer.data, buffer.length, NULL);
    buffer_release(&buffer);
    return tree;
}

/* A JSON string: an object that was quoted, or a bare text. Takes the string. */
static cJSON *from_string(cJSON *string, const char *bare_key, unsigned *fixes, struct error *error)
{
    const char *text = string->valuestring;
    size_t length = strlen(text);
    trim(&text, &length);
    cJSON *tree = NULL;
    if (length > 0 && text[0] == '{') {
        *fixes |= FIX_QUOTED_OBJECT;
        tree = json_parse_object(text, length, NULL);
        if (tree == NULL)
            tree = mend_object(text, length, fixes, error);
    } else if (bare_key != NULL) {
        *fixes |= FIX_BARE;
        tree = bare_object(bare_key, string->valuestring, strlen(string->valuestring));
        if (tree == NULL)
            error_set(error, "keep the text");
    } else {
        error_set(error, "the arguments must be an object, not a string");
    }
    json_free(string);
    return tree;
}

static cJSON *read_text(
    const char *text, size_t length, const char *bare_key, unsigned *fixes, struct error *error)
{
    cJSON *strict = json_parse(text, length, error);
    if (cJSON_IsObject(strict))
        return strict;
    if (cJSON_IsString(strict))
        return from_string(strict, bare_key, fixes, error);
    if (strict != NULL) {
        json_free(strict);
        error_set(error, "the arguments must be an object");
        return NULL;
    }
    if (text[0] == '{')
        return mend_object(text, length, fixes, error);
    if (text[0] == '[' || text[0] == '"' || bare_key == NULL)
        return NULL;
    *fixes |= FIX_BARE;
    return bare_object(bare_key, text, length);
}

static void write_note(struct repair *repair, unsigned fixes)
{
    size_t length = 0;
    repair->note[0] = '\0';
    repair->repaired = fixes != 0;
    for (size_t i = 0; i < sizeof fix_words / sizeof fix_words[0]; i++) {
        if ((fixes & 1U << i) == 0 || length >= sizeof repair->note)
            continue;
        int added = snprintf(repair->note + length, sizeof repair->note - length, "%s%s",
            length > 0 ? ", " : "", fix_words[i]);
        length += added > 0 ? (size_t)added : 0;
    }
}

cJSON *repair_arguments(const char *text, size_t length, const char *bare_key,
    struct repair *repair, struct error *error)
{
    unsigned fixes = 0;
    *repair = (struct repair){0};
    trim(&text, &length);
    if (length == 0)
        return cJSON_CreateObject();
    if (memchr(text, '\0', length) != NULL) {
        error_set(error, "the arguments hold a NUL byte");
        return NULL;
    }
    const char *whole = text;
    size_t whole_length = length;
    if (strip_fence(&text, &length))
        fixes |= FIX_FENCE;
    struct error reason = {.text = "nothing between the fences"};
    cJSON *tree = length > 0 ? read_text(text, length, bare_key, &fixes, &reason) : NULL;
    if (tree == NULL) {
        size_t shown = whole_length > SHOWN_TEXT ? SHOWN_TEXT : whole_length;
        error_set(error, "the arguments are no JSON object (%s). They were: %.*s%s", reason.text,
            (int)shown, whole, shown < whole_length ? "..." : "");
        return NULL;
    }
    write_note(repair, fixes);
    return tree;
}
