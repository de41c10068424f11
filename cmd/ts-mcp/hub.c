#include "mcp.h"

#include "base/clock.h"
#include "common/program.h"
#include "data/json.h"
#include "io/paths.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LEAVE_MS = 500,  /* for servers to leave by themselves once their stdin has ended */
    ENDED_MS = 3000, /* for ts-jail to end those that do not */
};

static void note_settings(void *context, const char *text)
{
    (void)context;
    warn("%s", text);
}

static void note_server(void *context, const struct mcp_server *server, const char *text)
{
    (void)context;
    warn("MCP server '%s': %s", mcp_server_settings(server)->name, text);
}

static void tools_known(void *context, struct mcp_server *server, const cJSON *before)
{
    (void)before;
    struct hub *hub = context;
    struct hub_server *entry = hub_find(hub, mcp_server_settings(server)->name);
    json_free(entry->tools);
    entry->tools = cJSON_Duplicate(mcp_server_tools(server), true);
    entry->cached = false;
    entry->error.text[0] = '\0';
    if (entry->tools != NULL)
        cache_write(hub, entry);
}

static void set_places(struct hub *hub)
{
    struct error error;
    struct mcp_host *host = &hub->host;
    const char *project = getenv("TS_PROJECT");
    if (paths_helper(host->jail, sizeof host->jail, "ts-jail", &error) < 0 ||
        paths_helper(host->bridge, sizeof host->bridge, "ts-mcp-http", &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    if (paths_user(host->log_directory, sizeof host->log_directory, PATHS_STATE, "mcp", &error) <
            0 ||
        paths_make_private(host->log_directory, &error) < 0) {
        /* Without a place for logs the servers can still be used. */
        host->log_directory[0] = '\0';
    }
    if (project != NULL && project[0] == '/' && strlen(project) < sizeof host->project)
        snprintf(host->project, sizeof host->project, "%s", project);
    else if (getcwd(host->project, sizeof host->project) == NULL)
        die(EXIT_SYSTEM, "find the current directory: %s", strerror(errno));
}

static void before_wait(void *context)
{
    struct hub *hub = context;
    for (size_t i = 0; i < hub->count; i++)
        mcp_server_flush(hub->servers[i].server);
}

void hub_open(struct hub *hub, struct config *config)
{
    struct error error;
    *hub = (struct hub){.config = config};
    if (mcp_settings_load(&hub->list, config, config_number(config, "tools.timeout"), note_settings,
            NULL, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
    hub->host.loop = loop_new();
    hub->servers = calloc(hub->list.count + 1, sizeof *hub->servers);
    if (hub->host.loop == NULL || hub->servers == NULL)
        die(EXIT_SYSTEM, "out of memory");
    set_places(hub);
    hub->host.start_timeout = config_number(config, "mcp.start_timeout");
    hub->host.tools_known = tools_known;
    hub->host.note = note_server;
    hub->host.context = hub;
    for (size_t i = 0; i < hub->list.count; i++) {
        struct hub_server *server = &hub->servers[hub->count++];
        server->hub = hub;
        server->settings = &hub->list.servers[i];
        server->server = mcp_server_new(&hub->host, server->settings);
        if (server->server == NULL)
            die(EXIT_SYSTEM, "out of memory");
    }
    loop_before_wait(hub->host.loop, before_wait, hub);
}

void hub_close(struct hub *hub)
{
    int64_t deadline = clock_monotonic_ms() + LEAVE_MS;
    for (size_t i = 0; i < hub->count; i++)
        mcp_server_end(hub->servers[i].server);
    for (size_t i = 0; i < hub->count; i++)
        (void)mcp_server_wait(hub->servers[i].server, deadline);
    /* Whoever is still there is ended, all at the same time. */
    for (size_t i = 0; i < hub->count; i++)
        mcp_server_stop(hub->servers[i].server);
    deadline = clock_monotonic_ms() + ENDED_MS;
    for (size_t i = 0; i < hub->count; i++) {
        (void)mcp_server_wait(hub->servers[i].server, deadline);
        mcp_server_free(hub->servers[i].server);
        json_free(hub->servers[i].tools);
    }
    free(hub->servers);
    mcp_settings_release(&hub->list);
    loop_free(hub->host.loop);
    *hub = (struct hub){0};
}

struct hub_server *hub_find(struct hub *hub, const char *name)
{
    for (size_t i = 0; i < hub->count; i++) {
        if (strcmp(hub->servers[i].settings->name, name) == 0)
            return &hub->servers[i];
    }
    return NULL;
}

struct hub_server *hub_need(struct hub *hub, const char *name)
{
    struct hub_server *server = hub_find(hub, name);
    if (server == NULL)
        die(EXIT_FAILED, "there is no MCP server '%s' in the configuration", name);
    if (!server->settings->enabled)
        die(EXIT_FAILED, "MCP server '%s' is disabled in the configuration", name);
    return server;
}

static void signalled(void *context, int signal)
{
    struct hub *hub = context;
    hub->stopped = signal;
    loop_stop(hub->host.loop);
}

void hub_take_signals(struct hub *hub)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, 0};
    struct error error;
    if (loop_signals(hub->host.loop, signals, signalled, hub, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
}

void hub_run(struct hub *hub)
{
    struct error error;
    if (loop_run(hub->host.loop, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    if (hub->stopped == 0)
        return;
    int signal = hub->stopped;
    hub_close(hub);
    program_exit(signal == SIGINT ? EXIT_INTERRUPTED : EXIT_TERMINATED);
}

static void gathered(void *context, const cJSON *result, const struct error *error)
{
    (void)result;
    struct hub_server *server = context;
    struct hub *hub = server->hub;
    server->waiting = NULL;
    if (error != NULL) {
        server->error = *error;
        if (hub->stopped == 0)
            cache_write_failure(hub, server);
    }
    if (--hub->waiting == 0)
        loop_stop(hub->host.loop);
}

static void start_asking(struct hub *hub, struct hub_server *server)
{
    const struct mcp_request request = {
        .seconds = hub->host.start_timeout + CALL_GRACE,
        .done = gathered,
        .context = server,
    };
    server->waiting = mcp_server_request(server->server, &request);
    if (server->waiting == NULL)
        die(EXIT_SYSTEM, "out of memory");
    hub->waiting++;
}

void hub_gather(struct hub *hub, const char *only, bool refresh)
{
    if (!refresh)
        cache_read(hub);
    for (size_t i = 0; i < hub->count; i++) {
        struct hub_server *server = &hub->servers[i];
        if (!server->settings->enabled ||
            (only != NULL && strcmp(only, server->settings->name) != 0) || server->tools != NULL ||
            server->error.text[0] != '\0')
            continue;
        if (!refresh)
            warn("asking MCP server '%s' for its tools, for up to %g s", server->settings->name,
                hub->host.start_timeout);
        start_asking(hub, server);
    }
    if (hub->waiting > 0)
        hub_run(hub);
}
