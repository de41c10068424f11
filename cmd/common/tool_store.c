#include "common/tool_store.h"

#include "common/recall.h"
#include "common/settings.h"
#include "data/store_memory.h"

#include <string.h>

int tool_store_open(struct store **store, enum store_mode mode, struct error *error)
{
    struct config *config = config_load(NULL, settings_warn, error);
    if (config == NULL)
        return -1;
    int result = store_open(store, config_text(config, "store.path"), mode, error);
    config_free(config);
    return result;
}

int tool_store_scope(const struct tool_call *call, char *scope, bool *named, struct error *error)
{
    const char *word = NULL;
    if (tool_optional_text(call, "scope", &word, error) < 0)
        return -1;
    *named = word != NULL;
    if (word != NULL && strcmp(word, "user") == 0) {
        scope[0] = '\0';
        return 0;
    }
    if (word != NULL && strcmp(word, "project") != 0)
        return error_set(error, "argument 'scope' must be \"project\" or \"user\"");
    return recall_project(scope, error);
}
