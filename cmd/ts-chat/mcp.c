/*
 * The tools of MCP servers in a conversation. Which there are is settled before
 * its first request and stays: the list is a file for the stages and agents,
 * outside of what a sandboxed tool can write to.
 *
 * The servers are kept by `ts-mcp session`, which is started when somebody
 * first connects to its socket: we bind and watch that, so that a conversation
 * which calls none of these tools starts nothing. An agent uses its parent's.
 */
#include "chat.h"

#include "base/clock.h"
#include "common/mcp_tools.h"
#include "common/program.h"
#include "io/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    NOTES_LIMIT = 16 << 10, /* bytes of what is said behind the session line */
    BACKLOG = 64,
    SESSION_END_MS = 6000, /* for ts-mcp to end its servers */
    RESTART_MS = 1000,     /* between two starts of one that ends at once */
};

static void session_line(void *context, char *line, size_t length);
static void session_ended(void *context);

/* The list. */

static void keep_note(void *context, const char *text)
{
    struct chat *chat = context;
    /* Somebody waits for servers that are asked for the first time, and is told once. What is too
     * much for an event is lost; ts-mcp status says it again. */
    if (isatty(STDERR_FILENO))
        warn("%s", text);
    else
        (void)buffer_printf(&chat->mcp.notes, "%s\n", text);
}

