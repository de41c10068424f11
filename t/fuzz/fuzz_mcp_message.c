/* A line of an MCP server: what kind of message, its result as text, its tools as definitions. */
#include "agent/mcp_message.h"
#include "agent/mcp_result.h"
#include "agent/mcp_tools.h"
#include "base/buffer.h"
#include "data/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_result(const cJSON *result)
{
    struct mcp_files files = {.prefix = "call"};
    struct buffer text;
    struct error error;
    bool failed;
    buffer_init(&text, 1 << 20);
    (void)mcp_result_append(&text, result, &files, &failed, &error);
    if (strlen(text.data) != text.length)
        abort();
    buffer_release(&text);
}

static void read_tools(const cJSON *result)
{
    static struct mcp_settings settings = {.name = (char *)"a.b", .timeout = 1};
    cJSON *tools = cJSON_CreateArray();
    struct error error;
    if (mcp_tools_add(tools, json_array(result, "tools"), NULL, NULL, &error) == 0) {
        const struct mcp_listed listed = {.settings = &settings, .tools = tools};
        cJSON *list = mcp_tools_definitions(&listed, 1, "/bin/ts-mcp", 1, NULL, NULL, &error);
        if (list == NULL || cJSON_GetArraySize(list) > cJSON_GetArraySize(tools))
            abort();
        const cJSON *definition;
        cJSON_ArrayForEach(definition, list)
        {
            const char *name = json_string(definition, "name");
            size_t plain =
                strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
            if (plain == 0 || plain > 64 || name[plain] != '\0')
                abort();
        }
        json_free(list);
    }
    json_free(tools);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mcp_message message;
    struct error error;
    /* Nothing is to be written. */
    setenv("XDG_STATE_HOME", "/dev/null/state", 1);
    cJSON *tree = json_parse((const char *)data, size, NULL);
    if (tree != NULL && mcp_message_read(tree, &message, &error) == 0) {
        struct buffer answer;
        buffer_init(&answer, 1 << 20);
        if (message.kind == MCP_RESULT) {
            read_result(message.result);
            read_tools(message.result);
        } else if (message.kind == MCP_REQUEST &&
                   mcp_append_error(&answer, message.id, MCP_METHOD_NOT_FOUND, message.method) ==
                       0 &&
                   (json_check(answer.data, answer.length, &error) < 0 ||
                       memchr(answer.data, '\n', answer.length) != NULL)) {
            abort();
        }
        buffer_release(&answer);
    }
    json_free(tree);
    return 0;
}
