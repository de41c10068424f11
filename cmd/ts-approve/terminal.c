/*
 * Asking on the terminal, whatever stdin and stdout are.
 *
 * The terminal is opened anew and non-blocking, so that a terminal held up by
 * Ctrl-S holds up nobody else: lines pass and a cancel acts while the prompt
 * stands. What was typed before the question was seen is thrown away.
 *
 * ts-render may have rows on the same terminal that it takes away, by moving
 * the cursor up from where it left it, when it reads the request. It gets the
 * time to do so before anything is written here.
 */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "common/program.h"
#include "data/json.h"
#include "io/process.h"
#include "ts-approve/approve.h"
#include "ts-approve/reply.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    REPLY_LIMIT = 4096, /* bytes of a line; the terminal's own limit */
    LABELS_SHOWN = 8,
    HANDOVER_MS = 50, /* for the request to reach ts-render, by ts-tool-exec and ts-chat */
};

struct terminal {
    int fd;
    struct termios before; /* what is put back */
    bool changed;
    bool shown; /* the question */
    struct loop_timer handover;
    struct line_reader reader;
    struct line_writer writer;
};

static int open_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && tcgetpgrp(fd) != getpgrp())
        close_descriptor(&fd);
    return fd;
}

bool terminal_available(void)
{
    int fd = open_terminal();
    bool available = fd >= 0;
    close_descriptor(&fd);
    return available;
}

/* What is shown. */

static void say(struct terminal *terminal, const char *text)
{
    if (line_writer_put_bytes(&terminal->writer, text, strlen(text)) < 0)
        die(EXIT_SYSTEM, "show a question: %s", strerror(errno));
}

/* Text from the model: nothing in it may act on the terminal. Every line is indented. */
static void say_text(struct terminal *terminal, const char *indent, const char *text)
{
    struct buffer visible;
    buffer_init(&visible, LINE_WRITER_LIMIT);
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (buffer_append_text(&visible, indent) < 0 ||
            utf8_append_visible(&visible, text, length, false) < 0 ||
            buffer_append_byte(&visible, '\n') < 0)
            die(EXIT_SYSTEM, "show a question: %s", strerror(errno));
        text += length + (text[length] == '\n');
    }
    say(terminal, visible.data);
    buffer_release(&visible);
}

/* "⚙ bash: ls" says all there is to say about "ls". */
static bool header_says(const char *header, const char *preview)
{
    size_t whole = strlen(header), part = strlen(preview);
    return part > 0 && whole >= part + 2 && strcmp(header + whole - part, preview) == 0 &&
           memcmp(header + whole - part - 2, ": ", 2) == 0;
}

static void show_entry(struct terminal *terminal, const struct entry *entry, size_t number)
{
    const char *header = json_string(entry->item, "header");
    const char *preview = json_string(entry->item, "preview");
    char title[32] = "";
    if (number > 0)
        snprintf(title, sizeof title, "%zu. ", number);
    if (header == NULL)
        header = "";
    say(terminal, title);
    say_text(terminal, "", header[0] != '\0' ? header : "a call");
    if (preview != NULL && !header_says(header, preview))
        say_text(terminal, "    ", preview);
    if (json_boolean(entry->item, "truncated_preview", false))
        say(terminal, "    (too long to be shown completely)\n");
    if (entry->why != NULL) {
        say(terminal, "  asked because ");
        say_text(terminal, "", entry->why);
    }
    if (entry->verdict == VERDICT_DENY && entry->reason != NULL)
        say_text(terminal, "  ", entry->reason);
}

static void show_batch(struct terminal *terminal, const struct batch *batch)
{
    say(terminal, "\n");
    for (size_t i = 0; i < batch->count; i++)
        show_entry(terminal, &batch->entries[i], batch->count > 1 ? i + 1 : 0);
}

static void say_labels(struct terminal *terminal, const struct batch *batch)
{
    size_t shown = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const char *label = json_string(batch->entries[i].item, "approval_label");
        if (batch->entries[i].verdict != VERDICT_OPEN || label == NULL)
            continue;
        if (++shown > LABELS_SHOWN) {
            say(terminal, ", ...");
            return;
        }
        struct buffer visible;
        buffer_init(&visible, REPLY_LIMIT);
        (void)utf8_append_visible(&visible, label, strnlen(label, 100), false);
        say(terminal, shown > 1 ? ", " : " ");
        say(terminal, visible.data);
        buffer_release(&visible);
    }
}

static void prompt(struct terminal *terminal, const struct batch *batch)
{
    char count[48];
    size_t open = batch_open_count(batch);
    say(terminal, "Allow");
    if (open > 1) {
        snprintf(count, sizeof count, " these %zu calls:", open);
        say(terminal, count);
    }
    say_labels(terminal, batch);
    say(terminal, "? [y/n/a, or ? for help] ");
}

static void explain(struct approver *approver)
{
    struct terminal *terminal = approver->terminal;
    const struct batch *batch = approver->first;
    say(terminal, "  y  yes, this once: it runs as you, outside the sandbox\n"
                  "  n  no; so is an empty line and anything else\n"
                  "  a  always: yes, and do not ask again in this session for:\n");
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->entries[i].verdict != VERDICT_OPEN)
            continue;
        char *covers = always_describe(approver, &batch->entries[i]);
        say_text(terminal, "       ",
            covers != NULL ? covers : "(nothing: such a call is asked every time)");
        free(covers);
    }
    say(terminal, "  n, MESSAGE  the model reads the message: 'n, use paths'; so with y and a\n");
    if (batch->count > 1)
        say(terminal, "  2 n         decides only call 2; then the rest is asked\n");
    say(terminal, "  Ctrl-C or Ctrl-D denies, and cancels the turn\n");
}

