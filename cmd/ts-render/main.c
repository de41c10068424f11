/*
 * ts-render: the events of ts-chat on stdin, text for people on stdout.
 *
 * Off a terminal it prints the answer and nothing else, on a terminal
 * everything, as it happens (terminal.c). Its exit code is that of the result
 * line, so that a pipeline whose last program it is fails when the turn failed.
 */
#include "common/program.h"
#include "common/settings.h"

#include "base/clock.h"
#include "base/line_reader.h"
#include "render.h"
#include "term/style.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OUTPUT_HIGH = 4 << 20, /* bytes waiting for a slow reader before we stop reading ourselves */
    GOODBYE_MS = 1000,     /* how long a reader may take for the last bytes after SIGTERM */
};

enum { OPTION_ALL = OPTION_LONG, OPTION_STREAM, OPTION_NO_SPINNER };

static const struct option_spec options[] = {
    {OPTION_ALL, "all", NULL, "off a terminal: print everything, not only the last answer"},
    {OPTION_STREAM, "stream", NULL,
        "off a terminal: print text as it comes, not once it is certain"},
    {OPTION_NO_SPINNER, "no-spinner", NULL, "show no sign of life while there is nothing to show"},
    SETTINGS_OPTION_CONFIG,
    {0},
};

static struct program program = {
    .name = "ts-render",
    .synopsis = "[options] < events",
    .purpose = "turns the events of ts-chat into text for people",
    .options = options,
};

struct render {
    struct loop *loop;
    struct line_reader input;
    struct line_writer out;
    struct view *view;
    bool running; /* lines came, and no result line since */
    int code;     /* of the result lines: the first that is not 0 */
};

void put(struct line_writer *out, const char *bytes, size_t length)
{
    if (line_writer_put_bytes(out, bytes, length) < 0)
        die(EXIT_SYSTEM, "keep output for a slow reader: %s", strerror(errno));
}

void put_text(struct line_writer *out, const char *text)
{
    put(out, text, strlen(text));
}

static void note_result(struct render *render, const struct event *event)
{
    int64_t code;
    const char *status = json_string(event->tree, "status");
    if (!json_integer(event->tree, "exit_code", &code) || code < 0 || code > 255)
        code = status != NULL && strcmp(status, "ok") == 0 ? EXIT_DONE : EXIT_FAILED;
    if (render->code == EXIT_DONE)
        render->code = (int)code;
}

static void take_line(struct render *render, const char *line, size_t length)
{
    struct event event;
    struct error error = {{0}};
    if (strspn(line, " \t\r") == length)
        return;
    if (event_parse(&event, line, length, &error) < 0) {
        error_prefix(&error, "line %lu: ", render->input.number);
        render->view->complain(render->view, error.text);
        return;
    }
    render->running = event.type != EVENT_RESULT;
    if (event.type == EVENT_RESULT)
        note_result(render, &event);
    render->view->event(render->view, &event);
    event_release(&event);
}

static void input_ended(struct render *render)
{
    loop_unwatch(render->loop, render->input.fd);
    if (render->running || render->input.number == 0) {
        if (render->code == EXIT_DONE)
            render->code = EXIT_FAILED;
        render->view->complain(render->view,
            "the events ended without a result line: what is shown may be incomplete");
    }
    render->view->finish(render->view);
    loop_stop(render->loop);
}

static void input_ready(void *context, short events)
{
    (void)events;
    struct render *render = context;
    ssize_t got = line_reader_fill(&render->input);
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
        struct error error = {{0}};
        error_system(&error, "read the events");
        render->view->complain(render->view, error.text);
        render->running = true;
        render->input.ended = true;
    }
    enum line_status status;
    char *line;
    size_t length;
    while ((status = line_reader_next(&render->input, &line, &length)) != LINE_NONE) {
        if (status == LINE_READY) {
            take_line(render, line, length);
            continue;
        }
        struct error error = {{0}};
        error_set(&error, "line %lu: longer than %d bytes", render->input.number, LINE_LIMIT);
        render->view->complain(render->view, error.text);
    }
    if (render->input.ended)
        input_ended(render);
}

static void output_ready(void *context, short events)
{
    (void)context; /* before_wait flushes */
    (void)events;
}

