/*
 * session: keeps the servers of one conversation, which call and status reach
 * through a listening socket that our parent has bound and put on descriptor 3.
 *
 * What a person should know (a server failed, or changed its tools) goes to
 * stdout as info lines. We end when our parent does, or when stdin ends.
 */
#include "mcp.h"

#include "base/buffer.h"
#include "common/program.h"
#include "data/json.h"
#include "io/line_channel.h"
#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LISTENER = 3,
    CLIENTS_MOST = 64, /* of ts-tool-exec and nested agents: a batch runs four calls at once */
    REQUEST_LIMIT = 24 << 20,
    INFO_LIMIT = 16 << 10,
};

struct session;

struct client {
    struct client *next;
    struct session *session;
    struct line_channel channel;
    struct mcp_call *call; /* under way */
    bool answered;
};

struct session {
    struct hub hub;
    struct client *clients;
    size_t client_count;
    cJSON *offered; /* definitions that the conversation's requests name; NULL: not known */
};

/* For a person. */

static void inform(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void inform(const char *format, ...)
{
    struct error text;
    struct buffer line;
    va_list values;
    va_start(values, format);
    vsnprintf(text.text, sizeof text.text, format, values);
    va_end(values);
    buffer_init(&line, INFO_LIMIT);
    if (buffer_append_text(&line, "{\"type\":\"info\",\"message\":") == 0 &&
        json_append_string(&line, text.text, strlen(text.text)) == 0 &&
        buffer_append_text(&line, "}\n") == 0) {
        /* Nobody reads it: nothing is lost. */
        ssize_t ignored = write(STDOUT_FILENO, line.data, line.length);
        (void)ignored;
    }
    buffer_release(&line);
}

static void note(void *context, const struct mcp_server *server, const char *text)
{
    (void)context;
    inform("MCP server '%s': %s", mcp_server_settings(server)->name, text);
}

static bool same_tool(const cJSON *one, const cJSON *other)
{
    char first[MCP_HASH_SIZE], second[MCP_HASH_SIZE];
    return mcp_tool_hash(first, one) == 0 && mcp_tool_hash(second, other) == 0 &&
           strcmp(first, second) == 0;
}

/* Names of the tools of one list that are not, or not the same, in the other one. */
static int differences(
    struct buffer *text, const cJSON *list, const cJSON *other, const char *word, bool changed)
{
    int count = 0;
    const cJSON *tool;
    cJSON_ArrayForEach(tool, list)
    {
        const char *name = json_string(tool, "name");
        const cJSON *twin = name != NULL ? mcp_tools_find(other, name) : NULL;
        if (name == NULL || (changed ? twin == NULL || same_tool(tool, twin) : twin != NULL))
            continue;
        (void)buffer_printf(text, "%s%s %.60s", text->length > 0 ? ", " : "", word, name);
        count++;
    }
    return count;
}

static void tools_known(void *context, struct mcp_server *server, const cJSON *before)
{
    struct session *session = context;
    const char *name = mcp_server_settings(server)->name;
    struct hub_server *entry = hub_find(&session->hub, name);
    const cJSON *now = mcp_server_tools(server);
    struct buffer text;
    /* Before the first answer, what the store had is what the model was told. */
    if (before == NULL)
        before = entry->tools;
    buffer_init(&text, ERROR_TEXT_SIZE / 2);
    int count = before != NULL ? differences(&text, now, before, "new:", false) +
                                     differences(&text, now, before, "changed:", true) +
                                     differences(&text, before, now, "gone:", false)
                               : 1;
    bool announced = before != NULL && count > 0;
    if (count > 0) {
        json_free(entry->tools);
        entry->tools = cJSON_Duplicate(now, true);
        if (entry->tools != NULL)
            cache_write(&session->hub, entry);
    }
    if (announced)
        inform("MCP server '%s' has changed its tools (%s); a new session offers them as they are "
               "now, this one goes on with what it has",
            name, text.data);
    buffer_release(&text);
}

/* Clients. */

static void drop(struct client *client)
{
    struct session *session = client->session;
    struct client **at = &session->clients;
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    session->client_count--;
    if (client->call != NULL)
        mcp_call_cancel(client->call, "whoever called has gone");
    line_channel_close(&client->channel);
    free(client);
}

static void client_ended(void *context)
{
    drop(context);
}

/* Takes the tree. */
static void reply(struct client *client, cJSON *tree)
{
    struct buffer text;
    buffer_init(&text, ANSWER_LIMIT);
    if (tree == NULL || json_append(&text, tree) < 0) {
        buffer_clear(&text);
        (void)buffer_append_text(
            &text, "{\"type\":\"error\",\"message\":\"the result is too long to be passed on\"}");
    }
    json_free(tree);
    (void)line_channel_send(&client->channel, text.data, text.length);
    line_channel_flush(&client->channel);
    buffer_release(&text);
}

static cJSON *line_of(const char *type, const char *message)
{
    cJSON *tree = cJSON_CreateObject();
    if (tree != NULL && json_add_string(tree, "type", type) == 0 &&
        (message == NULL || json_add_string(tree, "message", message) == 0))
        return tree;
    json_free(tree);
    return NULL;
}

static void called(void *context, const cJSON *result, const struct error *error)
{
    struct client *client = context;
    client->call = NULL;
    client->answered = true;
    cJSON *tree = line_of(error != NULL ? "error" : "result", error != NULL ? error->text : NULL);
    if (error == NULL && json_add(tree, "result", cJSON_Duplicate(result, true)) < 0) {
        json_free(tree);
        tree = NULL;
    }
    reply(client, tree);
}

static void progressed(void *context, const char *message)
{
    reply(context, line_of("progress", message));
}

static void begin_call(struct client *client, const cJSON *tree)
{
    struct session *session = client->session;
    const char *name = json_string(tree, "server");
    const char *tool = json_string(tree, "tool");
    struct hub_server *server = name != NULL ? hub_find(&session->hub, name) : NULL;
    struct error error;
    if (server == NULL || tool == NULL || !server->settings->enabled) {
        error_set(&error, "there is no MCP server '%.60s' in the configuration",
            name != NULL ? name : "");
        reply(client, line_of("error", error.text));
        return;
    }
    const struct mcp_request request = {
        .tool = tool,
        .arguments = json_object(tree, "arguments"),
        .hash = json_string(tree, "hash"),
        .seconds = server->settings->timeout,
        .progress = progressed,
        .done = called,
        .context = client,
    };
    client->call = mcp_server_request(server->server, &request);
    if (client->call == NULL)
        reply(client, line_of("error", "out of memory"));
}

static void tell_status(struct client *client)
{
    struct hub *hub = &client->session->hub;
    cJSON *tree = line_of("status", NULL), *list = cJSON_CreateArray();
    for (size_t i = 0; i < hub->count; i++) {
        cJSON *object = cJSON_CreateObject();
        if (object == NULL || mcp_server_describe(hub->servers[i].server, object) < 0 ||
            !cJSON_AddItemToArray(list, object))
            json_free(object);
    }
    if (json_add(tree, "servers", list) < 0) {
        json_free(tree);
        tree = NULL;
    }
    reply(client, tree);
}

static void client_line(void *context, char *line, size_t length)
{
    struct client *client = context;
    struct error error;
    cJSON *tree = line != NULL ? json_parse_object(line, length, &error) : NULL;
    const char *type = json_string(tree, "type");
    if (client->call != NULL)
        reply(client, line_of("error", "there is a request under way on this connection"));
    else if (type != NULL && strcmp(type, "call") == 0)
        begin_call(client, tree);
    else if (type != NULL && strcmp(type, "status") == 0)
        tell_status(client);
    else
        reply(client, line_of("error", "a request is a line of type call or status"));
    json_free(tree);
}

static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == getuid();
}

