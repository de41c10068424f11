#include "ts-llm/models.h"

#include "data/json.h"

#include <stdlib.h>
#include <string.h>

struct model_facts *models_facts(struct model_facts **list, const char *alias)
{
    struct model_facts *facts;
    for (facts = *list; facts != NULL; facts = facts->next) {
        if (strcmp(facts->alias, alias) == 0)
            return facts;
    }
    facts = calloc(1, sizeof *facts);
    if (facts == NULL || (facts->alias = strdup(alias)) == NULL) {
        free(facts);
        return NULL;
    }
    facts->next = *list;
    *list = facts;
    return facts;
}

void models_free(struct model_facts *list)
{
    while (list != NULL) {
        struct model_facts *next = list->next;
        free(list->alias);
        free(list->name);
        free(list);
        list = next;
    }
}

static int64_t told_window(const cJSON *entry)
{
    static const char *const members[] = {
        "max_model_len", "context_length", "context_window", "max_context_length", NULL};
    const cJSON *meta = json_object(entry, "meta");
    int64_t window;
    for (int i = 0; members[i] != NULL; i++) {
        if (json_integer(entry, members[i], &window) && window > 0)
            return window;
    }
    if ((json_integer(meta, "n_ctx", &window) && window > 0) ||
        (json_integer(meta, "n_ctx_train", &window) && window > 0))
        return window;
    return 0;
}

static const char *entry_name(const cJSON *entry)
{
    const char *name = json_string(entry, "id");
    if (name == NULL)
        name = json_string(entry, "name");
    return name != NULL && *name != '\0' ? name : NULL;
}

static long read_entries(struct model_facts *facts, const char *wanted, const cJSON *entries)
{
    long count = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, entries)
    {
        const char *name = entry_name(entry);
        if (name == NULL)
            continue;
        count++;
        if (wanted != NULL ? strcmp(name, wanted) != 0 : count > 1)
            continue;
        facts->context_window = told_window(entry);
        if (wanted == NULL) {
            free(facts->name);
            facts->name = strdup(name);
        }
    }
    return count;
}

long models_read(struct model_facts *facts, const char *wanted, const char *body, size_t length,
    struct error *error)
{
    cJSON *tree = json_parse(body, length, NULL);
    const cJSON *entries = json_array(tree, "data");
    if (entries == NULL)
        entries = json_array(tree, "models");
    if (entries == NULL && cJSON_IsArray(tree))
        entries = tree;
    long count = entries != NULL ? read_entries(facts, wanted, entries) : -1;
    json_free(tree);
    if (count < 0)
        return error_set(error, "the server sent no list of models");
    if (count == 0)
        return error_set(error, "the server offers no models");
    facts->listed = true;
    return count;
}
