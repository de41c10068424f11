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
#include "io/process.h"
#include "ts-approve/approve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    REPLY_LIMIT = 4096, /* bytes of a line; the terminal's own limit */
    HANDOVER_MS = 50,   /* for the request to reach ts-render, by ts-tool-exec and ts-chat */
};

struct terminal {
    int fd;
    struct termios before; /* what is put back */
    bool changed;
    const struct talk *talk;
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

void terminal_say(struct approver *approver, const char *text)
{
    say(approver->terminal, text);
}

void terminal_say_text(struct approver *approver, const char *indent, const char *text)
{
    say_text(approver->terminal, indent, text);
}

static void flush(struct approver *approver);

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
            terminal->talk->hang_up(approver);
            return;
        }
        enum line_status status = line_reader_next(&terminal->reader, &line, &length);
        if (status != LINE_NONE)
            terminal->talk->reply(approver, status == LINE_READY ? line : (char[]){"n"});
    }
    if (approver->terminal == terminal)
        flush(approver);
}

static void flush(struct approver *approver)
{
    struct terminal *terminal = approver->terminal;
    if (line_writer_flush(&terminal->writer) < 0) {
        terminal->talk->hang_up(approver);
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
    terminal->talk->show(approver);
    flush(approver);
}

int terminal_ask(struct approver *approver, const struct talk *talk, struct error *error)
{
    int fd = open_terminal();
    if (fd < 0)
        return error_set(error, "there is no terminal to ask on");
    struct terminal *terminal = stage_need(calloc(1, sizeof *terminal));
    terminal->fd = fd;
    terminal->talk = talk;
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
