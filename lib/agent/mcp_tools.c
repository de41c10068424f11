#include "agent/mcp_tools.h"

#include "agent/mcp_schema.h"
#include "base/buffer.h"
#include "base/utf8.h"
#include "data/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_LIMIT = 256,             /* bytes of a tool's own name */
    DESCRIPTION_LIMIT = 16 << 10, /* bytes; every request carries it */
    SCHEMA_LIMIT = 128 << 10,     /* bytes; the same */
};

static void tell(mcp_note *note, void *context, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(mcp_note *note, void *context, const char *format, ...)
{
    struct error text;
    va_list values;
    if (note == NULL)
        return;
    va_start(values, format);
    vsnprintf(text.text, sizeof text.text, format, values);
    va_end(values);
    note(context, text.text);
}

const cJSON *mcp_tools_find(const cJSON *tools, const char *name)
{
    const cJSON *tool;
    cJSON_ArrayForEach(tool, tools)
    {
        const char *own = json_string(tool, "name");
        if (own != NULL && strcmp(own, name) == 0)
            return tool;
    }
    return NULL;
}

static size_t schema_size(const cJSON *schema)
{
    struct buffer text;
    buffer_init(&text, SCHEMA_LIMIT);
    size_t size = schema != NULL && json_append(&text, schema) < 0 ? SCHEMA_LIMIT + 1 : text.length;
    buffer_release(&text);
    return size;
}

/* NULL: it can be offered. */
static const char *fault_of(const cJSON *tools, const cJSON *tool)
{
    const char *name = json_string(tool, "name");
    if (name == NULL || name[0] == '\0' || strlen(name) > NAME_LIMIT)
        return "it has no name that could be used";
    if (mcp_tools_find(tools, name) != NULL)
        return "there is another one of this name";
    if (schema_size(json_get(tool, "inputSchema")) > SCHEMA_LIMIT)
        return "its schema is too long";
    return NULL;
}

int mcp_tools_add(
    cJSON *tools, const cJSON *page, mcp_note *note, void *context, struct error *error)
{
    const cJSON *tool;
    cJSON_ArrayForEach(tool, page)
    {
        const char *fault = fault_of(tools, tool);
        if (fault != NULL) {
            const char *name = json_string(tool, "name");
            tell(note, context, "tool '%.100s' is not offered: %s", name != NULL ? name : "?",
                fault);
            continue;
        }
        if (cJSON_GetArraySize(tools) >= MCP_TOOLS_MOST)
            return error_set(error, "it has more than %d tools", MCP_TOOLS_MOST);
        cJSON *copy = cJSON_Duplicate(tool, true);
        if (copy == NULL || !cJSON_AddItemToArray(tools, copy)) {
            json_free(copy);
            errno = ENOMEM;
            return error_system(error, "keep its tools");
        }
    }
    return 0;
}

int mcp_tool_hash(char hash[MCP_HASH_SIZE], const cJSON *tool)
{
    static const char *const members[] = {
        "name", "title", "description", "inputSchema", "annotations"};
    struct buffer text;
    int result = 0;
    buffer_init(&text, MCP_TOOLS_BYTES);
    for (size_t i = 0; i < sizeof members / sizeof members[0] && result == 0; i++) {
        const cJSON *member = json_get(tool, members[i]);
        if (member != NULL)
            result = json_append(&text, member);
        if (result == 0)
            result = buffer_append_byte(&text, '\n');
    }
    mcp_hash(hash, text.data, text.length);
    buffer_release(&text);
    return result;
}

void mcp_tool_hints(char *text, size_t size, const cJSON *tool)
{
    static const struct {
        const char *key;
        const char *yes, *no;
    } hints[] = {
        {"readOnlyHint", "read-only", "not read-only"},
        {"destructiveHint", "destructive", "not destructive"},
        {"idempotentHint", "idempotent", NULL},
        {"openWorldHint", "reaches outside", "stays inside"},
    };
    const cJSON *annotations = json_object(tool, "annotations");
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        const cJSON *hint = json_get(annotations, hints[i].key);
        const char *word = cJSON_IsTrue(hint)    ? hints[i].yes
                           : cJSON_IsFalse(hint) ? hints[i].no
                                                 : NULL;
        if (word != NULL && length < size)
            length += (size_t)snprintf(
                text + length, size - length, "%s%s", length > 0 ? ", " : "", word);
    }
}

/* Definitions. */

struct maker {
    cJSON *list;
    const char *program;
    double grace;
    bool plain; /* this pass takes the tools with plain names, the next one the others */
    bool full;
};

static bool is_taken(const cJSON *list, const char *name)
{
    return mcp_tools_find(list, name) != NULL;
}

static bool choose_name(
    const struct maker *maker, char name[MCP_NAME_SIZE], const char *server, const char *tool)
{
    mcp_name(name, server, tool, false);
    if (!is_taken(maker->list, name))
        return true;
    mcp_name(name, server, tool, true);
    return !is_taken(maker->list, name);
}

