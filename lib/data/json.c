#include "data/json.h"

#include "base/buffer.h"
#include "base/random.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TREE_TEXT_LIMIT = 128 << 20, /* longest text that is rewritten or printed */
    EXACT_DIGITS = 15,           /* every whole number of so many digits is exact in a double */
    MARK_DIGITS = 16,
};

#define EXACT_LIMIT INT64_C(1000000000000000) /* cJSON prints whole numbers below it exactly */

/*
 * The scanner walks the text once and refuses what the header lists. What cJSON
 * would lose is rewritten into a copy: the copy is made only when the first
 * such place is met.
 */
struct scanner {
    const char *text;
    size_t length;
    size_t at;
    int depth;
    const char *reason; /* what is wrong at at */
    bool rewriting;     /* copy holds the text up to copied */
    bool want_rewrite;  /* false: only check */
    size_t copied;
    struct buffer copy;
    bool memory_short;
    char mark[MARK_DIGITS + 1]; /* begins the strings that stand for large numbers */
};

static bool refuse(struct scanner *scanner, const char *reason)
{
    scanner->reason = reason;
    return false;
}

/* Put replacement where the text from `from` up to at stood. */
static bool rewrite(struct scanner *scanner, size_t from, const char *replacement, size_t length)
{
    if (!scanner->want_rewrite)
        return true;
    if (!scanner->rewriting) {
        buffer_init(&scanner->copy, TREE_TEXT_LIMIT);
        random_hex(scanner->mark, sizeof scanner->mark);
        scanner->rewriting = true;
    }
    if (buffer_append(&scanner->copy, scanner->text + scanner->copied, from - scanner->copied) <
            0 ||
        buffer_append(&scanner->copy, replacement, length) < 0) {
        scanner->memory_short = true;
        return refuse(scanner, "out of memory");
    }
    scanner->copied = scanner->at;
    return true;
}

static int peek(const struct scanner *scanner)
{
    return scanner->at < scanner->length ? (unsigned char)scanner->text[scanner->at] : -1;
}

static void skip_space(struct scanner *scanner)
{
    for (;;) {
        int byte = peek(scanner);
        if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r')
            return;
        scanner->at++;
    }
}

static bool scan_literal(struct scanner *scanner, const char *word)
{
    size_t length = strlen(word);
    if (scanner->length - scanner->at < length ||
        memcmp(scanner->text + scanner->at, word, length) != 0)
        return refuse(scanner, "unexpected character");
    scanner->at += length;
    return true;
}

static size_t scan_digits(struct scanner *scanner)
{
    size_t from = scanner->at;
    while (peek(scanner) >= '0' && peek(scanner) <= '9')
        scanner->at++;
    return scanner->at - from;
}

static bool scan_number(struct scanner *scanner)
{
    size_t from = scanner->at;
    bool whole = true;
    if (peek(scanner) == '-')
        scanner->at++;
    bool zero = peek(scanner) == '0';
    size_t digits = scan_digits(scanner);
    if (digits == 0 || (zero && digits > 1))
        return refuse(scanner, "bad number");
    if (peek(scanner) == '.') {
        whole = false;
        scanner->at++;
        if (scan_digits(scanner) == 0)
            return refuse(scanner, "bad number");
    }
    if (peek(scanner) == 'e' || peek(scanner) == 'E') {
        whole = false;
        scanner->at++;
        if (peek(scanner) == '+' || peek(scanner) == '-')
            scanner->at++;
        if (scan_digits(scanner) == 0)
            return refuse(scanner, "bad number");
    }
    if (!whole) {
        /* cJSON turns what is out of range into null. */
        char copy[64];
        size_t length = scanner->at - from;
        if (length < sizeof copy && (digits > 300 || memchr(scanner->text + from, 'e', length) ||
                                        memchr(scanner->text + from, 'E', length))) {
            memcpy(copy, scanner->text + from, length);
            copy[length] = '\0';
            if (!isfinite(strtod(copy, NULL)))
                return refuse(scanner, "number out of range");
        } else if (length >= sizeof copy) {
            return refuse(scanner, "number too long");
        }
        return true;
    }
    if (digits <= EXACT_DIGITS)
        return true;
    if (digits > 300)
        return refuse(scanner, "number too long");
    char standing[MARK_DIGITS + 320];
    /* The mark is made by the first rewrite; an empty one makes it. */
    size_t end = scanner->at;
    scanner->at = from;
    if (!rewrite(scanner, from, "", 0))
        return false;
    scanner->at = end;
    int length = snprintf(standing, sizeof standing, "\"%s%.*s\"", scanner->mark, (int)(end - from),
        scanner->text + from);
    return rewrite(scanner, from, standing, (size_t)length);
}

