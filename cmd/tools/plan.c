/*
 * plan: an agent that changes nothing writes a plan, or refines the one this
 * session has; it is kept in the state directory, and a person reviews it.
 */
#include "common/agent_run.h"
#include "common/settings.h"
#include "common/tool_main.h"
#include "io/atomic_file.h"
#include "io/paths.h"
#include "io/regular_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PLAN_LIMIT = 1 << 20, /* bytes of a plan that is read back */
    PROMPT_LIMIT = 32 << 20,
    SESSION_LIMIT = 64, /* characters of a session's id */
};

struct plan {
    struct agent_run agent;
    const char *prompt;
    const char *session;   /* whose plan it is; NULL: by hand, nobody's */
    char path[PATH_MAX];   /* where it is kept; empty: nowhere */
    struct buffer earlier; /* the plan there is */
    bool project_file;
};

static const char *session_id(void)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *text = getenv("TS_SESSION_ID");
    size_t length = text != NULL ? strspn(text, allowed) : 0;
    return length > 0 && length <= SESSION_LIMIT && text[length] == '\0' ? text : NULL;
}

static int find_place(struct plan *plan, struct error *error)
{
    char directory[PATH_MAX], given[PATH_MAX + SESSION_LIMIT + 8];
    if (plan->session == NULL)
        return 0;
    if (paths_user(directory, sizeof directory, PATHS_STATE, "plans", error) < 0 ||
        paths_make_private(directory, error) < 0)
        return -1;
    snprintf(given, sizeof given, "%s/%s.md", directory, plan->session);
    return paths_resolve(plan->path, sizeof plan->path, "/", given, error);
}

/* The plan of this session, whatever became of the conversation that had it. */
static int read_earlier(struct plan *plan, struct error *error)
{
    struct stat status;
    if (plan->path[0] == '\0' ||
        regular_file_read(plan->path, &plan->earlier, &status, error) == 0 || errno == ENOENT)
        return 0;
    return error_prefix(error, "the earlier plan");
}

static int write_whole(const char *path, const struct buffer *text, struct error *error)
{
    struct stat status;
    int fd = regular_file_open(path, &status, error);
    if (fd < 0)
        return errno == ENOENT ? atomic_file_create(path, text->data, text->length, error) : -1;
    close(fd);
    return atomic_file_replace(path, text->data, text->length, &status, error);
}

/* What could not be written is said, and no reason to lose the plan. */
static int note_file(struct tool_call *call, const char *path, int written, struct error *error)
{
    return written == 0
               ? buffer_printf(&call->output, "The plan is kept in %s\n", path)
               : buffer_printf(&call->output, "The plan is not kept in a file: %s\n", error->text);
}

static int keep(struct plan *plan, struct tool_call *call)
{
    struct error error;
    struct buffer text;
    char project[PATH_MAX], path[PATH_MAX + SESSION_LIMIT + 16];
    if (plan->path[0] == '\0')
        return 0;
    buffer_init(&text, plan->agent.answer.length + 1);
    if (buffer_append(&text, plan->agent.answer.data, plan->agent.answer.length) < 0 ||
        buffer_append_byte(&text, '\n') < 0)
        return -1;
    mode_t mask = umask(077);
    int result = note_file(call, plan->path, write_whole(plan->path, &text, &error), &error);
    umask(mask);
    if (result == 0 && plan->project_file) {
        if (realpath(".", project) == NULL)
            return -1;
        snprintf(path, sizeof path, "%s/.plan-%s.md", project, plan->session);
        result = note_file(call, path, write_whole(path, &text, &error), &error);
    }
    buffer_release(&text);
    return result;
}

static int add_verdict(struct tool_call *call, const char *verdict, const char *feedback)
{
    const char *text = "Nobody has reviewed this plan.";
    if (strcmp(verdict, "accepted") == 0)
        text = "This plan is accepted.";
    else if (strcmp(verdict, "rejected") == 0)
        text = "The user has rejected this plan. Do not implement it. Ask what is wanted instead.";
    else if (strcmp(verdict, "annotated") == 0)
        text = "The user has this to say about the plan; take it into account:";
    return buffer_printf(&call->output, "%s%s%s\n", text,
        feedback != NULL && feedback[0] != '\0' ? "\n" : "", feedback != NULL ? feedback : "");
}

static int finish(struct plan *plan, struct tool_call *call, struct error *error)
{
    const char *feedback;
    /* A plan that did not come about is nothing to review. */
    if (agent_run_report(&plan->agent, call, error) < 0)
        return -1;
    if (buffer_append_text(&call->output, "\n\n---\n") < 0 || keep(plan, call) < 0)
        return error_system(error, "keep the plan");
    const char *verdict =
        agent_review(&plan->agent, plan->agent.answer.data, plan->path, &feedback);
    return add_verdict(call, verdict, feedback) < 0 ? error_system(error, "keep the review") : 0;
}

/* The request, behind the plan that is to be refined. */
static int make_prompt(const struct plan *plan, struct buffer *text)
{
    if (plan->earlier.length > 0 &&
        buffer_printf(text,
            "This session has a plan already. Refine it, unless the request is about something "
            "else:\n\n<plan>\n%s\n</plan>\n\nThe request:\n",
            plan->earlier.data) < 0)
        return -1;
    return buffer_append_text(text, plan->prompt);
}

static int make_plan(struct plan *plan, struct tool_call *call, struct error *error)
{
    struct buffer prompt;
    if (find_place(plan, error) < 0 || read_earlier(plan, error) < 0)
        return -1;
    buffer_init(&prompt, PROMPT_LIMIT);
    int result = make_prompt(plan, &prompt) < 0 ? error_system(error, "make the prompt")
                                                : agent_run(&plan->agent, prompt.data, error);
    buffer_release(&prompt);
    if (result == 0)
        result = finish(plan, call, error);
    return result;
}

static int run(struct tool_call *call, struct error *error)
{
    static struct plan plan = {.agent = {.kind = "plan"}};
    if (tool_text(call, "prompt", &plan.prompt, error) < 0)
        return -1;
    if (plan.prompt[strspn(plan.prompt, " \t\r\n")] == '\0')
        return error_set(error, "the prompt is empty");
    struct config *config = config_load(NULL, settings_warn, error);
    if (config == NULL)
        return -1;
    plan.project_file = config_boolean(config, "tools.plan_file");
    config_free(config);
    if (tool_optional_boolean(call, "project_file", &plan.project_file, error) < 0)
        return -1;
    plan.session = session_id() != NULL ? strdup(session_id()) : NULL;
    buffer_init(&plan.earlier, PLAN_LIMIT);
    int result = make_plan(&plan, call, error);
    agent_run_release(&plan.agent);
    buffer_release(&plan.earlier);
    free((char *)plan.session);
    return result;
}

static const struct tool tool = {
    .name = "plan",
    .purpose = "has an agent write a plan, and a person review it",
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&tool, argc, argv);
}
