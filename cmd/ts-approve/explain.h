/*
 * The policy tester: what would be decided about a call, by which rule, and
 * why it would be asked. Nothing is run and nobody is asked.
 */
#ifndef TS_APPROVE_EXPLAIN_H
#define TS_APPROVE_EXPLAIN_H

#include "ts-approve/approve.h"

/*
 * operands: a tool and its arguments (a JSON object; for bash, its command as
 * it is); none: prepared lines are read from stdin. Returns EXIT_DONE when every
 * call would run, EXIT_FAILED when one would be denied, else EXIT_DENIED: one
 * would be asked.
 */
int explain(struct approver *approver, char *const *operands);

#endif
