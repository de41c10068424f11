#include "ts-tool-prep/item.h"

#include "agent/schema.h"
#include "agent/template.h"
#include "base/random.h"
#include "base/utf8.h"
#include "common/program.h"
#include "common/stage.h"
#include "data/json.h"

#include <errno.h>
#include <sha2.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_LIMIT = 64 << 20, /* bytes of a header or preview before it is cut */
    ERROR_LIMIT = 16 << 10,
    HEADER_SHOWN = 200, /* bytes of a header's detail; the preview then has all of it */
    NAME_SHOWN = 100,
    DAMAGED_SHOWN = 4000, /* bytes of arguments that could not be read */
    TOOL_LIST_LIMIT = 4096,
};

#define SIGN_VALID   "\xE2\x9A\x99 " /* U+2699 */
#define SIGN_INVALID "\xE2\x9C\x97 " /* U+2717 */

static void need(int result)
{
    if (result < 0)
        die(EXIT_SYSTEM, "prepare a call: %s", strerror(errno));
}

/* At most length bytes, ending with a whole character. */
static size_t whole_characters(const char *text, size_t length)
{
    size_t whole = utf8_valid_prefix(text, length);
    return length - whole < UTF8_MAXIMUM ? whole : length;
}

void item_release(struct item *item)
{
    free(item->call_id);
    free(item->name);
    json_free(item->arguments);
    json_free(item->paths);
    buffer_release(&item->error);
    buffer_release(&item->shown);
    buffer_release(&item->header);
    buffer_release(&item->preview);
    free(item->approval_label);
}

void item_fail(struct item *item, const char *format, ...)
{
    va_list values;
    if (item->has_error)
        return;
    item->has_error = true;
    va_start(values, format);
    if (buffer_vprintf(&item->error, format, values) < 0)
        need(buffer_append_text(&item->error, "Error: the call cannot run"));
    va_end(values);
}

/* Name and arguments. */

/* As we write it, or as OpenAI does: {"id", "function":{"name","arguments"}}. */
static const cJSON *call_member(const cJSON *call, const char *key)
{
    const cJSON *value = json_get(call, key);
    return value != NULL ? value : json_get(json_get(call, "function"), key);
}

static char *trimmed_copy(const char *text)
{
    const char *space = " \t\r\n";
    text += strspn(text, space);
    size_t length = strlen(text);
    while (length > 0 && strchr(space, text[length - 1]) != NULL)
        length--;
    return stage_need(strndup(text, length));
}

static void read_identity(struct item *item, const cJSON *call)
{
    char minted[RANDOM_SESSION_ID_SIZE + 5] = "call_";
    random_hex(minted + 5, sizeof minted - 5);
    const char *id = json_string(call, "call_id");
    if (id == NULL)
        id = json_string(call, "id");
    item->call_id = stage_need(strdup(id != NULL && id[0] != '\0' ? id : minted));
    const cJSON *name = call_member(call, "name");
    item->name = trimmed_copy(cJSON_IsString(name) ? name->valuestring : "");
}

static void fail_unknown(struct item *item, const struct tool_set *tools)
{
    struct buffer list;
    const char *agent = getenv("TS_AGENT");
    if (agent != NULL && (strcmp(item->name, "task") == 0 || strcmp(item->name, "plan") == 0)) {
        item_fail(item, "Error: agents cannot start agents: do the work yourself");
        return;
    }
    buffer_init(&list, TOOL_LIST_LIMIT);
    for (size_t i = 0; i < tools->count; i++)
        (void)buffer_printf(&list, "%s%s", i > 0 ? ", " : "", tools->tools[i].name);
    item_fail(item, "Unknown tool: %.*s. The tools are: %s", NAME_SHOWN, item->name, list.data);
    buffer_release(&list);
}

/* The argument that a text which is no JSON becomes: only where nothing else is needed. */
static const char *bare_key(const struct tool_definition *tool)
{
    const cJSON *name;
    if (tool->primary_key == NULL)
        return NULL;
    cJSON_ArrayForEach(name, json_get(tool->parameters, "required"))
    {
        if (strcmp(name->valuestring, tool->primary_key) != 0)
            return NULL;
    }
    return tool->primary_key;
}

static void read_arguments(struct item *item, const cJSON *given)
{
    struct error error;
    if (cJSON_IsString(given)) {
        const char *text = given->valuestring;
        item->arguments =
            repair_arguments(text, strlen(text), bare_key(item->tool), &item->repair, &error);
        if (item->arguments == NULL) {
            item_fail(item, "Error: %s", error.text);
            size_t length = strlen(text);
            need(buffer_append(&item->preview, text,
                length > DAMAGED_SHOWN ? whole_characters(text, DAMAGED_SHOWN) : length));
            return;
        }
    } else if (given == NULL || cJSON_IsNull(given)) {
        item->arguments = stage_need(cJSON_CreateObject());
    } else {
        item->arguments = stage_need(cJSON_Duplicate(given, true));
    }
    if (schema_validate(item->tool->parameters, item->arguments, &error) < 0)
        item_fail(item, "Error: %s", error.text);
}