/* Replies. */

static void apply(struct approver *approver, struct entry *entry, const struct reply *reply)
{
    answer_entry(approver, entry, reply->kind != REPLY_NO, reply->kind == REPLY_ALWAYS,
        reply->feedback, "person");
}

static void decide_one(struct approver *approver, const struct reply *reply)
{
    struct batch *batch = approver->first;
    if (reply->number > batch->count || batch->entries[reply->number - 1].verdict != VERDICT_OPEN)
        say(approver->terminal, "There is no such call to decide.\n");
    else
        apply(approver, &batch->entries[reply->number - 1], reply);
}

static void take_reply(struct approver *approver, char *line)
{
    struct batch *batch = approver->first;
    struct reply reply;
    reply_parse(line, &reply);
    if (reply.kind == REPLY_EXPLAIN) {
        explain(approver);
    } else if (reply.number > 0 && batch->count > 1) {
        decide_one(approver, &reply);
    } else {
        for (size_t i = 0; i < batch->count; i++) {
            if (batch->entries[i].verdict == VERDICT_OPEN)
                apply(approver, &batch->entries[i], &reply);
        }
    }
    if (batch_open_count(batch) == 0)
        asking_close(approver);
    else
        prompt(approver->terminal, batch);
}

static void terminal_ready(void *context, short events)
{
    struct approver *approver = context;
    struct terminal *terminal = approver->terminal;
    char *line;
    size_t length;
    if (line_writer_flush(&terminal->writer) < 0)
        events |= POLLHUP;
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
        ssize_t count = line_reader_fill(&terminal->reader);
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
            asking_cancel(approver);
            return;
        }
        enum line_status status = line_reader_next(&terminal->reader, &line, &length);
        if (status != LINE_NONE)
            take_reply(approver, status == LINE_READY ? line : (char[]){""});
    }
    if (approver->terminal == terminal)
        terminal_flush(approver);
}

void terminal_flush(struct approver *approver)
{
    struct terminal *terminal = approver->terminal;
    if (line_writer_flush(&terminal->writer) < 0) {
        asking_cancel(approver);
        return;
    }
    short events = line_writer_waiting(&terminal->writer) ? POLLIN | POLLOUT : POLLIN;
    if (loop_watch(approver->stage.loop, terminal->fd, events, terminal_ready, approver) < 0)
        die(EXIT_SYSTEM, "out of memory");
}

/* Opening and closing. */

/* A program that was killed may have left the terminal without lines, echo or Ctrl-C. */
static void make_usable(struct terminal *terminal)
{
    struct termios mode;
    if (tcgetattr(terminal->fd, &mode) < 0)
        return;
    terminal->before = mode;
    mode.c_lflag |= ICANON | ECHO | ECHOE | ISIG;
    mode.c_iflag |= ICRNL;
    mode.c_oflag |= OPOST | ONLCR;
    terminal->changed = tcsetattr(terminal->fd, TCSANOW, &mode) == 0;
    tcflush(terminal->fd, TCIFLUSH);
}

static void show(void *context)
{
    struct approver *approver = context;
    struct terminal *terminal = approver->terminal;
    make_usable(terminal);
    terminal->shown = true;
    show_batch(terminal, approver->first);
    prompt(terminal, approver->first);
    terminal_flush(approver);
}

int terminal_ask(struct approver *approver, struct error *error)
{
    int fd = open_terminal();
    if (fd < 0)
        return error_set(error, "there is no terminal to ask on");
    struct terminal *terminal = stage_need(calloc(1, sizeof *terminal));
    terminal->fd = fd;
    line_reader_init(&terminal->reader, fd, REPLY_LIMIT);
    line_writer_init_own(&terminal->writer, fd);
    approver->terminal = terminal;
    terminal->handover = (struct loop_timer){.call = show, .context = approver};
    loop_timer_set(approver->stage.loop, &terminal->handover, clock_monotonic_ms() + HANDOVER_MS);
    return 0;
}

/* The shell has written where the question stood, and has set its own modes. */
void terminal_resumed(struct approver *approver)
{
    struct terminal *terminal = approver->terminal;
    if (terminal == NULL || !terminal->shown || tcgetpgrp(terminal->fd) != getpgrp())
        return;
    show(approver);
}

void terminal_close(struct approver *approver, const char *why)
{
    struct terminal *terminal = approver->terminal;
    if (terminal == NULL)
        return;
    approver->terminal = NULL;
    loop_timer_cancel(approver->stage.loop, &terminal->handover);
    if (why != NULL && terminal->shown) {
        say(terminal, "\n");
        say_text(terminal, "", why);
        (void)line_writer_flush(&terminal->writer);
    }
    loop_unwatch(approver->stage.loop, terminal->fd);
    /* At once: waiting for what is shown would wait for a terminal held up by Ctrl-S. */
    if (terminal->changed)
        (void)tcsetattr(terminal->fd, TCSANOW, &terminal->before);
    line_reader_release(&terminal->reader);
    line_writer_release(&terminal->writer);
    close_descriptor(&terminal->fd);
    free(terminal);
}
