#include "agent/tooldef.h"

#include "agent/schema.h"
#include "agent/template.h"
#include "base/buffer.h"
#include "base/spelling.h"
#include "data/json.h"
#include "io/paths.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_LIMIT = 256 << 10, /* bytes of one definition */
    TOOLS_MOST = 1024,      /* more would not fit any model's context */
    NAME_LIMIT = 64,        /* characters: what OpenAI-compatible servers accept */
    WORDS_MOST = 64,        /* entries of "command" and "paths" */
    TIMEOUT_MOST = 86400,   /* seconds */
};

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

void tool_definition_release(struct tool_definition *tool)
{
    free(tool->file);
    free(tool->name);
    free(tool->description);
    json_free(tool->parameters);
    json_free(tool->wire_parameters);
    free(tool->program);
    free_list(tool->argv);
    free(tool->primary_key);
    free_list(tool->paths);
    free(tool->header);
    free(tool->preview);
    *tool = (struct tool_definition){0};
}

void tool_set_release(struct tool_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        tool_definition_release(&set->tools[i]);
    free(set->tools);
    *set = (struct tool_set){0};
}

/* Members. */

static int no_memory(struct error *error)
{
    errno = ENOMEM;
    return error_system(error, "keep the definition");
}

static int copy_text(char **text, const cJSON *value, const char *key, struct error *error)
{
    if (!cJSON_IsString(value) || value->valuestring[0] == '\0')
        return error_set(error, "member '%s': must be a text that is not empty", key);
    *text = strdup(value->valuestring);
    return *text == NULL ? no_memory(error) : 0;
}

static int copy_list(char ***list, const cJSON *value, const char *key, struct error *error)
{
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) > WORDS_MOST)
        return error_set(error, "member '%s': must be a list of at most %d texts", key, WORDS_MOST);
    char **copy = calloc((size_t)cJSON_GetArraySize(value) + 1, sizeof *copy);
    if (copy == NULL)
        return no_memory(error);
    *list = copy;
    const cJSON *item;
    cJSON_ArrayForEach(item, value)
    {
        if (copy_text(copy++, item, key, error) < 0)
            return -1;
    }
    return 0;
}

static int read_flag(bool *flag, const cJSON *value, const char *key, struct error *error)
{
    if (!cJSON_IsBool(value))
        return error_set(error, "member '%s': must be true or false", key);
    *flag = cJSON_IsTrue(value);
    return 0;
}

static bool name_allowed(const char *name)
{
    size_t length =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return length > 0 && length <= NAME_LIMIT && name[length] == '\0';
}

static const char *const sandbox_words[] = {
    [TOOL_SANDBOX_WORKSPACE] = "workspace",
    [TOOL_SANDBOX_SELF] = "self",
    [TOOL_SANDBOX_STRICT] = "strict",
};

const char *tool_sandbox_word(enum tool_sandbox sandbox)
{
    return sandbox_words[sandbox];
}

static int read_sandbox(struct tool_definition *tool, const cJSON *value, struct error *error)
{
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    for (size_t i = 0; i < sizeof sandbox_words / sizeof sandbox_words[0]; i++) {
        if (strcmp(text, sandbox_words[i]) == 0) {
            tool->sandbox = (enum tool_sandbox)i;
            return 0;
        }
    }
    return error_set(error, "member 'sandbox': must be \"workspace\", \"strict\" or \"self\"");
}

static int read_needs(struct tool_definition *tool, const cJSON *value, struct error *error)
{
    const cJSON *need;
    bool known = cJSON_IsArray(value);
    cJSON_ArrayForEach(need, value)
    {
        const char *word = cJSON_IsString(need) ? need->valuestring : "";
        if (strcmp(word, "model") == 0)
            tool->needs |= TOOL_NEEDS_MODEL;
        else if (strcmp(word, "search") == 0)
            tool->needs |= TOOL_NEEDS_SEARCH;
        else
            known = false;
    }
    return known ? 0
                 : error_set(error, "member 'needs': must be a list of \"model\" and \"search\"");
}

