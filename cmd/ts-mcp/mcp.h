/*
 * ts-mcp: the tools of MCP servers, for people and for the tool pipeline.
 *
 *   main.c      options and the subcommands
 *   hub.c       all configured servers, and what is known of their tools
 *   cache.c     the store's list of their tools
 *   list.c      tools, list, status
 *   call.c      call: by a person, or as the program of a tool (--as-tool)
 *   ask.c       a request to a session process, over its socket
 *   session.c   session: one process that keeps the servers of a conversation
 *   serve.c     serve: our own tools for another client (serve.h)
 *
 * Between call and session go lines of JSON, one request a connection:
 *   {"type":"call","server","tool","arguments","hash"?}
 *     -> {"type":"progress","message"}..., then {"type":"result","result"} or
 *        {"type":"error","message"}; closing the connection cancels the call
 *   {"type":"status"} -> {"type":"status","servers":[...]}
 */
#ifndef TS_MCP_MCP_H
#define TS_MCP_MCP_H

#include "agent/mcp_server.h"
#include "agent/mcp_settings.h"
#include "agent/mcp_tools.h"
#include "data/config.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    CALL_GRACE = 5,          /* seconds that starting, asking and ending take beside a call */
    ANSWER_LIMIT = 64 << 20, /* bytes of a line between call and session */
};

/* What main.c read. */
struct request {
    struct config *config;
    bool json;
    bool refresh;
    bool as_tool;
    const char *hash;
    const char *hints;
    const char *tools; /* names; NULL: those that are offered to anybody */
    char **operands;   /* behind the subcommand; ends with NULL */
};

struct hub_server {
    const struct mcp_settings *settings;
    struct mcp_server *server;
    struct mcp_call *waiting; /* being asked for its tools */
    cJSON *tools;             /* NULL: not known */
    bool cached;              /* tools come from the store */
    struct error error;       /* why they are not known; empty: no reason */
    struct hub *hub;
};

struct hub {
    struct config *config;
    struct mcp_settings_list list;
    struct mcp_host host;
    struct hub_server *servers;
    size_t count;
    size_t waiting;
    int stopped; /* the signal that ends us; 0: none */
};

/* hub.c. Ends the program when the settings are wrong. */
void hub_open(struct hub *hub, struct config *config);
void hub_close(struct hub *hub);
struct hub_server *hub_find(struct hub *hub, const char *name); /* NULL: there is none */
/* Ends the program when there is none, or it is disabled. */
struct hub_server *hub_need(struct hub *hub, const char *name);
/* SIGTERM, SIGINT and SIGHUP set stopped and end the loop. */
void hub_take_signals(struct hub *hub);
/* Run the loop until it is stopped; a signal ends the program, servers first. */
void hub_run(struct hub *hub);
/* What is in the store, and for servers that are not there, or all (refresh), what they say. */
void hub_gather(struct hub *hub, const char *only, bool refresh);

/* cache.c; without a store there is nothing in it. */
void cache_read(struct hub *hub);
void cache_write(const struct hub *hub, const struct hub_server *server);
/* It could not be asked: not again at every start. */
void cache_write_failure(const struct hub *hub, const struct hub_server *server);

/* list.c, call.c, session.c: the subcommands, each returns the exit code. */
int command_tools(const struct request *request);
int command_list(const struct request *request);
int command_status(const struct request *request);
int command_call(const struct request *request);
int command_session(const struct request *request);
int command_serve(const struct request *request); /* serve.h */

/* ask.c */

/* A connection to the session process whose socket path names; -1 with a sentence. */
int ask_connect(const char *path, struct error *error);
/*
 * Send the request, a line, and wait up to seconds for the answer's line; progress gets what comes
 * before. NULL with a sentence. The caller frees the tree.
 */
cJSON *ask(int fd, const cJSON *line, double seconds,
    void (*progress)(void *context, const char *message), void *context, struct error *error);

#endif
