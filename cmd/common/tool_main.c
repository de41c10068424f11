#include "common/tool_main.h"

#include "base/utf8.h"
#include "common/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void write_out(const struct buffer *text)
{
    size_t sent = 0;
    while (sent < text->length) {
        ssize_t wrote = write(STDOUT_FILENO, text->data + sent, text->length - sent);
        if (wrote < 0 && errno != EINTR)
            die_output();
        if (wrote > 0)
            sent += (size_t)wrote;
    }
}

/* The sentence, and the lines that explain it, with nothing in them that moves a terminal. */
static void complain(const struct tool_call *call, const struct error *error)
{
    struct buffer visible;
    warn("%s", error->text);
    buffer_init(&visible, (size_t)TOOL_DETAILS_LIMIT * UTF8_MAXIMUM);
    if (utf8_append_visible(&visible, call->details.data, call->details.length, true) == 0)
        fwrite(visible.data, 1, visible.length, stderr);
    buffer_release(&visible);
}

static int prepare(const struct tool *tool, struct tool_call *call)
{
    struct tool_preview preview;
    struct error error = {0};
    struct buffer answer;
    tool_preview_init(&preview);
    buffer_init(&answer, (size_t)TOOL_PREVIEW_LIMIT * 20);
    int result = tool->prepare != NULL ? tool->prepare(call, &preview, &error) : 0;
    if (tool_preview_print(&answer, call, &preview, result < 0 ? error.text : NULL) < 0)
        die(EXIT_SYSTEM, "print the preview: %s", strerror(errno));
    write_out(&answer);
    buffer_release(&answer);
    tool_preview_release(&preview);
    return EXIT_DONE;
}

static int run(const struct tool *tool, struct tool_call *call)
{
    struct error error = {0};
    int result = tool->run(call, &error);
    write_out(&call->output);
    if (result >= 0)
        return result;
    complain(call, &error);
    return EXIT_FAILED;
}

int tool_main(const struct tool *tool, int argc, char **argv)
{
    const struct program program = {
        .name = tool->name,
        .synopsis = "prepare | run < arguments.json",
        .purpose = tool->purpose,
        .notes = "Arguments are one JSON object on stdin; turnstone-tools(7) lists them.",
    };
    const char *value = NULL;
    program_start(&program, argc, argv);
    signal(SIGXFSZ, SIG_IGN); /* a file over the limit is an error of that write */
    while (program_option(&value) != OPTION_END)
        continue;
    argv += program_operand();
    if (argv[0] == NULL || argv[1] != NULL)
        die_usage("say prepare or run");
    bool preparing = strcmp(argv[0], "prepare") == 0;
    if (!preparing && strcmp(argv[0], "run") != 0)
        die_usage("'%s' is neither prepare nor run", argv[0]);

    struct tool_call call;
    struct error error = {0};
    if (tool_call_init(&call, tool->name, STDIN_FILENO, &error) < 0)
        die(EXIT_FAILED, "%s", error.text);
    int code = preparing ? prepare(tool, &call) : run(tool, &call);
    tool_call_release(&call);
    return code;
}
