/* remember: keep a short text under a key, for this project or for the user everywhere. */
#include "common/tool_main.h"
#include "common/tool_store.h"
#include "data/store_memory.h"

#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\r\n";

static int tell(struct tool_call *call, const char *scope, const char *key, const char *value,
    const char *old, struct error *error)
{
    char name[STORE_MEMORY_KEY_LIMIT + 1];
    if (store_memory_normalise(key, name, error) < 0)
        return -1;
    if (buffer_printf(&call->output, "remembered for %s: %s = %s\n",
            scope[0] != '\0' ? "this project" : "the user", name, value) < 0 ||
        (old != NULL && buffer_printf(&call->output, "before it was: %s\n", old) < 0))
        return error_system(error, "tell what is remembered");
    return 0;
}

static int remember(struct tool_call *call, const char *key, const char *value, struct error *error)
{
    char scope[PATH_MAX], *old = NULL;
    bool named = false;
    struct store *store = NULL;
    if (tool_store_scope(call, scope, &named, error) < 0 ||
        tool_store_open(&store, STORE_WRITE, error) < 0)
        return -1;
    int result = store_memory_set(store, scope, key, value, &old, error);
    if (result >= 0)
        result = tell(call, scope, key, value, old, error);
    free(old);
    store_close(store);
    return result;
}

static int run(struct tool_call *call, struct error *error)
{
    const char *key = NULL, *value = NULL;
    if (tool_text(call, "key", &key, error) < 0 || tool_text(call, "value", &value, error) < 0)
        return -1;
    value += strspn(value, blanks);
    size_t length = strlen(value);
    while (length > 0 && strchr(blanks, value[length - 1]) != NULL)
        length--;
    char *trimmed = strndup(value, length);
    if (trimmed == NULL)
        return error_system(error, "remember");
    int result = remember(call, key, trimmed, error);
    free(trimmed);
    return result;
}

static const struct tool tool = {
    .name = "remember",
    .purpose = "keeps a short text under a key",
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&tool, argc, argv);
}
