/* tools, list, status: what the servers offer and how they are. */
#include "mcp.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "common/program.h"
#include "data/json.h"
#include "io/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DESCRIPTION_SHOWN = 80, /* bytes of a description in a list */
    NAMES_MOST = 48,        /* columns of the names in a list, beyond which they are not aligned */
    STATUS_SECONDS = 10,    /* for a session process to say how it is */
};

static void note(void *context, const char *text)
{
    (void)context;
    warn("%s", text);
}

static void print_json(const cJSON *tree)
{
    struct buffer text;
    buffer_init(&text, (size_t)ANSWER_LIMIT * 2);
    if (tree == NULL || json_append(&text, tree) < 0 || buffer_append_byte(&text, '\n') < 0)
        die(EXIT_SYSTEM, "print the list: %s", strerror(errno));
    fwrite(text.data, 1, text.length, stdout);
    buffer_release(&text);
}

static struct mcp_listed *listed_of(const struct hub *hub, size_t *count)
{
    struct mcp_listed *listed = calloc(hub->count + 1, sizeof *listed);
    if (listed == NULL)
        die(EXIT_SYSTEM, "out of memory");
    *count = 0;
    for (size_t i = 0; i < hub->count; i++) {
        if (hub->servers[i].tools == NULL || !hub->servers[i].settings->enabled)
            continue;
        listed[*count].settings = hub->servers[i].settings;
        listed[(*count)++].tools = hub->servers[i].tools;
    }
    return listed;
}

