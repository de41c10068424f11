/* Private to lib/agent/mcp_server*.c: what a server consists of. */
#ifndef AGENT_MCP_SERVER_INTERNAL_H
#define AGENT_MCP_SERVER_INTERNAL_H

#include "agent/mcp_message.h"
#include "agent/mcp_server.h"
#include "agent/mcp_tools.h"
#include "io/line_channel.h"
#include "io/process.h"

#include <stdbool.h>

enum {
    MCP_TAIL_SIZE = 2048, /* bytes of stderr that are kept for a person */
    MCP_WORD_SIZE = 64,   /* of a version */
};

/* The request of ours under way that is not somebody's call. */
enum mcp_step { MCP_STEP_NONE, MCP_STEP_DISCOVER, MCP_STEP_INITIALIZE, MCP_STEP_LIST };

struct mcp_call {
    struct mcp_call *next;
    struct mcp_server *server;
    struct mcp_request request; /* tool, arguments and hash are our own copies */
    int64_t id;                 /* 0: not sent yet */
    int retries;                /* that the server asked for */
    char *state;                /* what it wants to be told then; NULL: nothing */
    int64_t next_progress;      /* clock_monotonic_ms; none is passed on before */
    struct error *refusal;      /* what done is told when timer fires; NULL: that time is up */
    struct loop_timer timer;
};

struct mcp_server {
    const struct mcp_host *host;
    const struct mcp_settings *settings;
    enum mcp_state state;

    /* The process. */
    struct process process;
    struct line_channel channel;
    int error_fd; /* its stderr; -1: closed */
    int log_fd;   /* -1: none */
    int64_t log_size;
    char tail[MCP_TAIL_SIZE]; /* of its stderr */
    size_t tail_length;
    int64_t started;    /* clock_monotonic_ms */
    int64_t starts;     /* how often */
    int failures;       /* in a row */
    int64_t not_before; /* clock_monotonic_ms; no start before */
    struct loop_timer start_timer;
    struct loop_timer output_timer;
    struct loop_timer kill_timer;
    struct error last_error; /* empty: none yet */

    /* The protocol. */
    bool legacy_known; /* it does not know server/discover */
    bool modern;
    char version[MCP_WORD_SIZE];
    char name[MCP_WORD_SIZE * 2]; /* what it calls itself */
    bool has_tools;
    int64_t last_id;
    enum mcp_step step;
    int64_t step_id;
    int64_t discover_id; /* its answer may come after we have given up waiting for it */
    struct loop_timer step_timer;
    int64_t listen_id; /* of subscriptions/listen; 0: none */
    bool overloaded;
    int64_t garbage; /* lines that were no messages, since the start */
    cJSON *tools;
    cJSON *collecting;
    int pages;
    bool list_again; /* changed while it was being listed */

    struct mcp_call *calls;
};

/* mcp_server.c */
void mcp_server_fail(struct mcp_server *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void mcp_server_log(struct mcp_server *server, const char *bytes, size_t length);
void mcp_server_hear(struct mcp_server *server); /* what it has written to stderr before now */
void mcp_server_note(const struct mcp_server *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void mcp_server_start(struct mcp_server *server);
void mcp_server_overloaded(struct mcp_server *server); /* it is given up a moment later */
void mcp_server_became_ready(struct mcp_server *server);
/* Start it when it is not running: 0, or -1 with why that is not tried now. */
int mcp_server_want(struct mcp_server *server, struct error *error);

/* mcp_server_protocol.c */
void mcp_protocol_begin(struct mcp_server *server);
void mcp_protocol_line(void *context, char *line, size_t length);
void mcp_protocol_list(struct mcp_server *server);
cJSON *mcp_protocol_params(const struct mcp_server *server); /* with _meta where it is wanted */
int64_t mcp_protocol_request(struct mcp_server *server, const char *method, cJSON *params);
void mcp_protocol_notify(struct mcp_server *server, const char *method, cJSON *params);
void mcp_protocol_reset(struct mcp_server *server);

/* mcp_server_call.c */
void mcp_calls_ready(struct mcp_server *server);
void mcp_calls_fail(struct mcp_server *server, const struct error *error);
bool mcp_calls_answer(struct mcp_server *server, const struct mcp_message *message);
void mcp_calls_progress(struct mcp_server *server, const cJSON *params);

#endif
