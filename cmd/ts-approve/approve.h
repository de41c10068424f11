/*
 * The parts of ts-approve and what they share.
 *
 *   main.c      options, lines, the queue of batches that wait for an answer
 *   batch.c     a batch: how it comes in, and the lines it leaves as
 *   decide.c    what is decided without asking: policy, flags, the session's rules
 *   always.c    the session's rules, made when somebody says 'always'
 *   answer.c    an answer, from a line or a filter, applied to a batch
 *   terminal.c  asking on the terminal
 *   filter.c    asking a command
 *
 * One batch is asked at a time; the others wait in line. Whatever ends the
 * asking (a person, a filter, the time, a cancel) closes it once: batch_close.
 */
#ifndef TS_APPROVE_APPROVE_H
#define TS_APPROVE_APPROVE_H

#include "agent/policy.h"
#include "base/random.h"
#include "common/stage.h"
#include "data/config.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    FEEDBACK_LIMIT = 64 << 10, /* bytes of a message for the model */
    RESOLVED_KEPT = 256,       /* request ids that are remembered, to know a late answer */
};

enum verdict { VERDICT_OPEN, VERDICT_ALLOW, VERDICT_DENY };

/* One call of a batch. */
struct entry {
    cJSON *item; /* as ts-tool-prep made it; owned */
    enum verdict verdict;
    const char *decided_by; /* static; NULL while open */
    char *reason;           /* for the model, when denied; owned */
    char *feedback;         /* said with an approval; owned */
    bool seen;              /* a person saw all of it and approved it */
    const char *sandbox;    /* static; NULL: not chosen */
    bool asked;             /* stands, or stood, in an approval request */
    const char *why;        /* static: why it is asked, beyond that the tool always is */
};

struct batch {
    struct batch *next;
    cJSON *line; /* the members of the prepared line but type and items; owned */
    const char *batch_id;
    char request_id[RANDOM_REQUEST_ID_SIZE];
    struct entry *entries;
    size_t count;
};

/* What one 'always' covers. */
struct always_rule {
    struct always_rule *next;
    char *tool;
    char *pattern; /* of a simple command, or of a path; NULL: the tool, whatever its arguments */
    bool is_path;
};

struct terminal;
struct filter;

struct approver {
    struct stage stage;
    struct config *config;
    struct policy policy;
    char *project;
    struct always_rule *always;
    struct batch *first, **last; /* waiting; the first one is being asked */
    bool asking;
    struct loop_timer timer;   /* of the request that is open */
    double timeout;            /* seconds; 0: none */
    struct terminal *terminal; /* the open prompt; NULL: none */
    struct filter *filter;     /* the command being asked; NULL: none */
    char resolved[RESOLVED_KEPT][RANDOM_REQUEST_ID_SIZE];
    size_t resolved_count;
};

/* batch.c */

/* Take a prepared line apart; NULL when it has no items. */
struct batch *batch_new(cJSON *tree);
void batch_free(struct batch *batch);

/* How many of its calls are still to be decided. */
size_t batch_open_count(const struct batch *batch);

/* Decide what is still open. reason NULL: none; an approval has none. */
void batch_decide_rest(
    struct batch *batch, enum verdict verdict, const char *decided_by, const char *reason);
void entry_decide(
    struct entry *entry, enum verdict verdict, const char *decided_by, const char *reason);

/* The lines it leaves as. */
void batch_put_info(struct stage *stage, const struct batch *batch);
void batch_put_resolved(struct stage *stage, const struct batch *batch);
void batch_put_decided(struct stage *stage, struct batch *batch);
cJSON *batch_request(const struct approver *approver, const struct batch *batch);

/* decide.c */

/* Decide what can be decided without asking; the others get asked set. */
void decide_batch(struct approver *approver, struct batch *batch);

/* always.c */

/* What 'always' would cover for this call, as text the caller frees; NULL: it is not possible. */
char *always_describe(const struct approver *approver, const struct entry *entry);

/* Remember it. */
void always_add(struct approver *approver, const struct entry *entry);
bool always_covers(const struct approver *approver, const struct entry *entry);
void always_release(struct approver *approver);

/* answer.c */

/* Apply an approve line, or a filter's, to the open calls of a batch. decided_by "person" means
 * that the calls were seen. 0, or -1 with a sentence when the line says nothing. */
int answer_apply(struct approver *approver, struct batch *batch, const cJSON *line,
    const char *decided_by, struct error *error);

/* Approve or deny one call by a person's word; feedback may be NULL. */
void answer_entry(struct approver *approver, struct entry *entry, bool approved, bool always,
    const char *feedback, const char *decided_by);

/* main.c: the asking */

/* All calls of the first batch are decided: put it out, and ask the next. */
void asking_close(struct approver *approver);

/* Deny what is open of the first batch, and close. */
void asking_end(struct approver *approver, const char *decided_by, const char *reason);

/* The person cancelled: as asking_end, and the pipeline is told to cancel the batch. */
void asking_cancel(struct approver *approver);

/* terminal.c */

/* Whether there is a terminal whose foreground we are. */
bool terminal_available(void);

/* Show the first batch and prompt, in a moment. 0, or -1 with a sentence. */
int terminal_ask(struct approver *approver, struct error *error);

/* After we were stopped: show it again, when we are in the foreground. */
void terminal_resumed(struct approver *approver);

/* Write what the terminal takes at present. */
void terminal_flush(struct approver *approver);

/* Take the prompt away. why, when not NULL, is shown on a new line; "" only ends the line. */
void terminal_close(struct approver *approver, const char *why);

/* filter.c */

int filter_ask(struct approver *approver, const char *command, struct error *error);
void filter_close(struct approver *approver);

#endif
