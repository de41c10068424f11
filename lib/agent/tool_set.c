/* Which tools of a set are there for whom, and what the model is told of them. */
#include "agent/tooldef.h"

#include "base/buffer.h"
#include "data/json.h"

#include <stdio.h>
#include <string.h>

static bool is_listed(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; *at != '\0'; at += *at == ',') {
        size_t size = strcspn(at, ",");
        if (size == length && memcmp(at, name, size) == 0)
            return true;
        at += size;
    }
    return false;
}

int tool_set_keep(struct tool_set *set, const char *names, struct error *error)
{
    if (strcmp(names, "none") == 0) {
        tool_set_release(set);
        return 0;
    }
    for (const char *at = names; *at != '\0'; at += *at == ',') {
        char name[128];
        size_t size = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)size, at);
        if (tool_set_find(set, name) == NULL)
            return error_set(error, "there is no tool '%s'", name);
        at += size;
    }
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (is_listed(names, set->tools[i].name))
            set->tools[kept++] = set->tools[i];
        else
            tool_definition_release(&set->tools[i]);
    }
    set->count = kept;
    return 0;
}

const struct tool_definition *tool_set_find(const struct tool_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->tools[i].name, name) == 0)
            return &set->tools[i];
    }
    return NULL;
}

bool tool_in_group(const struct tool_definition *tool, enum tool_group group)
{
    if (group == TOOL_GROUP_ALL)
        return true;
    /* An agent starts no agents, whatever a definition says. */
    return tool->starts_agent == TOOL_GROUP_ALL &&
           (group == TOOL_GROUP_AGENT ? tool->agent : tool->task_agent);
}

void tool_set_keep_group(struct tool_set *set, enum tool_group group)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (tool_in_group(&set->tools[i], group))
            set->tools[kept++] = set->tools[i];
        else
            tool_definition_release(&set->tools[i]);
    }
    set->count = kept;
}

void tool_set_drop_needing(struct tool_set *set, unsigned needs)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        unsigned needed = set->tools[i].needs;
        if (needed == 0 || (needed & ~needs) != 0)
            set->tools[kept++] = set->tools[i];
        else
            tool_definition_release(&set->tools[i]);
    }
    set->count = kept;
}

static int append_tool(const struct tool_definition *tool, struct buffer *buffer)
{
    const cJSON *wire = tool->wire_parameters != NULL ? tool->wire_parameters : tool->parameters;
    if (buffer_append_text(buffer, "{\"type\":\"function\",\"function\":{\"name\":") < 0 ||
        json_append_string(buffer, tool->name, strlen(tool->name)) < 0 ||
        buffer_append_text(buffer, ",\"description\":") < 0 ||
        json_append_string(buffer, tool->description, strlen(tool->description)) < 0 ||
        buffer_append_text(buffer, ",\"parameters\":") < 0 || json_append(buffer, wire) < 0)
        return -1;
    return buffer_append_text(buffer, "}}");
}

int tool_set_append_wire(const struct tool_set *set, enum tool_group group, struct buffer *buffer)
{
    const char *separator = "[";
    for (size_t i = 0; i < set->count; i++) {
        if (!tool_in_group(&set->tools[i], group))
            continue;
        if (buffer_append_text(buffer, separator) < 0 || append_tool(&set->tools[i], buffer) < 0)
            return -1;
        separator = ",";
    }
    return buffer_append_text(buffer, separator[0] == '[' ? "[]" : "]");
}