static int read_agent(struct tool_definition *tool, const cJSON *value, struct error *error)
{
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    if (strcmp(text, "task") == 0)
        tool->starts_agent = TOOL_GROUP_TASK;
    else if (strcmp(text, "plan") == 0)
        tool->starts_agent = TOOL_GROUP_AGENT;
    else
        return error_set(error, "member 'starts_agent': must be \"task\" or \"plan\"");
    return 0;
}

static int read_preview(struct tool_definition *tool, const cJSON *value, struct error *error)
{
    if (cJSON_IsBool(value)) {
        tool->preview_kind = cJSON_IsTrue(value) ? TOOL_PREVIEW_PROGRAM : TOOL_PREVIEW_NONE;
        return 0;
    }
    if (!cJSON_IsString(value))
        return error_set(error, "member 'preview': must be a template or true");
    if (value->valuestring[0] == '\0')
        return 0;
    tool->preview_kind = TOOL_PREVIEW_TEMPLATE;
    return copy_text(&tool->preview, value, "preview", error);
}

static int read_timeout(struct tool_definition *tool, const cJSON *value, struct error *error)
{
    double seconds = cJSON_IsNumber(value) ? value->valuedouble : -1;
    if (seconds < 0 || seconds > TIMEOUT_MOST)
        return error_set(
            error, "member 'timeout': must be a number of seconds from 0 to %d", TIMEOUT_MOST);
    tool->timeout = seconds;
    return 0;
}

static int read_parameters(struct tool_definition *tool, const cJSON *value, struct error *error)
{
    if ((tool->generated ? schema_check_open(value, error) : schema_check(value, error)) < 0)
        return error_prefix(error, "member 'parameters': ");
    tool->parameters = cJSON_Duplicate(value, true);
    return tool->parameters == NULL ? no_memory(error) : 0;
}

/* Not checked: nobody but the model reads it. */
static int read_wire_parameters(
    struct tool_definition *tool, const cJSON *value, struct error *error)
{
    if (!cJSON_IsObject(value))
        return error_set(error, "member 'wire_parameters': must be an object");
    tool->wire_parameters = cJSON_Duplicate(value, true);
    return tool->wire_parameters == NULL ? no_memory(error) : 0;
}

/* A member that is a plain flag: where it goes; NULL: it is none. */
static bool *flag_of(struct tool_definition *tool, const char *key)
{
    const struct {
        const char *key;
        bool *flag;
    } flags[] = {
        {"agent", &tool->agent},
        {"task_agent", &tool->task_agent},
        {"auto_approve", &tool->auto_approve},
        {"network", &tool->network},
        {"read_only", &tool->read_only},
        {"parallel", &tool->parallel},
        {"stream", &tool->stream},
        {"state", &tool->state},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(key, flags[i].key) == 0)
            return flags[i].flag;
    }
    return NULL;
}

/* Every member, for the one who wrote another. */
static int unknown_member(const char *key, struct error *error)
{
    static const char *const members[] = {"name", "description", "parameters", "command", "timeout",
        "sandbox", "network", "read_only", "parallel", "stream", "state", "header", "preview",
        "paths", "auto_approve", "primary_key", "agent", "task_agent", "wire_parameters", "needs",
        "starts_agent", NULL};
    const char *nearest = spelling_nearest(key, members);
    if (nearest != NULL)
        return error_set(error, "unknown member '%s': did you mean '%s'?", key, nearest);
    struct buffer list;
    buffer_init(&list, ERROR_TEXT_SIZE);
    for (size_t i = 0; members[i] != NULL; i++)
        (void)buffer_printf(&list, "%s%s", i > 0 ? ", " : "", members[i]);
    error_set(error, "unknown member '%s'; there are: %s", key, list.data);
    buffer_release(&list);
    return -1;
}

