/* Shell commands: what is split must keep its own invariants. */
#include "agent/shell_split.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shell_commands commands;
    struct error error;
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (shell_split(text, &commands, &error) == 0) {
        for (size_t i = 0; i < commands.count; i++) {
            size_t length = strlen(commands.items[i].text);
            if (commands.items[i].literal > length || commands.items[i].command > length)
                abort();
        }
        shell_commands_release(&commands);
    }
    free(text);
    return 0;
}
