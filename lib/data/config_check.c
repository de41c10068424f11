/* Types, ranges and choices: whether a value is what its key wants. */
#include "data/config_internal.h"
#include "data/json.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_bounded(const struct config_key *key)
{
    return key->least < key->most;
}

static int refuse_number(const struct config_key *key, const char *text, struct error *error)
{
    const char *kind = key->type == CONFIG_INTEGER ? "a whole number" : "a number";
    if (is_bounded(key))
        return error_set(error, "must be %s from %.12g to %.12g, not '%.60s'", kind, key->least,
            key->most, text);
    return error_set(error, "must be %s, not '%.60s'", kind, text);
}

static int check_number(const struct config_key *key, const char *text, struct error *error)
{
    char *end;
    errno = 0;
    double number =
        key->type == CONFIG_INTEGER ? (double)strtoll(text, &end, 10) : strtod(text, &end);
    /* strtod takes more than a decimal number: white space, hexadecimal, nan. */
    bool decimal = text[0] != '\0' && strspn(text, "+-.0123456789eE") == strlen(text);
    if (!decimal || *end != '\0' || errno == ERANGE || !isfinite(number))
        return refuse_number(key, text, error);
    if (is_bounded(key) && (number < key->least || number > key->most))
        return refuse_number(key, text, error);
    return 0;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *word = choices; *word != '\0';) {
        size_t size = strcspn(word, " ");
        if (size == length && memcmp(word, text, length) == 0)
            return true;
        word += size;
        word += strspn(word, " ");
    }
    return false;
}

int config_parse_boolean(const char *text, bool *truth)
{
    static const char *const yes[] = {"true", "1", "yes", "on"};
    static const char *const no[] = {"false", "0", "no", "off"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *truth = strcmp(text, yes[i]) == 0;
            return 0;
        }
    }
    return -1;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), size = strlen(end);
    return length >= size && strcmp(text + length - size, end) == 0;
}

static int check_url(const char *text, struct error *error)
{
    const char *host = strncmp(text, "http://", 7) == 0    ? text + 7
                       : strncmp(text, "https://", 8) == 0 ? text + 8
                                                           : NULL;
    if (host == NULL || *host == '\0' || *host == '/' || *host == ':')
        return error_set(
            error, "must begin with http:// or https:// and a host, not '%.80s'", text);
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || *at == 0x7F)
            return error_set(error, "must not hold blanks or control characters");
    }
    if (memchr(host, '@', strcspn(host, "/?#")) != NULL)
        return error_set(error, "must not hold a user or password: use api_key");
    return 0;
}

/* A key goes into a header line or onto a wire as it is. */
static int check_secret(const char *text, struct error *error)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7F)
            return error_set(error, "must not hold control characters or newlines");
    }
    return 0;
}

int config_check_text(const struct config_key *key, const char *text, struct error *error)
{
    bool truth;
    switch (key->type) {
    case CONFIG_INTEGER:
    case CONFIG_NUMBER:
        return check_number(key, text, error);
    case CONFIG_BOOLEAN:
        if (config_parse_boolean(text, &truth) == 0)
            return 0;
        return error_set(error, "must be true or false, not '%.60s'", text);
    case CONFIG_SECRET:
        return check_secret(text, error);
    case CONFIG_TABLE: {
        cJSON *tree = json_parse_object(text, strlen(text), error);
        json_free(tree);
        return tree != NULL ? 0 : error_prefix(error, "must be a JSON object: ");
    }
    case CONFIG_TEXT:
        if (key->choices != NULL && !is_choice(key->choices, text))
            return error_set(error, "must be one of: %s; not '%.60s'", key->choices, text);
        if (text[0] == '\0' && key->fallback != NULL)
            return error_set(error, "must not be empty");
        if (text[0] != '\0' && (ends_with(key->name, "_url") || ends_with(key->name, ".url")))
            return check_url(text, error);
        return 0;
    case CONFIG_PATH:
    case CONFIG_LIST:
        return 0;
    }
    return 0;
}

static const char *wanted(enum config_type type)
{
    switch (type) {
    case CONFIG_INTEGER:
        return "an integer";
    case CONFIG_NUMBER:
        return "a number";
    case CONFIG_BOOLEAN:
        return "true or false";
    case CONFIG_LIST:
        return "an array of strings";
    case CONFIG_TABLE:
        return "a table";
    default:
        return "a string";
    }
}

static bool has_nul(const struct toml_value *string)
{
    return memchr(string->text, '\0', string->count) != NULL;
}

static bool has_type(const struct config_key *key, const struct toml_value *value)
{
    switch (key->type) {
    case CONFIG_INTEGER:
        return value->type == TOML_INTEGER;
    case CONFIG_NUMBER:
        return value->type == TOML_INTEGER || value->type == TOML_FLOAT;
    case CONFIG_BOOLEAN:
        return value->type == TOML_BOOLEAN;
    case CONFIG_LIST:
        return value->type == TOML_ARRAY;
    case CONFIG_TABLE:
        return value->type == TOML_TABLE;
    default:
        return value->type == TOML_STRING;
    }
}

bool config_is_empty(const struct toml_value *value)
{
    return value->type == TOML_STRING && value->count == 0;
}

int config_check_toml(
    const struct config_key *key, const struct toml_value *value, struct error *error)
{
    if (!has_type(key, value))
        return error_set(
            error, "must be %s, not %s", wanted(key->type), toml_type_name(value->type));
    if (value->type == TOML_STRING && has_nul(value))
        return error_set(error, "must not hold a NUL character");
    if (key->type == CONFIG_LIST) {
        for (size_t i = 0; i < value->count; i++) {
            const struct toml_value *item = value->items[i];
            if (item->type != TOML_STRING)
                return error_set(error, "must be %s, but item %zu is %s", wanted(key->type), i + 1,
                    toml_type_name(item->type));
            if (has_nul(item))
                return error_set(error, "must not hold a NUL character");
        }
        return 0;
    }
    if (config_is_empty(value))
        return 0;
    char *text = config_toml_text(value);
    if (text == NULL)
        return errno == EDOM ? error_set(error, "must not hold inf or nan")
                             : error_system(error, "read the value");
    int status = config_check_text(key, text, error);
    free(text);
    return status;
}

char *config_toml_text(const struct toml_value *value)
{
    struct buffer buffer;
    buffer_init(&buffer, TOML_SIZE_LIMIT * 8);
    int status = 0;
    if (value->type == TOML_STRING)
        status = buffer_append(&buffer, value->text, value->count);
    else if (value->type == TOML_FLOAT)
        status = buffer_printf(&buffer, "%.17g", value->number);
    else
        status = toml_append_json(&buffer, value, TOML_JSON_PLAIN);
    char *text = status == 0 ? buffer_take(&buffer) : NULL;
    int saved = errno;
    buffer_release(&buffer);
    errno = saved;
    return text;
}
