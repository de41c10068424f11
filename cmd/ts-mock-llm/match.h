/* Which rule of a script answers a request. */
#ifndef TS_MOCK_LLM_MATCH_H
#define TS_MOCK_LLM_MATCH_H

#include "script.h"
#include "template.h"

struct request;

/*
 * The first rule that matches and is not used up; it is then used once more, and
 * values holds what its regular expression captured. NULL: no rule matches.
 */
struct rule *match_request(
    struct script *script, const struct request *request, struct template_values *values);

#endif
