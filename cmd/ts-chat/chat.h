/*
 * The turn loop: what one conversation is doing, and who it talks to.
 *
 *   prompt.c    where the prompt comes from when there is only one
 *   commands.c  command lines on stdin (--ndjson)
 *   turn.c      one prompt to its answer: model call, tool batch, model call ...
 *   turn_model.c, batch.c   the model's part of a turn, and the tools'
 *   agent.c     what is different when another conversation started us (--agent)
 *   nested.c    lines of the agents that our own tools started
 *   usage.c     what calls of the model cost
 *   keep.c      the conversation is stored as it happens
 *   resume.c    a stored one is gone on with
 *   model.c     ts-llm
 *   pipeline.c  ts-tool-prep, ts-approve, ts-tool-exec: a ring of pipes
 *   mcp.c       the tools of MCP servers, and the process that keeps these
 *   output.c    events to stdout, or to ts-render when that is a terminal
 *   ending.c    the result line, the exit code, and taking the children down
 */
#ifndef CHAT_H
#define CHAT_H

#include "agent/conversation.h"
#include "agent/tooldef.h"
#include "base/exit_code.h"
#include "base/random.h"
#include "data/config.h"
#include "data/event.h"
#include "data/store_session.h"
#include "io/line_channel.h"
#include "io/line_writer.h"
#include "io/loop.h"
#include "io/process.h"
#include "io/state_directory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

enum {
    IDENTIFIER_LIMIT = 256, /* bytes of a correlation id we take over */
    STAGES = 3,
};

struct usage {
    int64_t calls;
    int64_t prompt_tokens;
    int64_t completion_tokens;
    int64_t total_tokens;
};

enum phase {
    PHASE_STARTING, /* the model's name and window are not known yet */
    PHASE_IDLE,
    PHASE_MODEL, /* a model call is under way */
    PHASE_TOOLS, /* a tool batch is under way */
    PHASE_ENDED
};

/* What another conversation started us for. */
enum agent { AGENT_NONE, AGENT_TASK, AGENT_PLAN };

/* Why a turn is being stopped before its end. */
enum stop { STOP_NONE, STOP_CANCEL, STOP_TIMEOUT, STOP_INTERRUPT, STOP_TERMINATE };

enum turn_status { TURN_OK, TURN_ERROR, TURN_BACKEND, TURN_LIMIT, TURN_STOPPED, TURN_PENDING };

/* One prompt that waits, or is being answered. */
struct send {
    char *message; /* empty: go on with the calls that waited for approval */
    char correlation_id[IDENTIFIER_LIMIT];
    struct send *next;
};

struct turn {
    char correlation_id[IDENTIFIER_LIMIT];
    char call_id[24];       /* of the model call under way: "m7" */
    struct usage usage;     /* of this turn, its agents included */
    struct usage agents;    /* of its agents alone */
    int64_t own_calls;      /* of the model by this conversation */
    bool synthesis;         /* an agent's last call, without tools, is under way */
    struct usage last_call; /* of the last answer alone; calls 0: not known */
    struct buffer partial;  /* raw lines of the model call under way */
    bool streamed;          /* the call under way has shown text */
    int64_t restarts;       /* of ts-llm in this turn */
    size_t fallback;        /* which fallback model comes next */
    const char *alias;      /* the model being called; NULL: the default */
    cJSON *batch_calls;     /* array, of the batch under way; owned by message */
    cJSON *message;         /* the assistant message that asked for it */
    char batch_id[RANDOM_SESSION_ID_SIZE];
    char *feedback;       /* what a person said with an approval */
    char *prompt;         /* comes behind the results of calls that were approved before it */
    char *previous_batch; /* names and arguments of the batch before, as text */
    int repeats;          /* how often it has come in a row */
    enum stop stop;
};

struct chat {
    /* From the command line. */
    bool ndjson;
    bool ndjson_out;
    bool no_stdin;
    bool wait_for_stdin;
    bool no_save;
    bool resume_last;
    const char *resume_name;  /* --resume */
    const char *session_name; /* --session-name */
    enum agent agent;
    int to_parent, from_parent; /* descriptors of ts-approve's; -1: none */
    const char *tool_names;     /* comma-separated; NULL: all */
    char *kept_tools;           /* the same as a resumed session has them; NULL: not from there */
    char **words;               /* of the prompt */
    int word_count;

    struct config *config;
    struct loop *loop;
    char directory[PATH_MAX];
    char session_id[STORE_ID_SIZE];
    int64_t started;