static void client_waits(void *context, short events)
{
    (void)events;
    struct session *session = context;
    int fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int copy = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 10) : -1;
    struct client *client = NULL;
    if (copy >= 0 && is_ours(fd) && session->client_count < CLIENTS_MOST)
        client = calloc(1, sizeof *client);
    if (client == NULL) {
        close_descriptor(&fd);
        close_descriptor(&copy);
        return;
    }
    client->session = session;
    client->next = session->clients;
    session->clients = client;
    session->client_count++;
    if (line_channel_open(&client->channel, session->hub.host.loop, copy, fd, REQUEST_LIMIT,
            client_line, client_ended, client) < 0)
        drop(client);
}

static void parent_ready(void *context, short events)
{
    char bytes[64];
    struct session *session = context;
    if ((events & (POLLIN | POLLHUP | POLLERR)) == 0 ||
        (read(STDIN_FILENO, bytes, sizeof bytes) < 0 && (errno == EINTR || errno == EAGAIN)))
        return;
    session->hub.stopped = 0;
    loop_stop(session->hub.host.loop);
}

/* The end of our parent is ours, and through ts-jail that of every server. */
static void die_with_parent(void)
{
    pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        exit(EXIT_TERMINATED);
}

int command_session(const struct request *request)
{
    static struct session session;
    struct stat status;
    die_with_parent();
    if (request->operands[0] != NULL)
        die_usage("unexpected operand '%s'", request->operands[0]);
    if (fstat(LISTENER, &status) < 0 || !S_ISSOCK(status.st_mode))
        die_usage("session is started by ts-chat, with a listening socket on descriptor 3");
    (void)fcntl(LISTENER, F_SETFD, FD_CLOEXEC);
    (void)fcntl(LISTENER, F_SETFL, O_NONBLOCK);
    hub_open(&session.hub, request->config);
    cache_read(&session.hub);
    session.hub.host.tools_known = tools_known;
    session.hub.host.note = note;
    session.hub.host.context = &session;
    hub_take_signals(&session.hub);
    if (loop_watch(session.hub.host.loop, LISTENER, POLLIN, client_waits, &session) < 0 ||
        loop_watch(session.hub.host.loop, STDIN_FILENO, POLLIN, parent_ready, &session) < 0)
        die(EXIT_SYSTEM, "out of memory");
    hub_run(&session.hub);
    while (session.clients != NULL)
        drop(session.clients);
    hub_close(&session.hub);
    return EXIT_DONE;
}
