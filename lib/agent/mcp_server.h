/*
 * One MCP server: a child process that is started when it is needed, spoken to
 * in lines, and started again, after a while, when it died.
 *
 * Both eras of the protocol are spoken. As the specification of 2026-07-28
 * advises (basic/transports/stdio, "Backward Compatibility"), a server is first
 * asked server/discover; one that knows nothing of it, stays silent or ends is
 * taken for an older one and greeted with initialize.
 *
 * A server never outlives us: it runs under ts-jail, which dies with its parent
 * and takes every descendant along.
 */
#ifndef AGENT_MCP_SERVER_H
#define AGENT_MCP_SERVER_H

#include "agent/mcp_settings.h"
#include "io/loop.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct mcp_server;
struct mcp_call;

enum mcp_state {
    MCP_STOPPED,  /* not started yet */
    MCP_STARTING, /* greeted, not yet ready */
    MCP_READY,    /* its tools are known */
    MCP_FAILED,   /* tried again when needed, not before a while */
};

/* What all servers of a process share. */
struct mcp_host {
    struct loop *loop;
    char jail[PATH_MAX];          /* ts-jail */
    char bridge[PATH_MAX];        /* ts-mcp-http, for servers with a URL */
    char log_directory[PATH_MAX]; /* private; the stderr of each server goes to NAME.log there */
    char project[PATH_MAX];       /* where they run, and the one root they are told */
    double start_timeout;         /* seconds from the start until the tools are known */
    /* The tools are known, or have changed; before: what was known till now, or NULL. */
    void (*tools_known)(void *context, struct mcp_server *server, const cJSON *before);
    void (*note)(void *context, const struct mcp_server *server, const char *text);
    void *context;
};

/* settings and host stay where they are until the server is freed. NULL: no memory. */
struct mcp_server *mcp_server_new(const struct mcp_host *host, const struct mcp_settings *settings);

/* Calls under way are ended with an error. mcp_server_end comes first, for a clean end. */
void mcp_server_free(struct mcp_server *server);

/*
 * End it: stdin is closed at once, which a server takes as the word to leave.
 * Then mcp_server_wait: whether it has left, waiting up to deadline.
 */
void mcp_server_end(struct mcp_server *server);
void mcp_server_stop(struct mcp_server *server); /* and by SIGTERM */
int mcp_server_wait(struct mcp_server *server, int64_t deadline);

/* Make what waits leave; from the loop's before-wait hook. */
void mcp_server_flush(struct mcp_server *server);

/*
 * A request to a server, which is started when it does not run. done is called
 * exactly once, unless the call is cancelled: with the result, which lives
 * during the call of done, or with a sentence.
 */
struct mcp_request {
    const char *tool;       /* NULL: only be ready */
    const cJSON *arguments; /* of the tool; NULL: none */
    const char *hash;       /* of the definition that was decided upon; NULL: any */
    double seconds;         /* until it is given up */
    void (*progress)(void *context, const char *message);
    void (*done)(void *context, const cJSON *result, const struct error *error);
    void *context;
};

/* NULL: no memory. The request is copied; done is never called from here. */
struct mcp_call *mcp_server_request(struct mcp_server *server, const struct mcp_request *request);

/* Give it up and tell the server why; done is not called any more. */
void mcp_call_cancel(struct mcp_call *call, const char *reason);

/* What is known of it. */
const struct mcp_settings *mcp_server_settings(const struct mcp_server *server);
enum mcp_state mcp_server_state(const struct mcp_server *server);
const cJSON *mcp_server_tools(const struct mcp_server *server); /* an array; NULL: not known */

/* Append everything to an object for ts-mcp status. 0, or -1: no memory. */
int mcp_server_describe(struct mcp_server *server, cJSON *object);

#endif
