/* The four kinds of strings: "basic", 'literal', and both over several lines. */
#include "data/toml_parser.h"

#include "base/utf8.h"

#include <string.h>

static int add(struct toml_parser *parser, const char *bytes, size_t length)
{
    if (buffer_append(&parser->scratch, bytes, length) == 0)
        return 0;
    return error_system(parser->error, "read '%s'", parser->name);
}

static int hexadecimal(int byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* "\uXXXX" or "\UXXXXXXXX", which begins at the backslash. */
static int add_character(struct toml_parser *parser, size_t digits)
{
    uint32_t character = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = hexadecimal(toml_peek(parser, 2 + i));
        if (digit < 0)
            return toml_refuse(parser, parser->at, "%zu hexadecimal digits must follow '\\%c'",
                digits, parser->at[1]);
        character = character << 4 | (uint32_t)digit;
    }
    if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF))
        return toml_refuse(parser, parser->at, "U+%04X is no character", (unsigned)character);
    char encoded[UTF8_MAXIMUM];
    size_t length = utf8_encode(character, encoded);
    parser->at += 2 + digits;
    return add(parser, encoded, length);
}

/* A backslash at the end of a line swallows all white space up to the next text. */
static bool joins_lines(const struct toml_parser *parser)
{
    size_t ahead = 1;
    while (toml_peek(parser, ahead) == ' ' || toml_peek(parser, ahead) == '\t')
        ahead++;
    if (toml_peek(parser, ahead) == '\r')
        ahead++;
    return toml_peek(parser, ahead) == '\n';
}

static void join_lines(struct toml_parser *parser)
{
    parser->at++;
    do {
        while (toml_peek(parser, 0) == ' ' || toml_peek(parser, 0) == '\t')
            parser->at++;
    } while (toml_newline(parser));
}

static int add_escape(struct toml_parser *parser, bool multiline)
{
    static const char letters[] = "btnfr\"\\";
    static const char meanings[] = "\b\t\n\f\r\"\\";
    int byte = toml_peek(parser, 1);
    if (byte == 'u')
        return add_character(parser, 4);
    if (byte == 'U')
        return add_character(parser, 8);
    if (multiline && joins_lines(parser)) {
        join_lines(parser);
        return 0;
    }
    const char *letter = byte > 0 ? strchr(letters, byte) : NULL;
    if (letter == NULL)
        return toml_refuse(parser, parser->at,
            "unknown escape in a string (a backslash itself is written '\\\\', or use '...')");
    parser->at += 2;
    return add(parser, &meanings[letter - letters], 1);
}

/* How many quotes stand here, up to what a closing """ with two quotes before it can have. */
static size_t quotes_here(const struct toml_parser *parser, int quote)
{
    size_t count = 0;
    while (count < 5 && toml_peek(parser, count) == quote)
        count++;
    return count;
}

/* Bytes that mean themselves, up to the next that might not. */
static size_t plain_length(const struct toml_parser *parser, int quote)
{
    const char *at = parser->at;
    while (at < parser->end && *at != quote && *at != '\\' && *at != 0x7F &&
           ((unsigned char)*at >= ' ' || *at == '\t'))
        at++;
    return (size_t)(at - parser->at);
}

static int string_body(struct toml_parser *parser, const char *opening, int quote, bool multiline)
{
    for (;;) {
        size_t length = plain_length(parser, quote);
        if (add(parser, parser->at, length) < 0)
            return -1;
        parser->at += length;
        int byte = toml_peek(parser, 0);
        const char *here = parser->at;
        if (byte == TOML_END)
            return toml_refuse(parser, opening, "the string that begins here has no end");
        if (byte == quote) {
            size_t quotes = multiline ? quotes_here(parser, quote) : 1;
            bool closing = !multiline || quotes >= 3;
            size_t inside = closing ? quotes - (multiline ? 3 : 1) : quotes;
            parser->at += quotes;
            if (add(parser, here, inside) < 0)
                return -1;
            if (closing)
                return 0;
        } else if (byte == '\\' && quote == '"') {
            if (add_escape(parser, multiline) < 0)
                return -1;
        } else if (byte == '\\') {
            parser->at++;
            if (add(parser, here, 1) < 0)
                return -1;
        } else if (multiline && toml_newline(parser)) {
            if (add(parser, here, (size_t)(parser->at - here)) < 0)
                return -1;
        } else if (byte == '\n' || byte == '\r') {
            return toml_refuse(
                parser, opening, "the string that begins here has no end in its line");
        } else {
            return toml_refuse(
                parser, here, "control character 0x%02X in a string", (unsigned)byte);
        }
    }
}

int toml_string(struct toml_parser *parser, bool multiline, struct toml_text *string)
{
    const char *opening = parser->at;
    int quote = toml_peek(parser, 0);
    bool triple = toml_peek(parser, 1) == quote && toml_peek(parser, 2) == quote;
    if (triple && !multiline)
        return toml_refuse(parser, opening, "a key cannot be a string over several lines");
    buffer_clear(&parser->scratch);
    parser->at += triple ? 3 : 1;
    if (triple)
        toml_newline(parser);
    if (string_body(parser, opening, quote, triple) < 0)
        return -1;
    string->length = parser->scratch.length;
    string->text = toml_copy(parser, parser->scratch.data, parser->scratch.length);
    return string->text != NULL ? 0 : -1;
}
