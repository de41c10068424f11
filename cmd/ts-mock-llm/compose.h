/*
 * From a rule's answer and a request to the bytes of a response: an event
 * stream of chat.completion.chunk objects, one chat.completion object, an
 * error, or whatever bytes the rule gives.
 */
#ifndef TS_MOCK_LLM_COMPOSE_H
#define TS_MOCK_LLM_COMPOSE_H

#include "base/error.h"
#include "plan.h"
#include "script.h"
#include "template.h"

/* Fill an initialised plan. values names the request. 0, or -1 with a sentence. */
int compose(struct plan *plan, const struct answer *answer, const struct template_values *values,
    struct error *error);

/* An error response as OpenAI has it. 0, or -1 when memory is short. */
int compose_error(struct plan *plan, int status, const char *message);

#endif
