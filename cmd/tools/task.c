/* task: hand a piece of work to an agent of its own, and return what it reports. */
#include "common/agent_run.h"
#include "common/tool_main.h"

#include <string.h>

static int run(struct tool_call *call, struct error *error)
{
    static struct agent_run agent = {.kind = "task"};
    const char *prompt = NULL;
    if (tool_text(call, "prompt", &prompt, error) < 0)
        return -1;
    if (prompt[strspn(prompt, " \t\r\n")] == '\0')
        return error_set(error, "the prompt is empty");
    int result = agent_run(&agent, prompt, error);
    if (result == 0)
        result = agent_run_report(&agent, call, error);
    agent_run_release(&agent);
    return result;
}

static const struct tool tool = {
    .name = "task",
    .purpose = "hands a piece of work to an agent",
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&tool, argc, argv);
}
