/*
 * Rules that decide about tool calls before anybody is asked: ts-policy(5).
 *
 * A file holds [[deny]], [[ask]] and [[allow]] tables. A matching deny wins,
 * then ask, then allow; otherwise the policy has no opinion. A rule matches
 * when its tool and all its arguments do. The argument "command" is split into
 * its simple commands: deny and ask match when any of them does, allow only
 * when every one of them is matched by some allow rule. What cannot be split,
 * or is certain only when it runs, is never allowed past a deny or ask rule
 * that it might break: it is asked.
 */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum policy_verdict { POLICY_NONE, POLICY_ALLOW, POLICY_ASK, POLICY_DENY };

enum policy_sandbox { POLICY_SANDBOX_UNSAID, POLICY_SANDBOX_WORKSPACE, POLICY_SANDBOX_OFF };

/* A pattern list for one argument. */
struct policy_argument {
    char *name;
    char **patterns; /* ends with NULL */
};

struct policy_rule {
    enum policy_verdict verdict;
    char *place; /* "FILE:LINE" */
    char *tool;
    struct policy_argument *arguments;
    size_t argument_count;
    char *reason; /* NULL: none */
    enum policy_sandbox sandbox;
};

struct policy {
    struct policy_rule *rules;
    size_t count;
};

/* What is judged; everything belongs to the caller. */
struct policy_call {
    const char *tool;
    const cJSON *arguments;
    const cJSON *paths;  /* resolved paths, a list of texts; an argument equal to one is a path */
    const char *project; /* where relative path patterns begin */
    bool outside;        /* a path is outside the roots: only a rule that names a path allows it */
};

struct policy_decision {
    enum policy_verdict verdict;
    enum policy_sandbox sandbox;    /* with POLICY_ALLOW: the strictest that was said */
    const struct policy_rule *rule; /* the rule that decided, or one of them; NULL: none */
    const char *note;               /* why it must be asked without a rule; NULL, or static text */
};

/* For a person: a simple command of a call, and the first rule of each kind that matches it. */
struct policy_part {
    const char *text; /* NULL: the call has no command, and this is all of it */
    const struct policy_rule *deny, *ask, *allow;
    const struct policy_rule *maybe; /* a deny or ask rule that it may match once it runs */
};

/* Add the rules of a text; name is what errors call it. 0, or -1 with "NAME:LINE:COLUMN: ...". */
int policy_parse(
    struct policy *policy, const char *text, size_t length, const char *name, struct error *error);

/* The same for a file. */
int policy_load(struct policy *policy, const char *path, struct error *error);

void policy_release(struct policy *policy);

/* Memory that is short shows as a command that cannot be split: it is asked. */
void policy_decide(
    const struct policy *policy, const struct policy_call *call, struct policy_decision *decision);

/* Hand out the parts of a call in their order. 0, or -1 with a sentence when its command cannot be
 * split. */
int policy_parts(const struct policy *policy, const struct policy_call *call,
    void (*take)(void *context, const struct policy_part *part), void *context,
    struct error *error);

#endif