static bool scan_hex4(struct scanner *scanner, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++) {
        int byte = peek(scanner);
        uint32_t digit;
        if (byte >= '0' && byte <= '9')
            digit = (uint32_t)(byte - '0');
        else if (byte >= 'a' && byte <= 'f')
            digit = (uint32_t)(byte - 'a' + 10);
        else if (byte >= 'A' && byte <= 'F')
            digit = (uint32_t)(byte - 'A' + 10);
        else
            return refuse(scanner, "bad \\u escape");
        *value = *value << 4 | digit;
        scanner->at++;
    }
    return true;
}

/* Behind "\u". An unpaired surrogate is rewritten to U+FFFD. */
static bool scan_unicode_escape(struct scanner *scanner)
{
    size_t from = scanner->at - 2;
    uint32_t value;
    if (!scan_hex4(scanner, &value))
        return false;
    if (value == 0)
        return refuse(scanner, "\\u0000 in a string");
    if (value < 0xD800 || value > 0xDFFF)
        return true;
    size_t behind = scanner->at;
    if (value <= 0xDBFF && scanner->length - behind >= 6 && scanner->text[behind] == '\\' &&
        scanner->text[behind + 1] == 'u') {
        uint32_t low;
        scanner->at += 2;
        if (!scan_hex4(scanner, &low))
            return false;
        if (low >= 0xDC00 && low <= 0xDFFF)
            return true;
        scanner->at = behind;
    }
    return rewrite(scanner, from, "\\ufffd", 6);
}

static bool scan_string(struct scanner *scanner)
{
    scanner->at++;
    for (;;) {
        int byte = peek(scanner);
        if (byte < 0)
            return refuse(scanner, "unterminated string");
        if (byte == '"') {
            scanner->at++;
            return true;
        }
        if (byte < 0x20)
            return refuse(scanner, "control character in a string");
        if (byte >= 0x80) {
            uint32_t character;
            int size =
                utf8_decode(scanner->text + scanner->at, scanner->length - scanner->at, &character);
            if (size <= 0)
                return refuse(scanner, "invalid UTF-8");
            scanner->at += (size_t)size;
            continue;
        }
        scanner->at++;
        if (byte != '\\')
            continue;
        int escape = peek(scanner);
        if (escape < 0)
            return refuse(scanner, "unterminated string");
        if (escape == 0 || strchr("\"\\/bfnrtu", escape) == NULL)
            return refuse(scanner, "bad escape");
        scanner->at++;
        if (escape == 'u' && !scan_unicode_escape(scanner))
            return false;
    }
}

static bool scan_value(struct scanner *scanner);

static bool scan_members(struct scanner *scanner, bool object)
{
    const char close = object ? '}' : ']';
    if (++scanner->depth > JSON_DEPTH_LIMIT)
        return refuse(scanner, "nested too deeply");
    scanner->at++;
    skip_space(scanner);
    if (peek(scanner) == close) {
        scanner->at++;
        scanner->depth--;
        return true;
    }
    for (;;) {
        skip_space(scanner);
        if (object) {
            if (peek(scanner) != '"')
                return refuse(scanner, "a key is expected");
            if (!scan_string(scanner))
                return false;
            skip_space(scanner);
            if (peek(scanner) != ':')
                return refuse(scanner, "':' is expected");
            scanner->at++;
        }
        if (!scan_value(scanner))
            return false;
        skip_space(scanner);
        int byte = peek(scanner);
        if (byte != ',' && byte != close)
            return refuse(scanner, object ? "',' or '}' is expected" : "',' or ']' is expected");
        scanner->at++;
        if (byte == close) {
            scanner->depth--;
            return true;
        }
    }
}

static bool scan_value(struct scanner *scanner)
{
    skip_space(scanner);
    int byte = peek(scanner);
    switch (byte) {
    case '{':
        return scan_members(scanner, true);
    case '[':
        return scan_members(scanner, false);
    case '"':
        return scan_string(scanner);
    case 't':
        return scan_literal(scanner, "true");
    case 'f':
        return scan_literal(scanner, "false");
    case 'n':
        return scan_literal(scanner, "null");
    case -1:
        return refuse(scanner, "unexpected end");
    default:
        if (byte == '-' || (byte >= '0' && byte <= '9'))
            return scan_number(scanner);
        return refuse(scanner, "unexpected character");
    }
}

