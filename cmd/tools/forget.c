/* forget: remove a memory; when no scope is named, the project's, or else the user's. */
#include "common/tool_main.h"
#include "common/tool_store.h"
#include "data/store_memory.h"

#include <stdlib.h>

static int forget(struct tool_call *call, struct store *store, const char *key, struct error *error)
{
    char place[PATH_MAX], *old = NULL;
    const char *scope = place;
    bool named = false;
    if (tool_store_scope(call, place, &named, error) < 0)
        return -1;
    int found = store_memory_forget(store, scope, key, &old, error);
    if (found == 0 && !named) {
        scope = STORE_SCOPE_USER;
        found = store_memory_forget(store, scope, key, &old, error);
    }
    if (found > 0 && buffer_printf(&call->output, "forgotten for %s: %s\nit was: %s\n",
                         scope[0] != '\0' ? "this project" : "the user", key, old) < 0)
        found = error_system(error, "tell what is forgotten");
    free(old);
    if (found == 0)
        return error_set(error, "there is no memory '%s' %s", key,
            !named             ? "for this project or the user"
            : scope[0] != '\0' ? "for this project"
                               : "for the user");
    return found < 0 ? -1 : 0;
}

static int run(struct tool_call *call, struct error *error)
{
    const char *key = NULL;
    struct store *store = NULL;
    if (tool_text(call, "key", &key, error) < 0 || tool_store_open(&store, STORE_WRITE, error) < 0)
        return -1;
    int result = forget(call, store, key, error);
    store_close(store);
    return result;
}

static const struct tool tool = {
    .name = "forget",
    .purpose = "removes a memory",
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&tool, argc, argv);
}
