#include "common/stage.h"

#include "common/program.h"
#include "data/json.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TREE_LIMIT = 128 << 20, /* bytes of one line that is put out */
    MESSAGE_SIZE = 2048,    /* of an error event */
};

void *stage_need(void *pointer)
{
    if (pointer == NULL)
        die(EXIT_SYSTEM, "out of memory");
    return pointer;
}

void stage_put(struct stage *stage, const char *line, size_t length)
{
    if (line_writer_put(&stage->writer, line, length) < 0)
        die(EXIT_SYSTEM, "keep lines for a reader that does not read: %s", strerror(errno));
}

void stage_put_tree(struct stage *stage, cJSON *tree)
{
    struct buffer text;
    buffer_init(&text, TREE_LIMIT);
    if (json_append(&text, stage_need(tree)) < 0)
        die(EXIT_SYSTEM, "write a line: %s", strerror(errno));
    stage_put(stage, text.data, text.length);
    buffer_release(&text);
    json_free(tree);
}

void stage_put_error(struct stage *stage, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    int length =
        snprintf(message, sizeof message, "%s: line %lu: ", stage->program, stage->reader.number);
    va_list values;
    va_start(values, format);
    vsnprintf(message + length, sizeof message - (size_t)length, format, values);
    va_end(values);
    struct buffer text;
    buffer_init(&text, TREE_LIMIT);
    if (buffer_append_text(&text, "{\"type\":\"error\",\"message\":") < 0 ||
        json_append_string(&text, message, strlen(message)) < 0 ||
        buffer_append_byte(&text, '}') < 0)
        die(EXIT_SYSTEM, "out of memory");
    stage_put(stage, text.data, text.length);
    buffer_release(&text);
}

static void take_line(struct stage *stage, const char *line, size_t length)
{
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length == 0)
        return;
    struct error error;
    cJSON *tree = json_parse_object(line, length, &error);
    if (tree == NULL) {
        stage_put_error(stage, "%s", error.text);
        return;
    }
    stage->line(stage->context, tree, line, length);
    json_free(tree);
}

static void end_input(struct stage *stage)
{
    loop_unwatch(stage->loop, STDIN_FILENO);
    stage->input_ended = true;
    stage->ended(stage->context);
}

static void input_ready(void *context, short events)
{
    (void)events;
    struct stage *stage = context;
    if (line_reader_fill(&stage->reader) < 0) {
        if (errno == EINTR || errno == EAGAIN)
            return;
        warn("read stdin: %s", strerror(errno));
        end_input(stage);
        return;
    }
    char *line;
    size_t length;
    enum line_status status;
    while ((status = line_reader_next(&stage->reader, &line, &length)) != LINE_NONE) {
        if (status == LINE_TOO_LONG)
            stage_put_error(stage, "longer than %d bytes", LINE_LIMIT);
        else
            take_line(stage, line, length);
    }
    if (stage->reader.ended)
        end_input(stage);
}

/* The reader has left, or the disk is full: whatever is in progress is for nobody. */
static void output_lost(struct stage *stage, int reason)
{
    if (stage->signal != NULL)
        stage->signal(stage->context, SIGPIPE);
    errno = reason;
    die_output();
}

static void output_ready(void *context, short events)
{
    /* Noticed at once, not at the next write: what runs meanwhile may have effects. */
    if ((events & POLLERR) != 0)
        output_lost(context, EPIPE);
}

/* What waits is written before the loop waits again. */
static void before_wait(void *context)
{
    struct stage *stage = context;
    if (line_writer_flush(&stage->writer) < 0)
        output_lost(stage, errno);
    bool waiting = line_writer_waiting(&stage->writer);
    if (loop_watch(stage->loop, STDOUT_FILENO, waiting ? POLLOUT : 0, output_ready, stage) < 0)
        die(EXIT_SYSTEM, "out of memory");
    if (stage->finished && !waiting)
        loop_stop(stage->loop);
}

static void take_signal(void *context, int signal)
{
    struct stage *stage = context;
    if (signal == SIGCONT) {
        if (stage->resumed != NULL)
            stage->resumed(stage->context);
        return;
    }
    if (stage->signal == NULL || stage->signal(stage->context, signal))
        exit(signal == SIGINT ? EXIT_INTERRUPTED : EXIT_TERMINATED);
}

void stage_start(struct stage *stage)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCONT, 0};
    struct error error;
    stage->loop = stage_need(loop_new());
    line_reader_init(&stage->reader, STDIN_FILENO, LINE_LIMIT);
    line_writer_init(&stage->writer, STDOUT_FILENO);
    if (loop_signals(stage->loop, signals, take_signal, stage, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    if (loop_watch(stage->loop, STDIN_FILENO, POLLIN, input_ready, stage) < 0)
        die(EXIT_SYSTEM, "out of memory");
    loop_before_wait(stage->loop, before_wait, stage);
}

void stage_finish(struct stage *stage, int exit_code)
{
    if (stage->finished)
        return;
    stage->finished = true;
    stage->exit_code = exit_code;
}

int stage_run(struct stage *stage)
{
    struct error error;
    if (loop_run(stage->loop, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    line_reader_release(&stage->reader);
    line_writer_release(&stage->writer);
    loop_free(stage->loop);
    return stage->exit_code;
}