static bool scan_document(struct scanner *scanner)
{
    if (!scan_value(scanner))
        return false;
    skip_space(scanner);
    if (scanner->at != scanner->length)
        return refuse(scanner, "text behind the value");
    return true;
}

static int report(const struct scanner *scanner, struct error *error)
{
    errno = scanner->memory_short ? ENOMEM : EINVAL;
    size_t line = 1, start = 0;
    for (size_t i = 0; i < scanner->at && i < scanner->length; i++) {
        if (scanner->text[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    if (line > 1) /* a file; an event is one line */
        return error_set(error, "invalid JSON in line %zu at byte %zu: %s", line,
            scanner->at - start + 1, scanner->reason);
    return error_set(error, "invalid JSON at byte %zu: %s", scanner->at + 1, scanner->reason);
}

int json_check(const char *text, size_t length, struct error *error)
{
    struct scanner scanner = {.text = text, .length = length};
    return scan_document(&scanner) ? 0 : report(&scanner, error);
}

/* Turn the marked strings back into the numbers they stand for. */
static void restore_numbers(cJSON *value, const char *mark)
{
    for (; value != NULL; value = value->next) {
        if (cJSON_IsString(value) && strncmp(value->valuestring, mark, MARK_DIGITS) == 0) {
            char *digits = value->valuestring;
            memmove(digits, digits + MARK_DIGITS, strlen(digits + MARK_DIGITS) + 1);
            value->type = (value->type & ~0xFF) | cJSON_Raw;
        }
        restore_numbers(value->child, mark);
    }
}

cJSON *json_parse(const char *text, size_t length, struct error *error)
{
    struct scanner scanner = {.text = text, .length = length, .want_rewrite = true};
    cJSON *tree = NULL;
    if (!scan_document(&scanner)) {
        report(&scanner, error);
    } else if (!scanner.rewriting) {
        tree = cJSON_ParseWithLength(text, length);
        if (tree == NULL)
            error_set(error, "out of memory");
    } else {
        scanner.at = length;
        if (rewrite(&scanner, length, "", 0))
            tree = cJSON_ParseWithLength(scanner.copy.data, scanner.copy.length);
        if (tree != NULL)
            restore_numbers(tree, scanner.mark);
        else
            error_set(error, "out of memory");
    }
    if (scanner.rewriting)
        buffer_release(&scanner.copy);
    return tree;
}

cJSON *json_parse_object(const char *text, size_t length, struct error *error)
{
    cJSON *tree = json_parse(text, length, error);
    if (tree != NULL && !cJSON_IsObject(tree)) {
        error_set(error, "a JSON object is expected");
        json_free(tree);
        return NULL;
    }
    return tree;
}

void json_free(cJSON *tree)
{
    cJSON_Delete(tree);
}

cJSON *json_get(const cJSON *object, const char *key)
{
    if (!cJSON_IsObject(object))
        return NULL;
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

const char *json_string(const cJSON *object, const char *key)
{
    const cJSON *value = json_get(object, key);
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

cJSON *json_array(const cJSON *object, const char *key)
{
    cJSON *value = json_get(object, key);
    return cJSON_IsArray(value) ? value : NULL;
}

cJSON *json_object(const cJSON *object, const char *key)
{
    cJSON *value = json_get(object, key);
    return cJSON_IsObject(value) ? value : NULL;
}

bool json_boolean(const cJSON *object, const char *key, bool fallback)
{
    const cJSON *value = json_get(object, key);
    return cJSON_IsBool(value) ? cJSON_IsTrue(value) : fallback;
}

bool json_value_integer(const cJSON *value, int64_t *number)
{
    if (cJSON_IsRaw(value)) {
        char *end;
        errno = 0;
        intmax_t parsed = strtoimax(value->valuestring, &end, 10);
        if (errno != 0 || *end != '\0')
            return false;
        *number = parsed;
        return true;
    }
    if (!cJSON_IsNumber(value) || value->valuedouble != floor(value->valuedouble) ||
        fabs(value->valuedouble) > 9007199254740992.0)
        return false;
    *number = (int64_t)value->valuedouble;
    return true;
}

bool json_integer(const cJSON *object, const char *key, int64_t *number)
{
    return json_value_integer(json_get(object, key), number);
}

bool json_number(const cJSON *object, const char *key, double *number)
{
    const cJSON *value = json_get(object, key);
    if (cJSON_IsRaw(value)) {
        *number = strtod(value->valuestring, NULL);
        return isfinite(*number);
    }
    if (!cJSON_IsNumber(value))
        return false;
    *number = value->valuedouble;
    return true;
}

int json_append(struct buffer *buffer, const cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);
    if (text == NULL) {
        errno = ENOMEM;
        return -1;
    }
    int result = buffer_append_text(buffer, text);
    free(text);
    return result;
}

int json_append_string(struct buffer *buffer, const char *text, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    size_t before = buffer->length;
    size_t plain = 0;
    size_t at = 0;
    int result = buffer_append_byte(buffer, '"');
    while (result == 0 && at < length) {
        unsigned char byte = (unsigned char)text[at];
        if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
            at++;
            continue;
        }
        uint32_t character;
        int size = byte < 0x80 ? 1 : utf8_decode(text + at, length - at, &character);
        if (byte >= 0x80 && size > 0) {
            at += (size_t)size;
            continue;
        }
        result = buffer_append(buffer, text + plain, at - plain);
        if (result < 0)
            break;
        if (byte >= 0x80)
            result = buffer_append_text(buffer, UTF8_REPLACEMENT);
        else if (byte == '"' || byte == '\\')
            result = buffer_append(buffer, (char[]){'\\', (char)byte}, 2);
        else if (byte == '\n')
            result = buffer_append(buffer, "\\n", 2);
        else if (byte == '\t')
            result = buffer_append(buffer, "\\t", 2);
        else if (byte == '\r')
            result = buffer_append(buffer, "\\r", 2);
        else
            result = buffer_append(
                buffer, (char[]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]}, 6);
        at++;
        plain = at;
    }
    if (result == 0)
        result = buffer_append(buffer, text + plain, at - plain);
    if (result == 0)
        result = buffer_append_byte(buffer, '"');
    if (result < 0)
        buffer_truncate(buffer, before);
    return result;
}

size_t json_peek_type(const char *line, size_t length, const char **type)
{
    static const char opening[] = "{\"type\":";
    const char *end = line + length;
    const char *at = line + sizeof opening - 1;
    if (length < sizeof opening || memcmp(line, opening, sizeof opening - 1) != 0)
        return 0;
    while (at < end && *at == ' ')
        at++;
    if (at == end || *at != '"')
        return 0;
    *type = ++at;
    while (at < end && ((*at >= 'a' && *at <= 'z') || *at == '_'))
        at++;
    if (at == end || *at != '"')
        return 0;
    return (size_t)(at - *type);
}

int json_add(cJSON *object, const char *key, cJSON *value)
{
    if (value == NULL || !cJSON_AddItemToObject(object, key, value)) {
        cJSON_Delete(value);
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

/* cJSON prints whatever bytes it is given; what comes in may be anything. */
static cJSON *create_string(const char *text)
{
    size_t length = strlen(text);
    if (utf8_valid(text, length))
        return cJSON_CreateString(text);
    struct buffer repaired;
    buffer_init(&repaired, TREE_TEXT_LIMIT);
    cJSON *value = NULL;
    if (utf8_append_repaired(&repaired, text, length) == 0)
        value = cJSON_CreateString(repaired.data);
    buffer_release(&repaired);
    return value;
}

int json_add_string(cJSON *object, const char *key, const char *text)
{
    return json_add(object, key, text != NULL ? create_string(text) : cJSON_CreateNull());
}

int json_add_integer(cJSON *object, const char *key, int64_t number)
{
    char digits[24];
    if (number > -EXACT_LIMIT && number < EXACT_LIMIT)
        return json_add(object, key, cJSON_CreateNumber((double)number));
    snprintf(digits, sizeof digits, "%" PRId64, number);
    return json_add(object, key, cJSON_CreateRaw(digits));
}

int json_add_number(cJSON *object, const char *key, double number)
{
    return json_add(object, key, cJSON_CreateNumber(number));
}

int json_add_boolean(cJSON *object, const char *key, bool truth)
{
    return json_add(object, key, cJSON_CreateBool(truth));
}
