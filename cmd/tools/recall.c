/* recall: find memories, and what was said in other conversations. */
#include "common/recall.h"
#include "common/tool_main.h"
#include "common/tool_store.h"
#include "data/store_memory.h"

#include <inttypes.h>
#include <stdlib.h>

static int run(struct tool_call *call, struct error *error)
{
    struct recall recall = {.session = getenv("TS_SESSION_ID"), .limit = RECALL_DEFAULT};
    char scope[PATH_MAX], project[PATH_MAX];
    bool named = false;
    struct store *store = NULL;
    if (tool_optional_text(call, "query", &recall.query, error) < 0 ||
        tool_optional_integer(call, "limit", INT64_MIN, INT64_MAX, &recall.limit, error) < 0 ||
        tool_store_scope(call, scope, &named, error) < 0 || recall_project(project, error) < 0 ||
        tool_store_open(&store, STORE_READ, error) < 0)
        return -1;
    recall.project = project;
    recall.user = scope[0] == '\0';
    int result = recall_append(&call->output, store, &recall, error);
    store_close(store);
    return result;
}

static const struct tool tool = {
    .name = "recall",
    .purpose = "finds memories and what was said in other conversations",
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&tool, argc, argv);
}