static int read_member(struct tool_definition *tool, const cJSON *value, struct error *error)
{
    const char *key = value->string;
    bool *flag = flag_of(tool, key);
    if (flag != NULL)
        return read_flag(flag, value, key, error);
    if (strcmp(key, "name") == 0)
        return copy_text(&tool->name, value, key, error);
    if (strcmp(key, "description") == 0)
        return copy_text(&tool->description, value, key, error);
    if (strcmp(key, "parameters") == 0)
        return read_parameters(tool, value, error);
    if (strcmp(key, "wire_parameters") == 0)
        return read_wire_parameters(tool, value, error);
    if (strcmp(key, "primary_key") == 0)
        return copy_text(&tool->primary_key, value, key, error);
    if (strcmp(key, "command") == 0)
        return copy_list(&tool->argv, value, key, error);
    if (strcmp(key, "timeout") == 0)
        return read_timeout(tool, value, error);
    if (strcmp(key, "sandbox") == 0)
        return read_sandbox(tool, value, error);
    if (strcmp(key, "needs") == 0)
        return read_needs(tool, value, error);
    if (strcmp(key, "starts_agent") == 0)
        return read_agent(tool, value, error);
    if (strcmp(key, "header") == 0)
        return copy_text(&tool->header, value, key, error);
    if (strcmp(key, "preview") == 0)
        return read_preview(tool, value, error);
    if (strcmp(key, "paths") == 0)
        return copy_list(&tool->paths, value, key, error);
    return unknown_member(key, error);
}

static int read_members(struct tool_definition *tool, const cJSON *tree, struct error *error)
{
    const cJSON *value;
    cJSON_ArrayForEach(value, tree)
    {
        if (json_get(tree, value->string) != value)
            return error_set(error, "member '%s' is given twice", value->string);
        if (read_member(tool, value, error) < 0)
            return -1;
    }
    return 0;
}

/* A whole definition. */

static int check_sandbox(const struct tool_definition *tool, bool shipped, struct error *error)
{
    if (tool->sandbox == TOOL_SANDBOX_SELF && !shipped)
        return error_set(error, "member 'sandbox': only shipped tools may say \"self\"");
    if (tool->needs != 0 && tool->sandbox != TOOL_SANDBOX_SELF)
        return error_set(
            error, "member 'needs': keys are for shipped tools whose sandbox is \"self\"");
    if (tool->network && tool->sandbox == TOOL_SANDBOX_STRICT)
        return error_set(error, "member 'network': there is none in the sandbox \"strict\"");
    return 0;
}

/* Members that refer to each other. file_name NULL: it has none. */
static int check_definition(
    struct tool_definition *tool, const char *file_name, bool shipped, struct error *error)
{
    if (tool->name == NULL || tool->description == NULL || tool->parameters == NULL)
        return error_set(error, "member '%s' is missing",
            tool->name == NULL          ? "name"
            : tool->description == NULL ? "description"
                                        : "parameters");
    if (!name_allowed(tool->name))
        return error_set(
            error, "member 'name': must be 1 to %d letters, digits, '_' or '-'", NAME_LIMIT);
    size_t length = strlen(tool->name);
    if (file_name != NULL &&
        (strncmp(file_name, tool->name, length) != 0 || strcmp(file_name + length, ".json") != 0))
        return error_set(error, "member 'name': the file of '%s' must be called '%s.json'",
            tool->name, tool->name);
    if (check_sandbox(tool, shipped, error) < 0)
        return -1;
    if (tool->starts_agent != TOOL_GROUP_ALL && !shipped)
        return error_set(error, "member 'starts_agent': only shipped tools may start agents");
    if (tool->argv == NULL || tool->argv[0] == NULL)
        return error_set(error, "member 'command' is missing: a list, the program first");
    const cJSON *properties = json_get(tool->parameters, "properties");
    if (tool->primary_key != NULL && json_get(properties, tool->primary_key) == NULL)
        return error_set(
            error, "member 'primary_key': there is no parameter '%s'", tool->primary_key);
    for (size_t i = 0; tool->paths != NULL && tool->paths[i] != NULL; i++) {
        const char *type = json_string(json_get(properties, tool->paths[i]), "type");
        if (type == NULL || strcmp(type, "string") != 0)
            return error_set(
                error, "member 'paths': there is no parameter '%s' of type string", tool->paths[i]);
    }
    if (tool->header != NULL && template_check(tool->header, properties, error) < 0)
        return error_prefix(error, "member 'header': ");
    if (tool->preview != NULL && template_check(tool->preview, properties, error) < 0)
        return error_prefix(error, "member 'preview': ");
    return 0;
}