/* Paths. */

static void warn_in_preview(struct item *item, const char *format, const char *text)
{
    need(buffer_append_text(&item->preview, "Warning: "));
    need(buffer_printf(&item->preview, format, text));
    need(buffer_append_byte(&item->preview, '\n'));
}

static void judge_path(struct item *item, const struct item_setting *setting,
    cJSON *shown_arguments, const char *key, const char *given)
{
    enum scope_verdict verdict;
    char resolved[PATH_MAX];
    struct error error;
    buffer_clear(&item->shown);
    if (scope_judge(setting->scope, given, item->tool->read_only, &verdict, resolved, &item->shown,
            &error) < 0) {
        item_fail(item, "Error: argument '%s': %s", key, error.text);
        return;
    }
    /* JSON holds text: a name that is no UTF-8 would reach the tool as another name. */
    if (!utf8_valid(resolved, strlen(resolved))) {
        item_fail(item, "Error: argument '%s': '%s' leads to a name that is no UTF-8", key, given);
        return;
    }
    if (verdict == SCOPE_DENIED)
        item_fail(item, "Error: argument '%s': '%s' is off limits", key, resolved);
    if (verdict == SCOPE_OUTSIDE) {
        item->outside = true;
        warn_in_preview(item, "outside the project: %s", resolved);
    }
    if (verdict == SCOPE_SECRET) {
        item->secret = true;
        warn_in_preview(item, "such a file often holds secrets: %s", resolved);
    }
    cJSON *path = stage_need(cJSON_CreateString(resolved));
    cJSON *shown = stage_need(cJSON_CreateString(item->shown.data));
    if (!cJSON_AddItemToArray(item->paths, stage_need(cJSON_CreateString(resolved))) ||
        !cJSON_ReplaceItemInObjectCaseSensitive(item->arguments, key, path) ||
        !cJSON_ReplaceItemInObjectCaseSensitive(shown_arguments, key, shown))
        die(EXIT_SYSTEM, "out of memory");
}

static void judge_paths(
    struct item *item, const struct item_setting *setting, cJSON *shown_arguments)
{
    for (char **key = item->tool->paths; key != NULL && *key != NULL; key++) {
        const char *given = json_string(item->arguments, *key);
        if (given != NULL && given[0] != '\0' && !item->has_error) {
            char *copy = stage_need(strdup(given)); /* what it points to is replaced */
            judge_path(item, setting, shown_arguments, *key, copy);
            free(copy);
        }
    }
}

/* Header and preview. */

static void list_arguments(struct buffer *buffer, const cJSON *arguments)
{
    const cJSON *argument;
    cJSON_ArrayForEach(argument, arguments)
    {
        need(buffer_printf(buffer, "%s: ", argument->string));
        if (cJSON_IsString(argument))
            need(buffer_append_text(buffer, argument->valuestring));
        else
            need(json_append(buffer, argument));
        need(buffer_append_byte(buffer, '\n'));
    }
}

static bool is_listed(const struct item *item, const struct tool_definition *tool, bool unasked)
{
    return tool->auto_approve == unasked && tool_in_group(tool, item->tool->starts_agent);
}

/* The bytes of "mcp__SERVER__" that the name of an MCP server's tool begins with, else 0. */
static int server_prefix(const char *name)
{
    static const char mark[] = "mcp__";
    const char *end =
        strncmp(name, mark, strlen(mark)) == 0 ? strstr(name + strlen(mark), "__") : NULL;
    return end != NULL ? (int)(end + 2 - name) : 0;
}

/* The tools of one MCP server, of which there may be a hundred, are one entry: they stand side by
 * side. */
static void list_tools(struct item *item, const struct tool_set *tools, bool unasked)
{
    const char *separator = unasked ? "It may use without asking: " : "It asks before: ";
    for (size_t i = 0; i < tools->count; i++) {
        const char *name = tools->tools[i].name;
        int server = server_prefix(name);
        size_t more = 0;
        if (!is_listed(item, &tools->tools[i], unasked))
            continue;
        for (const struct tool_definition *next = &tools->tools[i + 1];
             server > 0 && i + more + 1 < tools->count && is_listed(item, next, unasked) &&
             strncmp(next->name, name, (size_t)server) == 0;
             next++)
            more++;
        if (more > 0)
            need(buffer_printf(
                &item->preview, "%s%.*s* (%zu tools)", separator, server, name, more + 1));
        else
            need(buffer_printf(&item->preview, "%s%s", separator, name));
        i += more;
        separator = ", ";
    }
    if (separator[0] == ',')
        need(buffer_append_byte(&item->preview, '\n'));
}

