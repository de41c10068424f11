/* Damaged arguments: whatever is accepted must be an object that prints and parses again. */
#include "agent/repair.h"
#include "base/buffer.h"
#include "data/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct repair repair;
    struct error error;
    cJSON *tree = repair_arguments((const char *)data, size, "command", &repair, &error);
    if (tree == NULL)
        return 0;
    struct buffer text;
    buffer_init(&text, 64 << 20);
    if (json_append(&text, tree) == 0 && json_check(text.data, text.length, &error) < 0)
        abort();
    buffer_release(&text);
    json_free(tree);
    return 0;
}
