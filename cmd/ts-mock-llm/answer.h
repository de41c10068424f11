/* From a request to the plan of its answer: refusals, the built-in paths, the script's rules. */
#ifndef TS_MOCK_LLM_ANSWER_H
#define TS_MOCK_LLM_ANSWER_H

#include <stdbool.h>

struct plan;
struct request;
struct server_options;

/* Whether a request must not be answered: plan then has pieces. 0, or -1 when memory is short. */
int answer_refusal(
    const struct server_options *options, const struct request *request, struct plan *plan);

/*
 * The answer; a request with a number is a chat completion, and is parsed here.
 * line becomes that of the rule, if one answers. 0, or -1 when memory is short.
 */
int answer_request(const struct server_options *options, struct request *request, bool post,
    struct plan *plan, unsigned long *line);

#endif