void mcp_load(struct chat *chat)
{
    struct error error;
    buffer_init(&chat->mcp.notes, NOTES_LIMIT);
    buffer_init(&chat->mcp.tools, MCP_TOOLS_TEXT_LIMIT);
    const char *names = chat->tool_names != NULL    ? chat->tool_names
                        : chat->agent != AGENT_NONE ? getenv("TS_TOOLS")
                                                    : NULL;
    if (mcp_tools_load(
            &chat->tools, chat->config, names, &chat->mcp.tools, keep_note, chat, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
}

void mcp_say_notes(struct chat *chat)
{
    char *at = chat->mcp.notes.data;
    while (at[0] != '\0') {
        size_t length = strcspn(at, "\n");
        at[length] = '\0';
        output_message(chat, "info", at);
        at += length + 1;
    }
    buffer_release(&chat->mcp.notes);
}

/* The socket. */

static int write_list(struct chat *chat, struct error *error)
{
    char path[PATH_MAX];
    const struct buffer *text = &chat->mcp.tools;
    snprintf(path, sizeof path, "%.*s/tools.json", PATH_MAX - 16, chat->mcp.directory.path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t sent = 0;
    while (fd >= 0 && sent < text->length) {
        ssize_t count = write(fd, text->data + sent, text->length - sent);
        if (count < 0 && errno != EINTR)
            break;
        sent += count > 0 ? (size_t)count : 0;
    }
    int result = fd < 0 || sent < text->length ? error_system(error, "write '%s'", path) : 0;
    if (fd >= 0)
        close(fd);
    if (result == 0 && setenv("TS_MCP_TOOLS", path, 1) < 0)
        result = error_system(error, "keep the list of MCP tools");
    return result;
}

static int listen_at(struct chat *chat, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s/mcp.sock", PATH_MAX - 16, chat->mcp.directory.path);
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(error, "bind '%s': the path is too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    chat->mcp.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (chat->mcp.listener < 0 ||
        bind(chat->mcp.listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(chat->mcp.listener, BACKLOG) < 0 || setenv("TS_MCP_SOCKET", path, 1) < 0)
        return error_system(error, "bind '%s'", path);
    return 0;
}

/* The session process. */

static int spawn_session(struct chat *chat, struct error *error)
{
    char path[PATH_MAX];
    char *argv[] = {(char *)"ts-mcp", (char *)"session", NULL};
    int input = -1, to = -1, from = -1, output = -1;
    if (paths_helper(path, sizeof path, "ts-mcp", error) < 0)
        return -1;
    if (process_pipe(&input, &to) < 0 || process_pipe(&from, &output) < 0) {
        close_descriptor(&input);
        close_descriptor(&to);
        return error_system(error, "start ts-mcp");
    }
    const struct spawn child = {
        .path = path,
        .argv = argv,
        .environment = config_export(chat->config, 0),
        .descriptors = {input, output, STDERR_FILENO, chat->mcp.listener},
        .descriptor_count = 4,
        .group = SPAWN_OWN_GROUP,
    };
    int result = process_spawn(&chat->mcp.session, &child, error);
    close_descriptor(&input);
    close_descriptor(&output);
    if (result == 0)
        return line_channel_open(&chat->mcp.channel, chat->loop, to, from, LINE_LIMIT, session_line,
            session_ended, chat);
    close_descriptor(&to);
    close_descriptor(&from);
    return result;
}

static void somebody_connects(void *context, short events)
{
    (void)events;
    struct chat *chat = context;
    struct error error;
    loop_unwatch(chat->loop, chat->mcp.listener);
    chat->mcp.started = clock_monotonic_ms();
    if (spawn_session(chat, &error) == 0)
        return;
    output_message(chat, "error", error.text);
    session_ended(chat);
}

static void watch_listener(void *context)
{
    struct chat *chat = context;
    if (loop_watch(chat->loop, chat->mcp.listener, POLLIN, somebody_connects, chat) < 0)
        chat_die_system(chat, "watch the MCP socket");
}

static void session_line(void *context, char *line, size_t length)
{
    struct chat *chat = context;
    cJSON *tree = line != NULL ? json_parse_object(line, length, NULL) : NULL;
    const char *type = json_string(tree, "type");
    const char *message = json_string(tree, "message");
    if (type != NULL && strcmp(type, "info") == 0 && message != NULL)
        output_message(chat, "info", message);
    json_free(tree);
}

/* The next one that connects has it started again, though not at once each time. */
static void session_ended(void *context)
{
    struct chat *chat = context;
    line_channel_close(&chat->mcp.channel);
    process_kill(&chat->mcp.session);
    chat->mcp.timer.call = watch_listener;
    chat->mcp.timer.context = chat;
    loop_timer_set(chat->loop, &chat->mcp.timer, chat->mcp.started + RESTART_MS);
}

/* For others. */

static int open_place(struct chat *chat, struct error *error)
{
    if (state_directory_make(&chat->mcp.directory, error) < 0 || write_list(chat, error) < 0 ||
        listen_at(chat, error) < 0)
        return -1;
    watch_listener(chat);
    return 0;
}

void mcp_open(struct chat *chat)
{
    struct error error;
    if (chat->mcp.tools.length == 0 || chat->mcp.opened || getenv("TS_MCP_TOOLS") != NULL)
        return;
    chat->mcp.opened = true;
    chat->mcp.listener = -1;
    /* Without it each call starts its server, which is slow, but works. */
    if (open_place(chat, &error) < 0)
        output_message(chat, "info", error.text);
}

void mcp_close(struct chat *chat)
{
    int status;
    struct error error;
    buffer_release(&chat->mcp.notes);
    buffer_release(&chat->mcp.tools);
    if (!chat->mcp.opened)
        return;
    loop_timer_cancel(chat->loop, &chat->mcp.timer);
    if (chat->mcp.listener >= 0)
        loop_unwatch(chat->loop, chat->mcp.listener);
    close_descriptor(&chat->mcp.listener);
    /* The end of its input is its end. */
    line_channel_close(&chat->mcp.channel);
    if (chat->mcp.session.pid > 0 &&
        !process_wait(&chat->mcp.session, clock_monotonic_ms() + SESSION_END_MS, &status))
        process_kill(&chat->mcp.session);
    if (state_directory_release(&chat->mcp.directory, &error) < 0)
        warn("%s", error.text);
    chat->mcp.opened = false;
}