static int join(char **path, const char *directory, const char *name, struct error *error)
{
    struct buffer buffer;
    buffer_init(&buffer, PATH_MAX);
    if (buffer_printf(&buffer, "%s/%s", directory, name) < 0) {
        buffer_release(&buffer);
        return error_system(error, "join '%s' and '%s'", directory, name);
    }
    *path = buffer_take(&buffer);
    return *path == NULL ? no_memory(error) : 0;
}

/* argv[0] of "command" leaves the list and becomes the absolute program. */
static int find_program(
    struct tool_definition *tool, const char *directory, bool shipped, struct error *error)
{
    char *given = tool->argv[0];
    size_t count = 0;
    while (tool->argv[count + 1] != NULL) {
        tool->argv[count] = tool->argv[count + 1];
        count++;
    }
    tool->argv[count] = NULL;
    if (given[0] == '/') {
        tool->program = given;
        return 0;
    }
    char path[PATH_MAX];
    int result = paths_resolve(path, sizeof path, directory, given, error);
    if (result == 0 && shipped && access(path, X_OK) < 0) {
        char name[PATH_MAX];
        snprintf(name, sizeof name, "tools/%s", given);
        result = paths_libexec(path, sizeof path, name, error);
        if (result == 0 && access(path, X_OK) < 0) {
            char helper[PATH_MAX]; /* a program of ours that answers as a tool too */
            if (paths_helper(helper, sizeof helper, given, error) == 0 && access(helper, X_OK) == 0)
                memcpy(path, helper, sizeof path);
        }
    }
    free(given);
    if (result == 0 && (tool->program = strdup(path)) == NULL)
        return no_memory(error);
    return result;
}

static int read_file(const char *path, struct buffer *text, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_system(error, "open");
    ssize_t count = 0;
    int result = 0;
    do {
        if (buffer_reserve(text, 4096) < 0) {
            result = errno == EMSGSIZE ? error_set(error, "longer than %d bytes", FILE_LIMIT)
                                       : error_system(error, "read");
            break;
        }
        count = read(fd, text->data + text->length, 4096);
        if (count > 0)
            text->length += (size_t)count;
        else if (count < 0 && errno != EINTR)
            result = error_system(error, "read");
    } while (result == 0 && count != 0);
    close(fd);
    text->data[text->length] = '\0';
    return result;
}

static int definition_take(struct tool_definition *tool, const cJSON *tree, const char *directory,
    const char *file_name, bool shipped, struct error *error)
{
    if (read_members(tool, tree, error) < 0 ||
        check_definition(tool, file_name, shipped, error) < 0)
        return -1;
    return find_program(tool, directory, shipped, error);
}

static int definition_parse(struct tool_definition *tool, const char *text, size_t length,
    const char *directory, const char *file_name, bool shipped, struct error *error)
{
    cJSON *tree = json_parse_object(text, length, error);
    int result =
        tree == NULL ? -1 : definition_take(tool, tree, directory, file_name, shipped, error);
    json_free(tree);
    return result;
}

static int definition_read(struct tool_definition *tool, const char *directory,
    const char *file_name, bool shipped, struct error *error)
{
    struct buffer text;
    buffer_init(&text, FILE_LIMIT);
    int result = read_file(tool->file, &text, error);
    if (result == 0)
        result =
            definition_parse(tool, text.data, text.length, directory, file_name, shipped, error);
    buffer_release(&text);
    return result;
}

/* Sets. */