/* Bytes leave whenever the reader takes them; while too many wait, no more events are read. */
static void before_wait(void *context)
{
    struct render *render = context;
    render->view->settle(render->view);
    if (line_writer_flush(&render->out) < 0)
        die_output();
    bool waiting = line_writer_waiting(&render->out);
    if (waiting)
        loop_watch(render->loop, render->out.fd, POLLOUT, output_ready, render);
    else
        loop_unwatch(render->loop, render->out.fd);
    if (!render->input.ended) {
        bool full = render->out.queue.length - render->out.sent > OUTPUT_HIGH;
        loop_watch(render->loop, render->input.fd, full ? 0 : POLLIN, input_ready, render);
    }
}

static void signalled(void *context, int signal)
{
    struct render *render = context;
    /* Ctrl-C is for ts-chat: its last events tell how the turn ended. */
    if (signal == SIGINT) {
        render->view->echoed(render->view);
        return;
    }
    if (signal != SIGTERM && signal != SIGHUP) {
        render->view->disturbed(render->view, signal == SIGCONT);
        return;
    }
    render->view->finish(render->view);
    line_writer_drain(&render->out, clock_monotonic_ms() + GOODBYE_MS);
    exit(signal == SIGTERM ? EXIT_TERMINATED : 128 + SIGHUP);
}

static struct config *read_options(struct render_options *chosen)
{
    struct settings settings = {0};
    const char *value;
    int id;
    while ((id = program_option(&value)) != OPTION_END) {
        if (settings_take(&settings, id, value))
            continue;
        if (id == OPTION_ALL)
            chosen->all = true;
        else if (id == OPTION_STREAM)
            chosen->stream = true;
        else if (id == OPTION_NO_SPINNER)
            chosen->spinner = false;
    }
    return settings_load(&settings);
}

static enum style_mode style_mode(const char *name)
{
    return strcmp(name, "always") == 0  ? STYLE_ALWAYS
           : strcmp(name, "never") == 0 ? STYLE_NEVER
                                        : STYLE_AUTO;
}

static void choose(struct render_options *chosen, const struct config *config)
{
    chosen->styled = style_wanted(style_mode(config_text(config, "render.color")), STDOUT_FILENO);
    chosen->unicode = style_unicode();
    chosen->hide_reasoning = strcmp(config_text(config, "render.reasoning"), "hide") == 0;
    chosen->width = (int)config_integer(config, "render.width");
    /* A terminal that understands nothing gets everything, too, but nothing is ever redrawn. */
    if (isatty(STDOUT_FILENO) && !style_terminal(STDOUT_FILENO))
        chosen->all = chosen->stream = true;
}

int main(int argc, char **argv)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGWINCH, SIGCONT, 0};
    struct render_options chosen = {.spinner = true};
    struct render render = {0};
    struct error error = {{0}};

    program.shared_options = config_options(CONFIG_FOR_RENDER);
    program_start(&program, argc, argv);
    struct config *config = read_options(&chosen);
    choose(&chosen, config);
    if (argv[program_operand()] != NULL)
        die_usage("unexpected operand '%s': events are read from stdin", argv[program_operand()]);
    render.loop = loop_new();
    if (render.loop == NULL)
        die(EXIT_SYSTEM, "start: out of memory");
    line_reader_init(&render.input, STDIN_FILENO, LINE_LIMIT);
    line_writer_init(&render.out, STDOUT_FILENO);
    bool terminal = style_terminal(STDOUT_FILENO);
    if (terminal)
        render.out.kind = LINE_WRITER_PIPE; /* poll it: a stopped terminal must not stop us */
    render.view = terminal ? terminal_new(&chosen, &render.out, render.loop)
                           : plain_new(&chosen, &render.out, render.loop);
    loop_before_wait(render.loop, before_wait, &render);
    if (loop_signals(render.loop, signals, signalled, &render, &error) < 0 ||
        loop_run(render.loop, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    if (line_writer_drain(&render.out, -1) < 0)
        die_output();
    render.view->free(render.view);
    line_reader_release(&render.input);
    line_writer_release(&render.out);
    loop_free(render.loop);
    config_free(config);
    program_exit(render.code);
}