/* Who lets an agent begin lets it use these. */
static void list_agent_tools(struct item *item, const struct tool_set *tools)
{
    if (item->preview.length > 0 && item->preview.data[item->preview.length - 1] != '\n')
        need(buffer_append_byte(&item->preview, '\n'));
    need(buffer_append_byte(&item->preview, '\n'));
    list_tools(item, tools, true);
    list_tools(item, tools, false);
}

static void write_texts(struct item *item, const cJSON *shown_arguments)
{
    const struct tool_definition *tool = item->tool;
    if (tool->header != NULL) {
        need(template_append(&item->header, tool->header, shown_arguments));
    } else if (tool->primary_key != NULL) {
        const char *text = json_string(shown_arguments, tool->primary_key);
        need(buffer_append_text(&item->header, text != NULL ? text : ""));
    }
    if (tool->preview_kind == TOOL_PREVIEW_TEMPLATE)
        need(template_append(&item->preview, tool->preview, shown_arguments));
    else if (tool->preview_kind == TOOL_PREVIEW_NONE && tool->header == NULL)
        list_arguments(&item->preview, shown_arguments);
}

void item_init(struct item *item, const struct item_setting *setting, const cJSON *call)
{
    *item = (struct item){0};
    buffer_init(&item->error, ERROR_LIMIT);
    buffer_init(&item->shown, PATH_MAX * 4);
    buffer_init(&item->header, TEXT_LIMIT);
    buffer_init(&item->preview, TEXT_LIMIT);
    item->paths = stage_need(cJSON_CreateArray());
    read_identity(item, call);
    item->tool = tool_set_find(setting->tools, item->name);
    if (item->tool == NULL) {
        fail_unknown(item, setting->tools);
        return;
    }
    read_arguments(item, call_member(call, "arguments"));
    if (item->has_error)
        return;
    if (item->repair.repaired)
        warn_in_preview(item, "arguments were repaired (%s)", item->repair.note);
    cJSON *shown_arguments = stage_need(cJSON_Duplicate(item->arguments, true));
    judge_paths(item, setting, shown_arguments);
    if (!item->has_error)
        write_texts(item, shown_arguments);
    if (!item->has_error && item->tool->starts_agent != TOOL_GROUP_ALL)
        list_agent_tools(item, setting->tools);
    json_free(shown_arguments);
}

void item_take_answer(struct item *item, const cJSON *answer)
{
    const char *error = json_string(answer, "error");
    const char *header = json_string(answer, "header");
    const char *preview = json_string(answer, "preview");
    const char *warning = json_string(answer, "warning");
    const char *label = json_string(answer, "approval_label");
    item->preview_cut = json_boolean(answer, "truncated_preview", false);
    /* The model is told of an error at once. Of a file that it may read only when allowed, that
     * would quote lines before anybody was asked: a person sees it instead. */
    if (error != NULL && error[0] != '\0' && (item->outside || item->secret))
        warn_in_preview(item, "it would fail: %s", error);
    else if (error != NULL && error[0] != '\0')
        item_fail(item, "%s", error);
    if (header != NULL) {
        buffer_clear(&item->header);
        need(buffer_append_text(&item->header, header));
    }
    if (warning != NULL && warning[0] != '\0')
        warn_in_preview(item, "%s", warning);
    if (preview != NULL)
        need(buffer_append_text(&item->preview, preview));
    if (label != NULL && label[0] != '\0')
        item->approval_label = stage_need(strdup(label));
}

void item_show_arguments(struct item *item, const char *reason)
{
    warn_in_preview(
        item, "there is no sandbox here, so this is only what was asked for: %s", reason);
    list_arguments(&item->preview, item->arguments);
}

/* The line. */

static void add_text(cJSON *tree, const char *key, const char *text)
{
    need(json_add_string(tree, key, text));
}

static bool header_is_short(const struct item *item)
{
    return item->header.length <= HEADER_SHOWN && strchr(item->header.data, '\n') == NULL;
}

