/* What MCP servers said they offer. */
#include "data/store_mcp.h"

#include "data/store_internal.h"

int store_mcp_put(struct store *store, const struct store_mcp_tools *tools, struct error *error)
{
    int changed = store_change(store, error, "keep the tools of an MCP server",
        "INSERT INTO mcp_tools(server, config_hash, tools, hash) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (server) DO UPDATE SET config_hash = excluded.config_hash,"
        " tools = excluded.tools, hash = excluded.hash, fetched = excluded.fetched",
        STORE_VALUES(store_text(tools->server), store_text(tools->config_hash),
            store_text(tools->tools), store_text(tools->hash)));
    return changed < 0 ? -1 : 0;
}

int store_mcp_get(struct store *store, const char *server,
    int (*visit)(void *context, const struct store_mcp_tools *tools, struct error *error),
    void *context, struct error *error)
{
    sqlite3_stmt *query = store_query(store, error, "read the tools of MCP servers",
        "SELECT server, config_hash, tools, hash, fetched FROM mcp_tools"
        " WHERE ?1 IS NULL OR server = ?1 ORDER BY server",
        STORE_VALUES(store_text(server)));
    int result = query != NULL ? 0 : -1;
    int row = 0;
    while (result == 0 && (row = store_row(store, query, error)) > 0) {
        const struct store_mcp_tools tools = {
            .server = store_column_text(query, 0),
            .config_hash = store_column_text(query, 1),
            .tools = store_column_text(query, 2),
            .hash = store_column_text(query, 3),
            .fetched = store_column_text(query, 4),
        };
        result = visit(context, &tools, error);
    }
    store_done(query);
    return row < 0 ? -1 : result;
}

int store_mcp_delete(struct store *store, const char *server, struct error *error)
{
    return store_change(store, error, "forget the tools of an MCP server",
        "DELETE FROM mcp_tools WHERE server = ?1", STORE_VALUES(store_text(server)));
}
