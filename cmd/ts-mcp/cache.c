/* What the store knows of the tools of MCP servers. A store that fails is no store. */
#include "mcp.h"

#include "base/buffer.h"
#include "common/program.h"
#include "data/json.h"
#include "data/store_mcp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { FAILURE_SECONDS = 300 }; /* so long a server that failed is not asked again unasked */

static const char failed[] = "failed: "; /* in the place of the hash */

/* "YYYY-MM-DD HH:MM:SS.mmm", UTC, as the store writes it. */
static long long age_seconds(const char *fetched)
{
    struct tm parts = {0};
    time_t now = time(NULL);
    if (sscanf(fetched, "%4d-%2d-%2d %2d:%2d:%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
            &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6)
        return FAILURE_SECONDS;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return (long long)(now - timegm(&parts));
}

static int take_row(void *context, const struct store_mcp_tools *row, struct error *error)
{
    (void)error;
    struct hub *hub = context;
    struct hub_server *server = hub_find(hub, row->server);
    if (server == NULL || strcmp(server->settings->hash, row->config_hash) != 0)
        return 0;
    if (strncmp(row->hash, failed, sizeof failed - 1) == 0) {
        long long age = age_seconds(row->fetched);
        if (age >= 0 && age < FAILURE_SECONDS)
            error_set(&server->error, "%s (%lld s ago; 'ts-mcp list %s' asks it again)",
                row->hash + sizeof failed - 1, age, row->server);
        return 0;
    }
    cJSON *tools = json_parse(row->tools, strlen(row->tools), NULL);
    if (!cJSON_IsArray(tools)) {
        json_free(tools);
        return 0;
    }
    json_free(server->tools);
    server->tools = tools;
    server->cached = true;
    return 0;
}

static struct store *open_store(const struct hub *hub, enum store_mode mode)
{
    struct store *store = NULL;
    struct error error;
    if (store_open(&store, config_text(hub->config, "store.path"), mode, &error) < 0) {
        warn("the tools of MCP servers are not kept: %s", error.text);
        return NULL;
    }
    return store;
}

void cache_read(struct hub *hub)
{
    struct error error;
    struct store *store = open_store(hub, STORE_READ);
    if (store != NULL && store_mcp_get(store, NULL, take_row, hub, &error) < 0)
        warn("the tools of MCP servers could not be read: %s", error.text);
    store_close(store);
}

static void put(
    const struct hub *hub, const struct hub_server *server, const char *tools, const char *hash)
{
    struct error error;
    struct store *store = open_store(hub, STORE_WRITE);
    const struct store_mcp_tools row = {
        .server = server->settings->name,
        .config_hash = server->settings->hash,
        .tools = tools,
        .hash = hash,
    };
    if (store != NULL && store_mcp_put(store, &row, &error) < 0)
        warn("the tools of MCP server '%s' could not be kept: %s", row.server, error.text);
    store_close(store);
}

void cache_write(const struct hub *hub, const struct hub_server *server)
{
    struct buffer text;
    char hash[MCP_HASH_SIZE];
    buffer_init(&text, MCP_TOOLS_BYTES);
    if (json_append(&text, server->tools) == 0) {
        mcp_hash(hash, text.data, text.length);
        put(hub, server, text.data, hash);
    } else {
        warn("the tools of MCP server '%s' are too long to be kept", server->settings->name);
    }
    buffer_release(&text);
}

void cache_write_failure(const struct hub *hub, const struct hub_server *server)
{
    char hash[sizeof failed + ERROR_TEXT_SIZE];
    snprintf(hash, sizeof hash, "%s%s", failed, server->error.text);
    put(hub, server, "[]", hash);
}