int command_tools(const struct request *request)
{
    static struct hub hub;
    struct error error;
    char program[PATH_MAX];
    size_t count;
    if (request->operands[0] != NULL)
        die_usage("unexpected operand '%s'", request->operands[0]);
    hub_open(&hub, request->config);
    hub_take_signals(&hub);
    hub_gather(&hub, NULL, request->refresh);
    for (size_t i = 0; i < hub.count; i++) {
        if (hub.servers[i].error.text[0] != '\0')
            warn("%s; its tools are not offered", hub.servers[i].error.text);
    }
    if (paths_helper(program, sizeof program, "ts-mcp", &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    struct mcp_listed *listed = listed_of(&hub, &count);
    cJSON *definitions =
        mcp_tools_definitions(listed, count, program, CALL_GRACE, note, NULL, &error);
    if (definitions == NULL)
        die(EXIT_SYSTEM, "%s", error.text);
    print_json(definitions);
    json_free(definitions);
    free(listed);
    hub_close(&hub);
    return EXIT_DONE;
}

/* list */

/* One line, in which nothing acts on the terminal or hides. */
static void print_short(const char *text, size_t limit)
{
    struct buffer visible;
    size_t length = strcspn(text, "\r\n");
    size_t shown = length < limit ? length : limit;
    while (shown < length && shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80)
        shown--;
    buffer_init(&visible, (shown + 1) * UTF8_MAXIMUM);
    if (utf8_append_visible(&visible, text, shown, false) < 0)
        die(EXIT_SYSTEM, "out of memory");
    fputs(visible.data, stdout);
    buffer_release(&visible);
    bool more_lines = length < limit && text[length] != '\0';
    if (shown < length || more_lines)
        fputs(" ...", stdout);
}

static int name_width(const cJSON *tools)
{
    size_t width = 0;
    const cJSON *tool;
    cJSON_ArrayForEach(tool, tools)
    {
        size_t length = strlen(json_string(tool, "name"));
        width = length > width && length <= NAMES_MOST ? length : width;
    }
    return (int)width;
}

static void print_tools(const struct hub_server *server)
{
    const cJSON *tool;
    int width = name_width(server->tools);
    cJSON_ArrayForEach(tool, server->tools)
    {
        const char *name = json_string(tool, "name");
        const char *description = json_string(tool, "description");
        printf("  ");
        print_short(name, strlen(name));
        if (description != NULL && description[0] != '\0') {
            int length = (int)strlen(name);
            printf("%*s", width > length ? width - length + 2 : 2, "");
            print_short(description, DESCRIPTION_SHOWN);
        }
        putchar('\n');
    }
}

static void print_server(const struct hub_server *server)
{
    if (!server->settings->enabled) {
        printf("%s: disabled\n", server->settings->name);
    } else if (server->tools == NULL) {
        printf("%s: not available: ", server->settings->name);
        print_short(server->error.text, sizeof server->error.text);
        putchar('\n');
    } else {
        int count = cJSON_GetArraySize(server->tools);
        printf("%s: %d tool%s\n", server->settings->name, count, count == 1 ? "" : "s");
        print_tools(server);
    }
}

static cJSON *server_json(const struct hub_server *server)
{
    cJSON *object = cJSON_CreateObject();
    if (object == NULL || json_add_string(object, "name", server->settings->name) < 0 ||
        json_add_boolean(object, "enabled", server->settings->enabled) < 0 ||
        (server->error.text[0] != '\0' &&
            json_add_string(object, "error", server->error.text) < 0) ||
        (server->tools != NULL &&
            json_add(object, "tools", cJSON_Duplicate(server->tools, true)) < 0))
        die(EXIT_SYSTEM, "out of memory");
    return object;
}

int command_list(const struct request *request)
{
    static struct hub hub;
    const char *only = request->operands[0];
    bool failed = false;
    if (only != NULL && request->operands[1] != NULL)
        die_usage("unexpected operand '%s'", request->operands[1]);
    hub_open(&hub, request->config);
    if (only != NULL)
        (void)hub_need(&hub, only);
    hub_take_signals(&hub);
    /* One that is named is asked: that is how a failure is tried again. */
    hub_gather(&hub, only, request->refresh || only != NULL);
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < hub.count; i++) {
        const struct hub_server *server = &hub.servers[i];
        if (only != NULL && strcmp(only, server->settings->name) != 0)
            continue;
        failed = failed || (server->settings->enabled && server->tools == NULL);
        if (!request->json)
            print_server(server);
        else if (!cJSON_AddItemToArray(list, server_json(server)))
            die(EXIT_SYSTEM, "out of memory");
    }
    if (request->json)
        print_json(list);
    else if (hub.count == 0)
        warn("no MCP servers are configured");
    json_free(list);
    hub_close(&hub);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

/* status */

static cJSON *status_of_session(const char *path)
{
    struct error error;
    int fd = ask_connect(path, &error);
    cJSON *line = cJSON_CreateObject();
    if (fd < 0)
        die(EXIT_FAILED, "%s", error.text);
    if (line == NULL || json_add_string(line, "type", "status") < 0)
        die(EXIT_SYSTEM, "out of memory");
    cJSON *answer = ask(fd, line, STATUS_SECONDS, NULL, NULL, &error);
    if (answer == NULL)
        die(EXIT_FAILED, "%s", error.text);
    json_free(line);
    close(fd);
    cJSON *servers = cJSON_DetachItemFromObjectCaseSensitive(answer, "servers");
    json_free(answer);
    return servers;
}

static cJSON *status_by_trying(const struct request *request)
{
    static struct hub hub;
    cJSON *list = cJSON_CreateArray();
    hub_open(&hub, request->config);
    hub_take_signals(&hub);
    hub_gather(&hub, NULL, true);
    for (size_t i = 0; i < hub.count; i++) {
        cJSON *object = cJSON_CreateObject();
        if (object == NULL || mcp_server_describe(hub.servers[i].server, object) < 0 ||
            !cJSON_AddItemToArray(list, object))
            die(EXIT_SYSTEM, "out of memory");
    }
    hub_close(&hub);
    return list;
}

static void print_lines(const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        fputs("  | ", stdout);
        print_short(text, length);
        if (length == 0)
            putchar('\n');
        else
            fputs("\n", stdout);
        text += length + (text[length] == '\n');
    }
}

static bool print_status(const cJSON *server)
{
    int64_t number;
    const char *name = json_string(server, "name");
    const char *state = json_string(server, "state");
    const char *error = json_string(server, "error");
    const char *errors = json_string(server, "stderr");
    const char *protocol = json_string(server, "protocol");
    const char *own = json_string(server, "server");
    printf("%s: %s", name != NULL ? name : "?", state != NULL ? state : "?");
    if (protocol != NULL)
        printf(", protocol %s", protocol);
    if (json_integer(server, "tools", &number))
        printf(", %lld tools", (long long)number);
    if (own != NULL && own[0] != '\0') {
        fputs(", ", stdout);
        print_short(own, 100);
    }
    if (json_integer(server, "starts", &number) && number > 1)
        printf(", started %lld times", (long long)number);
    putchar('\n');
    if (error != NULL) {
        fputs("  last error: ", stdout);
        print_short(error, ERROR_TEXT_SIZE);
        putchar('\n');
    }
    if (json_integer(server, "retry_ms", &number))
        printf("  not started again for %.1f s\n", (double)number / 1000);
    if (errors != NULL)
        print_lines(errors);
    return state == NULL || strcmp(state, "failed") != 0;
}

int command_status(const struct request *request)
{
    const char *path = getenv("TS_MCP_SOCKET");
    bool well = true;
    if (request->operands[0] != NULL)
        die_usage("unexpected operand '%s'", request->operands[0]);
    cJSON *servers =
        path != NULL && path[0] != '\0' ? status_of_session(path) : status_by_trying(request);
    const cJSON *server;
    cJSON_ArrayForEach(server, servers)
    {
        const char *state = json_string(server, "state");
        well = well && (state == NULL || strcmp(state, "failed") != 0);
        if (!request->json)
            well = print_status(server) && well;
    }
    if (request->json)
        print_json(servers);
    else if (cJSON_GetArraySize(servers) == 0)
        warn("no MCP servers are configured");
    json_free(servers);
    return well ? EXIT_DONE : EXIT_FAILED;
}
