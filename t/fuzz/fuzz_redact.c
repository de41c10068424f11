/* Any bytes; behind the first NUL a secret that must not come out again. */
#include "agent/redact.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, 0, size);
    size_t length = end != NULL ? (size_t)(end - data) : size;
    char *secret = end != NULL ? strndup((const char *)end + 1, size - length - 1) : NULL;
    struct redactor redactor = {.count = 0};
    struct buffer out;
    buffer_init(&out, size * 12 + 64);
    if (redact_add(&redactor, secret) < 0 ||
        redact_append(&redactor, (const char *)data, length, &out) < 0)
        abort();
    buffer_release(&out);
    redact_release(&redactor);
    free(secret);
    return 0;
}
