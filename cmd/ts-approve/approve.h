/*
 * The parts of ts-approve and what they share.
 *
 *   main.c      options and subcommands
 *   stream.c    lines in, and what each of them is for
 *   asking.c    the queue of what waits for an answer, and who is asked
 *   batch.c     a batch: how it comes in, and the lines it leaves as
 *   decide.c    what is decided without asking: policy, flags, the session's rules
 *   always.c    the session's rules, made when somebody says 'always'
 *   answer.c    an answer, from a line or a program, applied to a batch
 *   recall.c    a batch that was asked before
 *   record.c    the rows of a request in the store: asked, answered once, claimed once
 *   review.c    a plan that a person reads before it is followed
 *   terminal.c  a prompt on the terminal; question.c and review.c say what stands there
 *   filter.c    asking a command; socket.c asking a Unix socket
 *   parent.c    an agent's approver: hands everything to the one above
 *   explain.c   the policy tester
 *   manage.c    list, show, rules, and answers from another shell
 *
 * One batch or plan is asked at a time; the others wait in line. Whatever ends
 * the asking (a person, a program, the time, a cancel) closes it once.
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
    const char *place;      /* "FILE:LINE" of the rule that decided, or made it be asked; NULL */
    bool asked;             /* stands, or stood, in an approval request */
    char *why;              /* why it is asked, beyond that the tool always is; owned */
};

struct batch {
    struct batch *next;
    cJSON *line; /* the members of the prepared line but type and items; owned */
    const char *batch_id;
    char request_id[RANDOM_REQUEST_ID_SIZE];
    bool stored; /* the request has its row already: it was put off before */
    bool waits;  /* and nobody has decided that */
    struct entry *entries;
    size_t count;
};

