/*
 * {{name}} in a scripted text: what the client said is quoted in the answer.
 *
 * Names: last_user, last_tool_result, system, model, role, request_number, and
 * 0 to 9 for what the rule's regular expression matched.
 */
#ifndef TS_MOCK_LLM_TEMPLATE_H
#define TS_MOCK_LLM_TEMPLATE_H

#include "base/error.h"

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct request;

enum { TEMPLATE_CAPTURES = 10 };

struct template_values {
    const struct request *request;
    regmatch_t captures[TEMPLATE_CAPTURES]; /* in request->text; rm_so -1: none */
};

/* Whether every {{name}} in text is known. 0, or -1 with a sentence that names the one that is not.
 */
int template_check(const char *text, struct error *error);

/* Append text with every {{name}} replaced; with escape, by its form inside a JSON string.
 * 0, or -1 (errno). */
int template_expand(
    struct buffer *buffer, const char *text, const struct template_values *values, bool escape);

#endif