    enum phase phase;
    struct conversation conversation;
    struct turn turn;
    struct loop_timer turn_timer; /* --timeout */
    struct loop_timer stop_timer; /* how long a stopped turn may take to stop */

    struct send *queue;
    size_t queued, queued_bytes;
    bool starting_turns; /* within send_next */
    bool input_ended;
    bool one_shot;

    /* model.c */
    struct process model_process;
    struct line_channel model;
    char model_name[IDENTIFIER_LIMIT];
    char model_alias[IDENTIFIER_LIMIT];
    int64_t context_window;
    const char *alias;               /* the model that answered to resolve; NULL: the default one */
    char held_info[ERROR_TEXT_SIZE]; /* said behind the session line */
    bool announced;                  /* the session line has been written */
    bool resolved;
    struct loop_timer announce_timer;
    struct buffer request;      /* reused for every request line */
    char content_beginning[96]; /* of the text deltas that come unchanged */
    size_t content_size;
    char reasoning_beginning[96];
    size_t reasoning_size;
    bool calling; /* a request without its done or error */
    struct tool_set tools;
    struct buffer tool_notes; /* why tools of the project are not there: lines for a person */
    char *tools_json;         /* the request's "tools", or NULL */
    unsigned long model_calls;

    /* pipeline.c */
    struct process stages[STAGES];
    struct line_channel pipeline;
    struct state_directory state_directory;
    char pending_request[RANDOM_REQUEST_ID_SIZE]; /* of the approval that is waited for */
    char pending_review[RANDOM_REQUEST_ID_SIZE];  /* of the plan review */

    /* keep.c */
    struct store *store;           /* NULL: nothing is kept */
    bool kept;                     /* the session has its row, and is ours */
    char *kept_model;              /* name and alias, as they are stored */
    const char *result_of;         /* the tool whose result is being added */
    const char *parent_session;    /* of an agent; NULL: none */
    int64_t turns_before;          /* of the session, in earlier processes */
    struct buffer settings_before; /* as they were stored, JSON text */

    /* resume.c */
    struct store_session before; /* session_id NULL: this is a new session */
    int64_t messages_before;
    size_t left_out, put_in; /* of its messages, to make it well-formed */
    bool pending;            /* calls of the last message wait for approval */
    char pending_batch[RANDOM_SESSION_ID_SIZE];
    /* mcp.c */
    struct {
        struct buffer notes; /* for a person, behind the session line */
        struct buffer tools; /* the definitions of this conversation, a JSON array */
        struct state_directory directory;
        bool opened;
        int listener; /* of the session process; -1: none */
        struct process session;
        struct line_channel channel;
        int64_t started; /* clock_monotonic_ms; of the session process */
        struct loop_timer timer;
    } mcp;

    /* output.c */
    struct line_writer output;
    int output_fd;
    struct process renderer;
    struct buffer line;
    const char *state;

    /* commands.c, prompt.c */
    struct line_reader input;
    struct buffer prompt;
    struct loop_timer silence_timer;

    /* For the result line. */
    struct usage usage;
    int64_t turns;
    int64_t tool_calls;
    int64_t denied;
    int64_t unasked; /* calls that were denied because nobody could be asked */
    char *answer;    /* the last call's text */
    enum stop ended_by;
    bool failed, backend_failed, config_failed, limited, timed_out;
    enum exit_code died; /* of chat_die */
    char failure[ERROR_TEXT_SIZE];
};

/* main.c: end the process because nothing else is possible */
noreturn void chat_die(struct chat *chat, enum exit_code code, const char *what);
noreturn void chat_die_system(struct chat *chat, const char *what); /* what: errno */
noreturn void chat_usage(struct chat *chat, const char *what);
void chat_must(struct chat *chat, int result, const struct error *error); /* or chat_die */

/* output.c */
int output_open(struct chat *chat, struct error *error);
void output_event(struct chat *chat, cJSON *event); /* takes the event; NULL: out of memory */
void output_delta(struct chat *chat, const char *line, size_t length); /* no correlation id yet */
void output_line(struct chat *chat, const char *line, size_t length);
void output_message(struct chat *chat, const char *type, const char *message);
void output_state(struct chat *chat, const char *state);
void output_flush(struct chat *chat);
void output_last(struct chat *chat); /* what is there, on the way out of a failure */
void output_close(struct chat *chat);