/* Takes tool, also when it fails; result is that of reading it. */
static int add_tool(
    struct tool_set *set, struct tool_definition *tool, int result, struct error *error)
{
    if (result < 0)
        error_prefix(error, "tool definition '%s': ", tool->file != NULL ? tool->file : "");
    if (result == 0 && set->count == TOOLS_MOST)
        result = error_set(error, "more than %d tools", TOOLS_MOST);
    const struct tool_definition *other = result == 0 ? tool_set_find(set, tool->name) : NULL;
    if (other != NULL)
        result = error_set(error, "tool '%s' is defined twice: '%s' and '%s'", tool->name,
            other->file, tool->file);
    struct tool_definition *tools =
        result == 0 ? realloc(set->tools, (set->count + 1) * sizeof *tools) : NULL;
    if (tools == NULL) {
        if (result == 0)
            no_memory(error);
        tool_definition_release(tool);
        return -1;
    }
    set->tools = tools;
    set->tools[set->count++] = *tool;
    return 0;
}

static int add_file(struct tool_set *set, const char *directory, const char *file_name,
    bool shipped, struct error *error)
{
    struct tool_definition tool = {.parallel = true};
    int result = join(&tool.file, directory, file_name, error);
    if (result == 0)
        result = definition_read(&tool, directory, file_name, shipped, error);
    return add_tool(set, &tool, result, error);
}

int tool_set_add(struct tool_set *set, const cJSON *definition, const char *origin,
    const char *directory, bool shipped, struct error *error)
{
    struct tool_definition tool = {.parallel = true, .generated = true, .file = strdup(origin)};
    int result = tool.file == NULL
                     ? no_memory(error)
                     : definition_take(&tool, definition, directory, NULL, shipped, error);
    return add_tool(set, &tool, result, error);
}

int tool_set_add_text(struct tool_set *set, const char *text, size_t length, const char *directory,
    const char *file_name, struct error *error)
{
    struct tool_definition tool = {.parallel = true};
    int result = join(&tool.file, directory, file_name, error);
    if (result == 0)
        result = definition_parse(&tool, text, length, directory, file_name, false, error);
    return add_tool(set, &tool, result, error);
}

static int by_name(const void *left, const void *right)
{
    const struct tool_definition *first = left, *second = right;
    return strcmp(first->name, second->name);
}

void tool_set_sort(struct tool_set *set)
{
    if (set->count > 0)
        qsort(set->tools, set->count, sizeof *set->tools, by_name);
}

bool tool_is_definition(const char *file_name)
{
    size_t length = strlen(file_name);
    return file_name[0] != '.' && length > 5 && strcmp(file_name + length - 5, ".json") == 0;
}

static int is_definition(const struct dirent *entry)
{
    return tool_is_definition(entry->d_name);
}

int tool_set_add_directory(
    struct tool_set *set, const char *directory, bool shipped, struct error *error)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_definition, alphasort);
    if (count < 0)
        return error_system(error, "read tool directory '%s'", directory);
    int result = 0;
    for (int i = 0; i < count; i++) {
        if (result == 0)
            result = add_file(set, directory, entries[i]->d_name, shipped, error);
        free(entries[i]);
    }
    free(entries);
    tool_set_sort(set);
    return result;
}

static int load_all(struct tool_set *set, const char *tools_dir, struct error *error)
{
    char path[PATH_MAX];
    const char *shipped = getenv("TS_TOOLDEFS_DIR");
    if (shipped == NULL || shipped[0] == '\0') {
        if (paths_share(path, sizeof path, "tooldefs", error) < 0)
            return -1;
        shipped = path;
    }
    if (tool_set_add_directory(set, shipped, true, error) < 0)
        return -1;
    if (tools_dir != NULL && tools_dir[0] != '\0') {
        char expanded[PATH_MAX];
        if (paths_expand_home(expanded, sizeof expanded, tools_dir, error) < 0)
            return -1;
        return tool_set_add_directory(set, expanded, false, error);
    }
    /* Without a home directory there are no user's tools: nothing to complain about. */
    if (paths_user(path, sizeof path, PATHS_CONFIG, "tools", NULL) < 0 || access(path, F_OK) < 0)
        return 0;
    return tool_set_add_directory(set, path, false, error);
}

int tool_set_load(struct tool_set *set, const char *tools_dir, struct error *error)
{
    *set = (struct tool_set){0};
    if (load_all(set, tools_dir, error) == 0)
        return 0;
    tool_set_release(set);
    return -1;
}
