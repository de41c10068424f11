/* Numbers, booleans and times. */
#include "data/toml_parser.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

/* A value ends where white space, a comment or the structure goes on. */
static size_t token_length(const struct toml_parser *parser)
{
    size_t room = (size_t)(parser->end - parser->at);
    size_t length = 0;
    while (length < room && strchr(" \t\r\n,]}#=[{\"'", parser->at[length]) == NULL)
        length++;
    return length;
}

/* Times. */

/* Exactly count digits; their number, or -1. */
static int digits(const char *text, size_t length, size_t at, size_t count)
{
    int number = 0;
    if (length < at + count)
        return -1;
    for (size_t i = at; i < at + count; i++) {
        if (!is_digit(text[i]))
            return -1;
        number = number * 10 + text[i] - '0';
    }
    return number;
}

static bool has(const char *text, size_t length, size_t at, char byte)
{
    return at < length && text[at] == byte;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* "2026-03-01"; 0: no such date. */
static size_t date_length(const char *text, size_t length)
{
    int year = digits(text, length, 0, 4);
    int month = digits(text, length, 5, 2);
    int day = digits(text, length, 8, 2);
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
        !has(text, length, 4, '-') || !has(text, length, 7, '-'))
        return 0;
    return 10;
}

/* "10:05:12" with or without a fraction; 0: no such time. A leap second has number 60. */
static size_t clock_length(const char *text, size_t length)
{
    int hour = digits(text, length, 0, 2);
    int minute = digits(text, length, 3, 2);
    int second = digits(text, length, 6, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 ||
        !has(text, length, 2, ':') || !has(text, length, 5, ':'))
        return 0;
    size_t at = 8;
    if (!has(text, length, at, '.'))
        return at;
    size_t fraction = at + 1;
    for (at = fraction; at < length && is_digit(text[at]); at++)
        ;
    return at > fraction ? at : 0;
}

/* "Z" or "+01:00"; 0: none. */
static size_t offset_length(const char *text, size_t length)
{
    if (has(text, length, 0, 'Z') || has(text, length, 0, 'z'))
        return 1;
    if (!has(text, length, 0, '+') && !has(text, length, 0, '-'))
        return 0;
    int hour = digits(text, length, 1, 2);
    int minute = digits(text, length, 4, 2);
    bool good = hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && has(text, length, 3, ':');
    return good ? 6 : 0;
}

static bool looks_like_time(const char *text, size_t length)
{
    return (digits(text, length, 0, 4) >= 0 && has(text, length, 4, '-')) ||
           (digits(text, length, 0, 2) >= 0 && has(text, length, 2, ':'));
}

/* The kind of time the whole text is; TOML_TABLE: none. */
static enum toml_type time_kind(const char *text, size_t length)
{
    if (length > 2 && text[2] == ':')
        return clock_length(text, length) == length ? TOML_LOCAL_TIME : TOML_TABLE;
    size_t at = date_length(text, length);
    if (at == 0)
        return TOML_TABLE;
    if (at == length)
        return TOML_LOCAL_DATE;
    if (strchr("Tt ", text[at]) == NULL)
        return TOML_TABLE;
    at++;
    size_t clock = clock_length(text + at, length - at);
    if (clock == 0)
        return TOML_TABLE;
    at += clock;
    if (at == length)
        return TOML_LOCAL_DATETIME;
    size_t offset = offset_length(text + at, length - at);
    return offset > 0 && at + offset == length ? TOML_OFFSET_DATETIME : TOML_TABLE;
}

static int parse_time(struct toml_parser *parser, struct toml_value *value)
{
    const char *text = parser->at;
    size_t length = token_length(parser);
    /* One blank may stand between date and time. */
    if (length == 10 && toml_peek(parser, 10) == ' ' && is_digit(toml_peek(parser, 11))) {
        parser->at += 11;
        length = 11 + token_length(parser);
        parser->at = text;
    }
    value->type = time_kind(text, length);
    if (value->type == TOML_TABLE)
        return toml_refuse(parser, text, "no date or time that exists: '%.*s'",
            (int)(length < 40 ? length : 40), text);
    char *copy = (char *)toml_copy(parser, text, length);
    if (copy == NULL)
        return -1;
    if (length > 10 && copy[2] != ':')
        copy[10] = 'T';
    if (copy[length - 1] == 'z')
        copy[length - 1] = 'Z';
    value->text = copy;
    value->count = length;
    parser->at += length;
    return 0;
}

/* Numbers. */

/* Digits of a base with single underscores between them; how many bytes, 0: not so. */
static size_t digit_run(const char *text, size_t length, const char *allowed)
{
    size_t at = 0;
    while (at < length) {
        bool underscore = text[at] == '_' && at > 0 && text[at - 1] != '_';
        if (!underscore && (text[at] == '\0' || strchr(allowed, text[at]) == NULL))
            break;
        at++;
    }
    return at > 0 && text[at - 1] == '_' ? 0 : at;
}

