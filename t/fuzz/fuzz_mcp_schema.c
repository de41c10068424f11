/* Somebody's inputSchema, then behind a NUL the arguments of a call. */
#include "agent/mcp_schema.h"
#include "agent/schema.h"
#include "data/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, 0, size);
    size_t length = end != NULL ? (size_t)(end - data) : size;
    struct error error;
    cJSON *input = json_parse((const char *)data, length, NULL);
    cJSON *checked = mcp_schema_checked(input);
    cJSON *wire = mcp_schema_wire(input);
    cJSON *arguments =
        end != NULL ? json_parse((const char *)end + 1, size - length - 1, NULL) : NULL;
    const char *type = json_string(wire, "type");
    /* Whatever was given: what comes out can be enforced, and can be sent. */
    if (checked == NULL || wire == NULL || schema_check_open(checked, &error) < 0 || type == NULL ||
        strcmp(type, "object") != 0 || json_object(wire, "properties") == NULL)
        abort();
    if (arguments != NULL)
        (void)schema_validate(checked, arguments, &error);
    json_free(arguments);
    json_free(wire);
    json_free(checked);
    json_free(input);
    return 0;
}
