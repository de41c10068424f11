/* The short cut for plain chunks: what it accepts, the tree reads the same. */
#include "agent/chunk.h"
#include "base/buffer.h"
#include "data/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be(const char *wanted, const char *got, size_t length)
{
    size_t wanted_length = wanted != NULL ? strlen(wanted) : 0;
    if (wanted_length != length || (length > 0 && memcmp(wanted, got, length) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer scratch;
    struct plain_chunk chunk;
    char *json = malloc(size);
    if (size > 0)
        memcpy(json, data, size);
    buffer_init(&scratch, 1 << 20);
    if (chunk_read_plain(json, size, &scratch, &chunk)) {
        cJSON *tree = json_parse_object(json, size, NULL);
        const cJSON *choices = json_array(tree, "choices");
        const cJSON *choice = choices != NULL ? choices->child : NULL;
        const cJSON *delta = json_object(choice, "delta");
        if (delta == NULL || choice->next != NULL || json_string(choice, "finish_reason") != NULL ||
            json_object(tree, "usage") != NULL || json_array(delta, "tool_calls") != NULL)
            abort();
        must_be(json_string(delta, "content"), chunk.content, chunk.content_length);
        if (chunk.reasoning_field != NULL)
            must_be(
                json_string(delta, chunk.reasoning_field), chunk.reasoning, chunk.reasoning_length);
        json_free(tree);
    }
    buffer_release(&scratch);
    free(json);
    return 0;
}