/* model.c */
int model_start(struct chat *chat, struct error *error);
void model_announce(struct chat *chat); /* the session line, once */
void model_resolve(struct chat *chat);
void model_request(struct chat *chat);
void model_cancel(struct chat *chat);
void model_abandon(struct chat *chat);
void model_stop(struct chat *chat);

/* pipeline.c */
void pipeline_send_batch(struct chat *chat);
void pipeline_send(struct chat *chat, const char *line, size_t length);
void pipeline_cancel(struct chat *chat);
void pipeline_input_ended(struct chat *chat);
void pipeline_abandon(struct chat *chat);
void pipeline_stop(struct chat *chat);
bool pipeline_running(const struct chat *chat);

/* mcp.c */
void mcp_load(struct chat *chat);      /* adds the tools to the set */
void mcp_say_notes(struct chat *chat); /* what there was to say about it */
void mcp_open(struct chat *chat);      /* before the pipeline: variables for its stages */
void mcp_close(struct chat *chat);

/* turn.c */
void turn_begin(struct chat *chat, const struct send *send);
void turn_stop(struct chat *chat, enum stop stop);
void turn_end(struct chat *chat, enum turn_status status, const char *reason);
void turn_release(struct turn *turn);

/* turn_model.c */
void turn_call_model(struct chat *chat);
void turn_model_done(struct chat *chat, const cJSON *done);
void turn_model_failed(struct chat *chat, const cJSON *line);
const char *turn_next_fallback(struct chat *chat);
void turn_discard(struct chat *chat); /* take back what the call under way has shown */

/* batch.c */
void batch_begin(struct chat *chat, const cJSON *message);
void batch_done(struct chat *chat);
void batch_continue(struct chat *chat, const char *batch_id); /* the calls that are still open */

/* agent.c */
void agent_read_option(struct chat *chat, const char *value);
const char *agent_word(const struct chat *chat); /* what kind of session this is */
void agent_start(struct chat *chat);
void agent_keep_tools(struct chat *chat);
int agent_append_system_text(const struct chat *chat, struct buffer *text); /* 0 or -1 (errno) */
const char *agent_effort(const struct chat *chat); /* NULL: the model's own */
bool agent_turns_used_up(const struct chat *chat);
void agent_synthesise(struct chat *chat, const char *why); /* the one call without tools */
void agent_report_usage(struct chat *chat, const struct usage *call);
char *agent_outer_id(const struct chat *chat, const char *id); /* the caller frees it */
const char *agent_inner_id(const struct chat *chat, const char *id);
bool agent_has_parent(const struct chat *chat); /* it decides about our calls */

/* nested.c */
/* Whether the line belonged to an agent, and has been dealt with. */
bool nested_line(struct chat *chat, const char *text, size_t length, const cJSON *line);

/* usage.c */
void usage_add(struct usage *total, const struct usage *part);
cJSON *usage_object(const struct usage *usage);
void usage_take(struct chat *chat, const cJSON *done);
void usage_show(struct chat *chat);

/* keep.c */
void keep_open(struct chat *chat);      /* unless nothing is to be kept */
void keep_listen(struct chat *chat);    /* from now on every message is stored */
bool keep_is_setting(const char *name); /* that a session keeps */
void keep_begin(struct chat *chat);     /* until keep_commit everything is stored as one */
void keep_commit(struct chat *chat);
void keep_beginning(struct chat *chat, const char *prompt); /* said first: for lists of sessions */
void keep_model(struct chat *chat); /* its name has become known, or is another one now */
void keep_usage(struct chat *chat, const struct usage *call, const char *model);

/* resume.c */
void resume_find(struct chat *chat);       /* the session, its lock, its settings */
void resume_drop_tools(struct chat *chat); /* those of its tools that are gone */
void resume_load(struct chat *chat);       /* its messages */
void resume_tell(struct chat *chat);       /* what a person should know about it */
void resume_continue(struct chat *chat);
bool resume_give_up(struct chat *chat); /* false: it has been decided and must run first */

/* main.c */
void chat_begin_conversation(struct chat *chat); /* with the system text */

/* commands.c */
int commands_open(struct chat *chat, struct error *error);
void send_queue(struct chat *chat, char *message, const char *correlation_id);
void send_continue(struct chat *chat); /* with the calls that wait for approval */
void send_next(struct chat *chat);

/* prompt.c */
int prompt_open(struct chat *chat, struct error *error);

/* ending.c */
void chat_write_result(struct chat *chat);
void chat_finish(struct chat *chat);
void chat_take_down(struct chat *chat);
int chat_exit_code(const struct chat *chat);

#endif
