/*
 * Since 2026-07-28 a request says method and name once more in headers, and a
 * tool may want arguments said there too ("x-mcp-header" in its schema), so
 * that what stands between client and server need not read the body.
 */
#include "bridge.h"

#include "common/program.h"
#include "data/json.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    DEPTH_MOST = 16, /* of arguments within arguments */
    TOOLS_MOST = 1024,
    WISHES_MOST = 32, /* of one tool */
};

static const char mark[] = "x-mcp-header";

/* All marks, wherever they are; what is no schema but data is passed over. */
static int count_marks(const cJSON *schema, bool names)
{
    static const char *const data[] = {"default", "examples", "enum", "const"};
    int count = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, schema)
    {
        bool skip = false;
        for (size_t i = 0; i < sizeof data / sizeof data[0] && !names && member->string != NULL;
             i++)
            skip = skip || strcmp(member->string, data[i]) == 0;
        if (skip)
            continue;
        bool named = member->string != NULL && !names;
        count += named && strcmp(member->string, mark) == 0;
        count += count_marks(member, named && strcmp(member->string, "properties") == 0);
    }
    return count;
}

static bool is_primitive(const char *type)
{
    return type != NULL && (strcmp(type, "string") == 0 || strcmp(type, "integer") == 0 ||
                               strcmp(type, "boolean") == 0);
}

/* Collect "header": [path...] into wishes. 0, or -1: the schema has a wish that is no valid one. */
static int collect(const cJSON *schema, cJSON *wishes, const char *path[DEPTH_MOST], int depth)
{
    const cJSON *property;
    cJSON_ArrayForEach(property, json_object(schema, "properties"))
    {
        const cJSON *wish = json_get(property, mark);
        if (depth == DEPTH_MOST)
            return wish != NULL || count_marks(property, false) > 0 ? -1 : 0;
        path[depth] = property->string;
        if (wish != NULL) {
            struct headers probe = {0};
            bool valid = cJSON_IsString(wish) && is_primitive(json_string(property, "type")) &&
                         cJSON_GetArraySize(wishes) < WISHES_MOST &&
                         headers_add(&probe, wish->valuestring, "x", NULL) == 0;
            headers_release(&probe);
            const cJSON *other;
            cJSON_ArrayForEach(other, wishes) valid =
                valid && strcasecmp(other->string, wish->valuestring) != 0;
            cJSON *list = valid ? cJSON_CreateStringArray(path, depth + 1) : NULL;
            if (list == NULL || json_add(wishes, wish->valuestring, list) < 0)
                return -1;
        }
        if (collect(property, wishes, path, depth + 1) < 0)
            return -1;
    }
    return 0;
}

static cJSON *wishes_of(const cJSON *tool)
{
    const char *path[DEPTH_MOST];
    const cJSON *schema = json_object(tool, "inputSchema");
    cJSON *wishes = cJSON_CreateObject();
    if (wishes != NULL && collect(schema, wishes, path, 0) == 0 &&
        count_marks(schema, false) == cJSON_GetArraySize(wishes))
        return wishes;
    json_free(wishes);
    return NULL;
}

void mirror_tools(struct bridge *bridge, cJSON *message)
{
    cJSON *tools = json_array(json_object(message, "result"), "tools"), *next;
    if (bridge->mirrored == NULL)
        bridge->mirrored = cJSON_CreateObject();
    for (cJSON *tool = tools != NULL ? tools->child : NULL; tool != NULL; tool = next) {
        next = tool->next;
        const char *name = json_string(tool, "name");
        if (name == NULL)
            continue;
        cJSON_DeleteItemFromObjectCaseSensitive(bridge->mirrored, name);
        cJSON *wishes = wishes_of(tool);
        if (wishes == NULL) {
            warn("tool '%.100s' is left out: its schema has an %s that is not valid", name, mark);
            cJSON_Delete(cJSON_DetachItemViaPointer(tools, tool));
        } else if (cJSON_GetArraySize(wishes) > 0 &&
                   cJSON_GetArraySize(bridge->mirrored) < TOOLS_MOST) {
            (void)json_add(bridge->mirrored, name, wishes);
        } else {
            json_free(wishes);
        }
    }
}

static int add_argument(
    struct post *post, const char *wish, const cJSON *value, struct error *error)
{
    char name[300], number[32];
    int64_t integer;
    snprintf(name, sizeof name, "Mcp-Param-%.256s", wish);
    if (cJSON_IsString(value))
        return headers_add_encoded(&post->headers, name, value->valuestring, error);
    if (cJSON_IsBool(value))
        return headers_add(&post->headers, name, cJSON_IsTrue(value) ? "true" : "false", error);
    if (!json_value_integer(value, &integer))
        return 0; /* the server judges what is of the wrong type */
    snprintf(number, sizeof number, "%lld", (long long)integer);
    return headers_add(&post->headers, name, number, error);
}

static int add_arguments(struct post *post, const cJSON *params, struct error *error)
{
    const char *tool = json_string(params, "name");
    const cJSON *wish, *step;
    if (tool == NULL || post->bridge->mirrored == NULL)
        return 0;
    cJSON_ArrayForEach(wish, json_object(post->bridge->mirrored, tool))
    {
        const cJSON *value = json_object(params, "arguments");
        cJSON_ArrayForEach(step, wish) value = json_get(value, step->valuestring);
        if (value != NULL && !cJSON_IsNull(value) &&
            add_argument(post, wish->string, value, error) < 0)
            return -1;
    }
    return 0;
}

int mirror_message(struct post *post, const cJSON *message, struct error *error)
{
    const cJSON *params = json_object(message, "params");
    if (post->method == NULL)
        return 0;
    if (headers_add_encoded(&post->headers, "Mcp-Method", post->method, error) < 0)
        return -1;
    bool call = strcmp(post->method, "tools/call") == 0;
    const char *name = NULL;
    if (call || strcmp(post->method, "prompts/get") == 0)
        name = json_string(params, "name");
    else if (strcmp(post->method, "resources/read") == 0)
        name = json_string(params, "uri");
    if (name != NULL && headers_add_encoded(&post->headers, "Mcp-Name", name, error) < 0)
        return -1;
    return call ? add_arguments(post, params, error) : 0;
}