/* What the model reads is marked as somebody else's words, and a person would see all of them. */
static int add_description(cJSON *definition, const char *server, const cJSON *tool)
{
    struct buffer text, plain;
    const char *own = json_string(tool, "description");
    if (own == NULL || own[0] == '\0')
        own = json_string(tool, "title");
    if (own == NULL)
        own = "";
    size_t length = strlen(own);
    size_t shown = length > DESCRIPTION_LIMIT ? utf8_valid_prefix(own, DESCRIPTION_LIMIT) : length;
    buffer_init(&plain, DESCRIPTION_LIMIT);
    buffer_init(&text, (size_t)DESCRIPTION_LIMIT * UTF8_MAXIMUM + 256);
    int result = buffer_append(&plain, own, shown);
    for (size_t i = 0; i < plain.length; i++) {
        unsigned char byte = (unsigned char)plain.data[i];
        if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f)
            plain.data[i] = ' ';
    }
    result |= buffer_printf(&text, "[MCP: %s] ", server);
    result |= utf8_append_visible(&text, plain.data, plain.length, true);
    buffer_release(&plain);
    if (shown < length)
        result |= buffer_append_text(&text, " [cut]");
    if (result == 0)
        result = json_add_string(definition, "description", text.data);
    buffer_release(&text);
    return result;
}

static int add_command(
    const struct maker *maker, cJSON *definition, const char *server, const cJSON *tool)
{
    char hash[MCP_HASH_SIZE], hints[128];
    if (mcp_tool_hash(hash, tool) < 0)
        return -1;
    mcp_tool_hints(hints, sizeof hints, tool);
    const char *const words[] = {maker->program, "call", "--as-tool", "--hash", hash, "--hints",
        hints, "--", server, json_string(tool, "name")};
    cJSON *command = cJSON_CreateArray();
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i][0] == '\0' || (i + 1 < sizeof words / sizeof words[0] &&
                                       strcmp(words[i], "--hints") == 0 && hints[0] == '\0'))
            continue;
        cJSON *word = cJSON_CreateString(words[i]);
        if (word == NULL || !cJSON_AddItemToArray(command, word)) {
            json_free(word);
            json_free(command);
            return -1;
        }
    }
    return json_add(definition, "command", command);
}

static cJSON *make_definition(const struct maker *maker, const char *name,
    const struct mcp_settings *settings, const cJSON *tool)
{
    cJSON *definition = cJSON_CreateObject();
    const cJSON *schema = json_get(tool, "inputSchema");
    if (definition == NULL || json_add_string(definition, "name", name) < 0 ||
        add_description(definition, settings->name, tool) < 0 ||
        json_add(definition, "parameters", mcp_schema_checked(schema)) < 0 ||
        json_add(definition, "wire_parameters", mcp_schema_wire(schema)) < 0 ||
        json_add_boolean(definition, "agent", true) < 0 ||
        json_add_boolean(definition, "task_agent", true) < 0 ||
        json_add_boolean(definition, "network", true) < 0 ||
        json_add_boolean(definition, "preview", true) < 0 ||
        json_add_string(definition, "sandbox", "self") < 0 ||
        json_add_number(definition, "timeout", settings->timeout + maker->grace) < 0 ||
        add_command(maker, definition, settings->name, tool) < 0) {
        json_free(definition);
        return NULL;
    }
    return definition;
}

static int define_tool(struct maker *maker, const struct mcp_settings *settings, const cJSON *tool,
    mcp_note *note, void *context)
{
    char name[MCP_NAME_SIZE];
    const char *own = json_string(tool, "name");
    if (own == NULL || mcp_name_is_plain(settings->name, own) != maker->plain)
        return 0;
    if (cJSON_GetArraySize(maker->list) >= MCP_TOTAL_MOST) {
        if (!maker->full)
            tell(note, context, "only %d MCP tools are offered", MCP_TOTAL_MOST);
        maker->full = true;
        return 0;
    }
    if (!choose_name(maker, name, settings->name, own)) {
        tell(note, context,
            "tool '%.100s' of MCP server '%s' is not offered: no name is left for it", own,
            settings->name);
        return 0;
    }
    cJSON *definition = make_definition(maker, name, settings, tool);
    if (definition != NULL && cJSON_AddItemToArray(maker->list, definition))
        return 0;
    json_free(definition);
    return -1;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(
        json_string(*(cJSON *const *)left, "name"), json_string(*(cJSON *const *)right, "name"));
}

static cJSON *sort(cJSON *list)
{
    size_t count = (size_t)cJSON_GetArraySize(list);
    cJSON **items = calloc(count + 1, sizeof *items);
    cJSON *sorted = cJSON_CreateArray();
    if (items == NULL || sorted == NULL) {
        free(items);
        json_free(sorted);
        json_free(list);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        items[i] = cJSON_DetachItemFromArray(list, 0);
    qsort(items, count, sizeof *items, by_name);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(sorted, items[i]);
    free(items);
    json_free(list);
    return sorted;
}

cJSON *mcp_tools_definitions(const struct mcp_listed *listed, size_t count, const char *program,
    double grace, mcp_note *note, void *context, struct error *error)
{
    struct maker maker = {.list = cJSON_CreateArray(), .program = program, .grace = grace};
    int result = maker.list == NULL ? -1 : 0;
    /* A tool whose name needs no change keeps it, whoever else would like to have it. */
    for (int pass = 0; pass < 2; pass++) {
        maker.plain = pass == 0;
        for (size_t i = 0; i < count; i++) {
            const cJSON *tool;
            cJSON_ArrayForEach(tool, listed[i].tools)
            {
                if (result == 0)
                    result = define_tool(&maker, listed[i].settings, tool, note, context);
            }
        }
    }
    cJSON *sorted = result == 0 ? sort(maker.list) : NULL;
    if (result < 0)
        json_free(maker.list);
    if (sorted == NULL) {
        errno = ENOMEM;
        error_system(error, "make the definitions of MCP tools");
    }
    return sorted;
}
