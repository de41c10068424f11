/*
 * The audit log: a line before and after every call, who decided, and how it
 * ended (ts-tool-exec(1)). Beside the database, mode 0600,
 * only ever appended to, each line in one write; keys are taken out.
 *
 * What cannot be written down before is not run.
 */
#ifndef TS_TOOL_EXEC_AUDIT_H
#define TS_TOOL_EXEC_AUDIT_H

#include "agent/redact.h"
#include "base/error.h"
#include "data/config.h"

#include <limits.h>

struct call;
struct outcome;

struct audit {
    char path[PATH_MAX];
    struct redactor redactor;
    const char *session; /* "": there is none */
    const char *parent_session;
};

/* Where the log is; nothing is made yet. 0, or -1 with a sentence. */
int audit_init(struct audit *audit, const struct config *config, struct error *error);
void audit_release(struct audit *audit);

/* It is about to run, or it was denied. 0, or -1 with a sentence. */
int audit_before(struct audit *audit, const struct call *call, struct error *error);
int audit_denied(struct audit *audit, const struct call *call, struct error *error);

/* It has run. */
int audit_after(struct audit *audit, const struct call *call, const struct outcome *outcome,
    struct error *error);

#endif
