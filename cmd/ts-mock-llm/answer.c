#include "answer.h"

#include "compose.h"
#include "match.h"
#include "plan.h"
#include "request.h"
#include "server.h"

#include "base/buffer.h"
#include "data/json.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <time.h>

enum {
    MESSAGE_SHOWN = 200,  /* bytes of a message in an error */
    MESSAGE_LIMIT = 4096, /* bytes of that error */
    KEY_LIMIT = 4096,     /* bytes of an Authorization header */
};

/* More than one of a header that decides where a request ends or whom it is for. */
static bool is_ambiguous(const struct evkeyvalq *headers)
{
    static const char *const single[] = {
        "host", "content-length", "transfer-encoding", "authorization"};
    int seen[4] = {0};
    const struct evkeyval *header;
    TAILQ_FOREACH(header, headers, next)
    {
        for (size_t i = 0; i < 4; i++)
            if (strcasecmp(header->key, single[i]) == 0 && ++seen[i] > 1)
                return true;
    }
    return seen[1] > 0 && seen[2] > 0;
}

static bool equal_in_constant_time(const char *left, const char *right)
{
    size_t length = strnlen(left, KEY_LIMIT), other = strnlen(right, KEY_LIMIT);
    unsigned char difference = length != other;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)(left[i] ^ (i < other ? right[i] : 0));
    return difference == 0;
}

static bool is_authorised(const struct server_options *options, const struct evkeyvalq *headers)
{
    static const char scheme[] = "Bearer ";
    if (options->key == NULL)
        return true;
    const char *given = evhttp_find_header(headers, "Authorization");
    return given != NULL && strncasecmp(given, scheme, sizeof scheme - 1) == 0 &&
           equal_in_constant_time(options->key, given + sizeof scheme - 1);
}

/* Built-in answers. */

static int append_model(const struct server_options *options, struct buffer *json, const char *name)
{
    if (buffer_append_text(json, "{\"id\":") < 0 ||
        json_append_string(json, name, strlen(name)) < 0 ||
        buffer_printf(json, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"turnstone\"",
            (long long)time(NULL)) < 0)
        return -1;
    if (options->context_window > 0 &&
        buffer_printf(json, ",\"max_model_len\":%" PRId64, options->context_window) < 0)
        return -1;
    return buffer_append_byte(json, '}');
}

static int answer_models(const struct server_options *options, struct plan *plan)
{
    if (buffer_append_text(&plan->bytes, "{\"object\":\"list\",\"data\":[") < 0)
        return -1;
    for (int i = 0; i < options->model_count; i++)
        if ((i > 0 && buffer_append_byte(&plan->bytes, ',') < 0) ||
            append_model(options, &plan->bytes, options->models[i]) < 0)
            return -1;
    return buffer_append_text(&plan->bytes, "]}");
}

static int answer_model(const struct server_options *options, struct plan *plan, const char *name)
{
    for (int i = 0; i < options->model_count; i++)
        if (strcmp(options->models[i], name) == 0)
            return append_model(options, &plan->bytes, name);
    return compose_error(plan, 404, "no such model");
}

static int answer_builtin(const struct server_options *options, const struct request *request,
    bool post, struct plan *plan)
{
    static const char models[] = "/models", one[] = "/models/";
    int status;
    if (strcmp(request->path, "/chat/completions") == 0)
        return compose_error(plan, 405, "use POST");
    bool known = strcmp(request->path, models) == 0 || strcmp(request->path, "/health") == 0 ||
                 strncmp(request->path, one, sizeof one - 1) == 0;
    if (!known)
        return compose_error(plan, 404, "there is nothing at this path");
    if (post)
        return compose_error(plan, 405, "use GET");
    plan->whole = true;
    plan->content_type = "application/json";
    if (strcmp(request->path, "/health") == 0)
        status = buffer_append_text(&plan->bytes, "{\"status\":\"ok\"}");
    else if (strcmp(request->path, models) == 0)
        status = answer_models(options, plan);
    else
        status = answer_model(options, plan, request->path + sizeof one - 1);
    return status < 0 ? -1 : plan_end_piece(plan);
}

/* Scripted answers. */

static int answer_unmatched(const struct request *request, struct plan *plan)
{
    struct buffer message;
    buffer_init(&message, MESSAGE_LIMIT);
    int status = buffer_printf(&message,
        "no rule of the script matches request %" PRId64 ", whose last message is from '%s': %.*s",
        request->number, request->role, MESSAGE_SHOWN, request->text);
    if (status == 0)
        status = compose_error(plan, 500, message.data);
    buffer_release(&message);
    return status;
}

int answer_refusal(
    const struct server_options *options, const struct request *request, struct plan *plan)
{
    if (is_ambiguous(request->headers))
        return compose_error(plan, 400, "a header is there twice, or contradicts another");
    if (!is_authorised(options, request->headers))
        return compose_error(plan, 401, "the API key is missing or wrong");
    return 0;
}

int answer_request(const struct server_options *options, struct request *request, bool post,
    struct plan *plan, unsigned long *line)
{
    struct error error;
    if (request->number > 0 && request_read(request, options->models[0], &error) < 0)
        return compose_error(plan, 400, error.text);
    struct template_values values;
    struct rule *rule = match_request(options->script, request, &values);
    if (rule == NULL)
        return request->number > 0 ? answer_unmatched(request, plan)
                                   : answer_builtin(options, request, post, plan);
    *line = rule->line;
    if (compose(plan, &rule->answer, &values, &error) < 0) {
        plan_release(plan);
        plan_init(plan);
        return compose_error(plan, 500, error.text);
    }
    return 0;
}
