/*
 * Any bytes to the TOML reader. What it accepts must print as JSON that our own
 * JSON reader accepts, unless it is deeper than that allows or holds NUL.
 */
#include "base/buffer.h"
#include "data/json.h"
#include "data/toml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(const struct toml_value *root)
{
    struct buffer json;
    struct error error = {""};
    buffer_init(&json, (size_t)64 << 20);
    if (toml_append_json(&json, root, TOML_JSON_TAGGED) < 0)
        abort();
    bool expected = strstr(json.data, "\\u0000") != NULL;
    if (json_check(json.data, json.length, &error) < 0 && !expected &&
        strstr(error.text, "deep") == NULL)
        abort();
    buffer_clear(&json);
    toml_append_json(&json, root, TOML_JSON_PLAIN);
    buffer_release(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {""};
    struct toml_document *document = toml_parse((const char *)data, size, "input", &error);
    if (document != NULL)
        check_json(toml_root(document));
    else if (strncmp(error.text, "input:", 6) != 0)
        abort(); /* a refusal says where */
    toml_free(document);
    return 0;
}