static size_t without_underscores(char *plain, const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '_')
            plain[count++] = text[i];
    }
    plain[count] = '\0';
    return count;
}

static int prefixed_integer(const char *text, size_t length, int64_t *number)
{
    static const struct {
        char letter;
        int base;
        const char *allowed;
    } bases[] = {
        {'x', 16, "0123456789abcdefABCDEF"},
        {'o', 8, "01234567"},
        {'b', 2, "01"},
    };
    char plain[TOML_NUMBER_LIMIT + 1];
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        if (text[1] != bases[i].letter)
            continue;
        if (length == 2 || digit_run(text + 2, length - 2, bases[i].allowed) != length - 2)
            return -1;
        without_underscores(plain, text + 2, length - 2);
        errno = 0;
        *number = strtoll(plain, NULL, bases[i].base);
        return 0;
    }
    return -1;
}

/* The length of a whole decimal number without its sign: no zero in front of other digits. */
static size_t whole_length(const char *text, size_t length)
{
    size_t run = digit_run(text, length, "0123456789");
    return run > 1 && text[0] == '0' ? 0 : run;
}

static int decimal(const char *text, size_t length, struct toml_value *value)
{
    size_t at = length > 0 && (text[0] == '+' || text[0] == '-') ? 1 : 0;
    size_t whole = whole_length(text + at, length - at);
    if (whole == 0)
        return -1;
    at += whole;
    value->type = at == length ? TOML_INTEGER : TOML_FLOAT;
    if (has(text, length, at, '.')) {
        size_t fraction = digit_run(text + at + 1, length - at - 1, "0123456789");
        if (fraction == 0)
            return -1;
        at += 1 + fraction;
    }
    if (has(text, length, at, 'e') || has(text, length, at, 'E')) {
        at++;
        if (has(text, length, at, '+') || has(text, length, at, '-'))
            at++;
        size_t exponent = digit_run(text + at, length - at, "0123456789");
        if (exponent == 0)
            return -1;
        at += exponent;
    }
    if (at != length)
        return -1;
    char plain[TOML_NUMBER_LIMIT + 1];
    without_underscores(plain, text, length);
    errno = 0;
    if (value->type == TOML_INTEGER)
        value->integer = strtoll(plain, NULL, 10);
    else
        value->number = strtod(plain, NULL);
    /* A number too small for a double is zero, as everywhere; one too large is refused. */
    if (errno == ERANGE && value->type == TOML_FLOAT && value->number < 1 && value->number > -1)
        errno = 0;
    return 0;
}

/* "inf", "-nan" and the like. */
static bool special_number(const char *text, size_t length, struct toml_value *value)
{
    static const struct {
        const char *text;
        double number;
    } specials[] = {
        {"inf", __builtin_inf()},
        {"+inf", __builtin_inf()},
        {"-inf", -__builtin_inf()},
        {"nan", __builtin_nan("")},
        {"+nan", __builtin_nan("")},
        {"-nan", -__builtin_nan("")},
    };
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        if (strlen(specials[i].text) == length && memcmp(text, specials[i].text, length) == 0) {
            value->type = TOML_FLOAT;
            value->number = specials[i].number;
            return true;
        }
    }
    return false;
}

int toml_scalar(struct toml_parser *parser, struct toml_value *value)
{
    const char *text = parser->at;
    size_t length = token_length(parser);
    if (looks_like_time(text, length))
        return parse_time(parser, value);
    if (length > TOML_NUMBER_LIMIT)
        return toml_refuse(parser, text, "a number of more than %d bytes", TOML_NUMBER_LIMIT);
    errno = 0;
    if ((length == 4 && memcmp(text, "true", 4) == 0) ||
        (length == 5 && memcmp(text, "false", 5) == 0)) {
        value->type = TOML_BOOLEAN;
        value->boolean = length == 4;
    } else if (!special_number(text, length, value)) {
        bool prefixed = length > 1 && text[0] == '0' && strchr("xob", text[1]) != NULL;
        value->type = TOML_INTEGER;
        int status = prefixed ? prefixed_integer(text, length, &value->integer)
                              : decimal(text, length, value);
        if (status < 0)
            return toml_refuse(parser, text, "'%.*s' is no value (texts need quotes)",
                (int)(length > 40  ? 40
                      : length > 0 ? length
                                   : 1),
                text);
        if (errno == ERANGE)
            return toml_refuse(parser, text, "number out of range: '%.*s'",
                (int)(length < 40 ? length : 40), text);
    }
    parser->at += length;
    return 0;
}