/* A plan that is to be read. */
struct review {
    struct review *next;
    cJSON *line; /* as it came; owned */
    const char *request_id, *content, *path;
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
struct peer;
struct parent;
struct record;

enum asking { ASKING_NOTHING, ASKING_BATCH, ASKING_REVIEW };

struct approver {
    struct stage stage;
    struct config *config;
    struct policy policy;
    char *project;
    struct always_rule *always;
    bool always_known;           /* the list is as the store has it */
    struct batch *first, **last; /* waiting; the first one is being asked */
    struct review *first_review, **last_review;
    enum asking asking;
    struct loop_timer timer;   /* of the request that is open */
    double timeout;            /* seconds; 0: none */
    struct terminal *terminal; /* the open prompt; NULL: none */
    struct filter *filter;     /* the command being asked; NULL: none */
    struct peer *peer;         /* the socket being asked; NULL: none */
    struct parent *parent;     /* the approver above; NULL: we decide */
    struct record *record;     /* the store; NULL: nothing is kept */
    char resolved[RESOLVED_KEPT][RANDOM_REQUEST_ID_SIZE];
    size_t resolved_count;
};

/* stream.c */

/* Until the input has ended and everything is decided. Returns the exit code. */
int stream_run(struct approver *approver);
void stream_put_info(struct approver *approver, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* batch.c */

/* Take a prepared line apart; NULL when it has no items. */
struct batch *batch_new(cJSON *tree);
void batch_free(struct batch *batch);

/* How many of its calls are still to be decided. */
size_t batch_open_count(const struct batch *batch);
struct entry *batch_find(struct batch *batch, const char *call_id);
bool batch_is_nested(const struct batch *batch);

/* Decide what is still open. reason NULL: none; an approval has none. */
void batch_decide_rest(
    struct batch *batch, enum verdict verdict, const char *decided_by, const char *reason);
void entry_decide(
    struct entry *entry, enum verdict verdict, const char *decided_by, const char *reason);

/* The static text that equals this one; "nobody" for what is no name of a decider. */
const char *decider_name(const char *text);

/* The lines it leaves as. */
void batch_put_info(struct stage *stage, const struct batch *batch);
void batch_put_deferred(struct stage *stage, const struct batch *batch);
void batch_put_resolved(struct stage *stage, const struct batch *batch);
void batch_put_decided(struct stage *stage, struct batch *batch);
cJSON *batch_request(const struct approver *approver, const struct batch *batch);

/* decide.c */

/* Decide what can be decided without asking; the others get asked set. */
void decide_batch(struct approver *approver, struct batch *batch);

/* The same for one call; what the policy found is in decision. */
void decide_entry(struct approver *approver, struct entry *entry, struct policy_decision *decision);

/* The call of an entry as the policy judges it. */
struct policy_call decide_call(const struct approver *approver, const struct entry *entry);

/* always.c */

/* What 'always' would cover for this call, as text the caller frees; NULL: it is not possible. */
char *always_describe(const struct approver *approver, const struct entry *entry);

/* Remember it. */
void always_add(struct approver *approver, const struct entry *entry);

/* The rules may have grown, or been revoked, meanwhile: the next look reads them anew. */
void always_forget(struct approver *approver);
bool always_covers(struct approver *approver, const struct entry *entry);
void always_release(struct approver *approver);

/* answer.c */

/* The first line of what a program answered, of this type and for this request. NULL with a
 * sentence. The caller frees it. */
cJSON *answer_parse(const char *bytes, size_t length, const char *type, const char *request_id,
    struct error *error);

/* Apply an approve line to the open calls of a batch. decided_by "person" means that the calls were
 * seen. 0, or -1 with a sentence when the line says nothing. */
int answer_apply(struct approver *approver, struct batch *batch, const cJSON *line,
    const char *decided_by, struct error *error);

/* Approve or deny one call by a person's word; feedback may be NULL. */
void answer_entry(struct approver *approver, struct entry *entry, bool approved, bool always,
    const char *feedback, const char *decided_by);

/* Why it was denied, for the model; feedback may be NULL. The caller frees it. */
char *answer_denial(const char *decided_by, const char *feedback);

/* asking.c */

/* A batch that is decided leaves; another waits, is deferred, or is denied. */
void asking_take(struct approver *approver, struct batch *batch);
void asking_take_review(struct approver *approver, struct review *review);

/* All calls of the first batch are decided: put it out, and ask the next. */
void asking_close(struct approver *approver);

/* Deny what is open of the first batch, and close. Of a plan: nobody has reviewed it. */
void asking_end(struct approver *approver, const char *decided_by, const char *reason);

/* The person cancelled: as asking_end, and the pipeline is told to cancel the batch. */
void asking_cancel(struct approver *approver);

/* Somebody else decided the first batch: its row says what. */
void asking_decided_elsewhere(struct approver *approver);

/* The plan that is asked has its answer; feedback is the person's text, or NULL. */
void asking_close_review(struct approver *approver, const char *verdict, const char *feedback);

/* A cancel passes; batch_id NULL: everything. */
void asking_cancel_waiting(struct approver *approver, const char *batch_id);
void asking_input_ended(struct approver *approver);
bool asking_is_resolved(const struct approver *approver, const char *request_id);

/* A program that is asked has answered, or cannot: answer NULL, error then says why. Frees it. */
void asking_program_answered(struct approver *approver, cJSON *answer, const struct error *error);

/* What a program is asked now: the line it gets (the caller frees it), and the type of the answer
 * that it must give. */
cJSON *asking_line(const struct approver *approver);
const char *asking_answer_type(const struct approver *approver);
const char *asking_request_id(const struct approver *approver);

/* review.c */

/* NULL with a sentence when the line is none. */
struct review *review_new(cJSON *tree, struct error *error);
void review_free(struct review *review);
cJSON *review_request(const struct review *review);
void review_put(
    struct stage *stage, const struct review *review, const char *verdict, const char *feedback);

/* What a person's text means. */
const char *review_verdict(const char *text);
extern const struct talk review_talk;

/* question.c */

extern const struct talk batch_talk;

/* terminal.c */

/* What is said at a prompt. */
struct talk {
    void (*show)(struct approver *approver); /* the question and its prompt */
    void (*reply)(struct approver *approver, char *line);
    void (*hang_up)(struct approver *approver); /* Ctrl-D, or the terminal is gone */
};

/* Whether there is a terminal whose foreground we are. */
bool terminal_available(void);

/* Show the question, in a moment. 0, or -1 with a sentence. */
int terminal_ask(struct approver *approver, const struct talk *talk, struct error *error);

/* Text of ours; and text from elsewhere, each line indented, nothing in it acting on the terminal.
 */
void terminal_say(struct approver *approver, const char *text);
void terminal_say_text(struct approver *approver, const char *indent, const char *text);

/* After we were stopped: show it again, when we are in the foreground. */
void terminal_resumed(struct approver *approver);

/* Take the prompt away. why, when not NULL, is shown on a new line; "" only ends the line. */
void terminal_close(struct approver *approver, const char *why);

/* filter.c, socket.c */

int filter_ask(struct approver *approver, const char *command, struct error *error);
void filter_close(struct approver *approver);
int peer_ask(struct approver *approver, const char *path, struct error *error);
void peer_close(struct approver *approver);

/* parent.c */

/* By TS_EVENT_FD and TS_ANSWER_FD. Ends the program when they are not there. */
void parent_open(struct approver *approver);
void parent_ask(struct approver *approver, struct batch *batch);
void parent_cancel(struct approver *approver, const char *batch_id);
void parent_input_ended(struct approver *approver);
void parent_close(struct approver *approver);

#endif
