#include "match.h"

#include "request.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <string.h>

enum { REGEX_TEXT_LIMIT = 1 << 20 }; /* bytes a regular expression looks at: regexec is slow */

static bool equal(const char *wanted, const char *text)
{
    return wanted == NULL || strcmp(wanted, text) == 0;
}

static bool contains(const char *wanted, const char *text)
{
    return wanted == NULL || strstr(text, wanted) != NULL;
}

static bool same_truth(const cJSON *wanted, bool truth)
{
    return wanted == NULL || (bool)cJSON_IsTrue(wanted) == truth;
}

static bool headers_match(const cJSON *wanted, const struct evkeyvalq *headers)
{
    const cJSON *header;
    cJSON_ArrayForEach(header, wanted)
    {
        const char *value = evhttp_find_header(headers, header->string);
        if (cJSON_IsNull(header) ? value != NULL
                                 : value == NULL || strstr(value, header->valuestring) == NULL)
            return false;
    }
    return true;
}

static bool regex_matches(
    const struct match *match, const char *text, struct template_values *values)
{
    if (!match->compiled)
        return true;
    regmatch_t found[TEMPLATE_CAPTURES] = {
        {.rm_so = 0, .rm_eo = (regoff_t)strnlen(text, REGEX_TEXT_LIMIT)}};
    if (regexec(&match->expression, text, TEMPLATE_CAPTURES, found, REG_STARTEND) != 0)
        return false;
    memcpy(values->captures, found, sizeof found);
    return true;
}

static bool matches(
    const struct rule *rule, const struct request *request, struct template_values *values)
{
    const struct match *match = &rule->match;
    if (rule->times > 0 && rule->used >= rule->times)
        return false;
    if (strcmp(match->path != NULL ? match->path : "/chat/completions", request->path) != 0)
        return false;
    /* What is no chat completion has no messages to look at, and is answered only on purpose. */
    if (request->body == NULL)
        return match->path != NULL && headers_match(match->header, request->headers);
    return equal(match->exact, request->text) && contains(match->contains, request->text) &&
           equal(match->role, request->role) && equal(match->model, request->model) &&
           contains(match->body, request->raw) && contains(match->system, request->system) &&
           (match->request == 0 || match->request == request->number) &&
           same_truth(match->tools, request_offers_tool(request, NULL)) &&
           (match->tool == NULL || request_offers_tool(request, match->tool)) &&
           same_truth(match->stream, request->stream) &&
           headers_match(match->header, request->headers) &&
           regex_matches(match, request->text, values);
}

struct rule *match_request(
    struct script *script, const struct request *request, struct template_values *values)
{
    values->request = request;
    for (size_t i = 0; i < script->count; i++) {
        for (size_t j = 0; j < TEMPLATE_CAPTURES; j++)
            values->captures[j] = (regmatch_t){.rm_so = -1, .rm_eo = -1};
        struct rule *rule = &script->rules[i];
        if (matches(rule, request, values)) {
            rule->used++;
            return rule;
        }
    }
    return NULL;
}