/* "⚙ bash: ls ... (2 more lines)" */
static void add_header(cJSON *tree, const struct item *item)
{
    struct buffer text;
    buffer_init(&text, TEXT_LIMIT);
    const char *detail = item->has_error ? item->error.data : item->header.data;
    if (item->has_error && strncmp(detail, "Error: ", 7) == 0)
        detail += 7;
    size_t line = strcspn(detail, "\n"), shown = line;
    size_t more = 0;
    if (shown > HEADER_SHOWN)
        shown = whole_characters(detail, HEADER_SHOWN);
    for (const char *at = detail + line; *at != '\0'; at++)
        more += *at == '\n' && at[1] != '\0';
    /* A foreign tool is called by its own name, mcp:SERVER/TOOL. */
    bool foreign = item->tool != NULL && item->tool->generated && item->approval_label != NULL;
    need(buffer_printf(&text, "%s%s%.*s%s", item->has_error ? SIGN_INVALID : SIGN_VALID,
        foreign ? "mcp:" : "", NAME_SHOWN, foreign ? item->approval_label : item->name,
        detail[0] != '\0' ? ": " : ""));
    need(buffer_append(&text, detail, shown));
    if (shown < line)
        need(buffer_append_text(&text, " ..."));
    if (more > 0)
        need(buffer_printf(&text, " ... (%zu more line%s)", more, more > 1 ? "s" : ""));
    add_text(tree, "header", text.data);
    buffer_release(&text);
}

/* What the header had to cut is seen in the preview, so that nothing is decided unseen. */
static bool add_preview(cJSON *tree, const struct item *item, size_t limit)
{
    struct buffer text;
    buffer_init(&text, (size_t)TEXT_LIMIT * 2);
    need(buffer_append(&text, item->preview.data, item->preview.length));
    if (!item->has_error && !header_is_short(item) &&
        strstr(item->preview.data, item->header.data) == NULL) {
        if (text.length > 0 && text.data[text.length - 1] != '\n')
            need(buffer_append_byte(&text, '\n'));
        need(buffer_append(&text, item->header.data, item->header.length));
    }
    bool cut = text.length > limit;
    if (cut) {
        size_t total = text.length;
        buffer_truncate(&text, whole_characters(text.data, limit));
        need(buffer_printf(&text, "\n... (%zu of %zu bytes shown)", text.length, total));
    }
    add_text(tree, "preview", text.data);
    buffer_release(&text);
    return cut;
}

static double call_timeout(const struct item *item, const struct item_setting *setting)
{
    double seconds;
    if (json_number(item->arguments, "timeout", &seconds) && seconds > 0)
        return seconds;
    return item->tool->timeout > 0 ? item->tool->timeout : setting->timeout;
}

/* A tool that a server defines may be defined otherwise tomorrow: what a person approves for always
 * is the tool as it is described now. */
static void add_definition_hash(cJSON *tree, const struct tool_definition *tool)
{
    struct buffer text;
    char hash[SHA256_DIGEST_STRING_LENGTH];
    const cJSON *schema = tool->wire_parameters != NULL ? tool->wire_parameters : tool->parameters;
    buffer_init(&text, TEXT_LIMIT);
    need(buffer_append_text(&text, tool->description != NULL ? tool->description : ""));
    need(buffer_append_byte(&text, '\n'));
    need(json_append(&text, schema));
    SHA256Data((const uint8_t *)text.data, text.length, hash);
    buffer_release(&text);
    add_text(tree, "definition_hash", hash);
}

static void add_tool(cJSON *tree, const struct item *item, const struct item_setting *setting)
{
    const struct tool_definition *tool = item->tool;
    need(json_add_boolean(tree, "read_only", tool->read_only));
    need(json_add_boolean(tree, "parallel", tool->parallel));
    add_text(tree, "sandbox", tool_sandbox_word(tool->sandbox));
    need(json_add_boolean(tree, "network", tool->network));
    need(json_add_number(tree, "timeout", call_timeout(item, setting)));
    if (tool->generated)
        add_definition_hash(tree, tool);
}

cJSON *item_line(const struct item *item, const struct item_setting *setting, size_t preview_limit)
{
    cJSON *tree = stage_need(cJSON_CreateObject());
    bool asks = !item->has_error && (!item->tool->auto_approve || item->outside || item->secret ||
                                        item->repair.repaired);
    add_text(tree, "call_id", item->call_id);
    add_text(tree, "func_name", item->name);
    add_header(tree, item);
    bool cut = add_preview(tree, item, preview_limit);
    add_text(
        tree, "approval_label", item->approval_label != NULL ? item->approval_label : item->name);
    need(json_add_boolean(tree, "needs_approval", asks));
    add_text(tree, "error", item->has_error ? item->error.data : NULL);
    cJSON *arguments = item->arguments != NULL && !item->has_error
                           ? cJSON_Duplicate(item->arguments, true)
                           : cJSON_CreateObject();
    need(json_add(tree, "arguments", stage_need(arguments)));
    need(json_add_boolean(tree, "repaired", item->repair.repaired));
    if (item->repair.repaired)
        add_text(tree, "repair_note", item->repair.note);
    need(json_add(tree, "paths", stage_need(cJSON_Duplicate(item->paths, true))));
    need(json_add_boolean(tree, "outside", item->outside));
    if (item->tool != NULL)
        add_tool(tree, item, setting);
    if (cut || item->preview_cut)
        need(json_add_boolean(tree, "truncated_preview", true));
    return tree;
}
