/*
 * The view off a terminal: text without escapes, the markdown as the model
 * wrote it, so that what reads the pipe gets markdown.
 *
 * By default only the answer is printed: the text of the last model call of a
 * turn, at the turn's end, when no retry can take it back any more.
 */
#include "render.h"

#include "base/buffer.h"
#include "common/program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ID_LIMIT = 256 };

struct plain {
    struct view view;
    const struct render_options *options;
    struct line_writer *out;
    struct buffer answer; /* of the present model call; printed text is taken out of it */
    char call[ID_LIMIT];  /* its id */
    bool call_ended;
    bool inside_line;  /* what was printed last did not end with a newline */
    bool call_printed; /* a part of this call's text was printed as it came */
    bool printed;      /* an answer was printed since the session line */
    struct error last_error;
};

static void print(struct plain *plain, const char *text, size_t length)
{
    if (length == 0)
        return;
    put(plain->out, text, length);
    plain->inside_line = text[length - 1] != '\n';
}

static void end_line(struct plain *plain)
{
    if (plain->inside_line)
        print(plain, "\n", 1);
}

static void print_answer(struct plain *plain)
{
    if (plain->answer.length > 0)
        plain->printed = true;
    print(plain, plain->answer.data, plain->answer.length);
    end_line(plain);
    buffer_clear(&plain->answer);
}

/* A text of another call than the last one's: that one's is not the last answer. */
static void begin_call(struct plain *plain, const char *id)
{
    if (plain->options->all || plain->options->stream)
        print_answer(plain);
    buffer_clear(&plain->answer);
    snprintf(plain->call, sizeof plain->call, "%s", id);
    plain->call_ended = false;
    plain->call_printed = false;
}

static void take_text(struct plain *plain, const struct event *event)
{
    if (plain->call_ended || strncmp(plain->call, event->id, ID_LIMIT - 1) != 0)
        begin_call(plain, event->id);
    if (event->type != EVENT_CONTENT)
        return;
    text_append(&plain->answer, event->text, strlen(event->text));
    if (plain->options->stream && plain->answer.length > 0) {
        print(plain, plain->answer.data, plain->answer.length);
        buffer_clear(&plain->answer);
        plain->call_printed = plain->printed = true;
    }
}

static void complain(struct view *view, const char *sentence)
{
    (void)view;
    warn("%s", sentence);
}

static void discard(struct plain *plain)
{
    buffer_clear(&plain->answer);
    if (plain->call_printed) {
        end_line(plain);
        warn("the attempt failed and is repeated: its text does not count");
    }
    plain->call_printed = false;
}

static void show_result(struct plain *plain, const struct event *event)
{
    const char *status = json_string(event->tree, "status");
    const char *reason = json_string(event->tree, "exit_reason");
    if (!plain->printed && plain->answer.length == 0)
        text_append(&plain->answer, event->text, strlen(event->text));
    print_answer(plain);
    if (status != NULL && strcmp(status, "ok") != 0 && reason != NULL && *reason != '\0' &&
        strstr(plain->last_error.text, reason) == NULL)
        warn("%s", reason);
}

static void event(struct view *view, const struct event *event)
{
    struct plain *plain = (struct plain *)view;
    switch (event->type) {
    case EVENT_SESSION:
        plain->printed = false;
        break;
    case EVENT_CONTENT:
    case EVENT_REASONING:
        take_text(plain, event);
        break;
    case EVENT_DISCARD:
        discard(plain);
        break;
    case EVENT_STREAM_END:
        plain->call_ended = true;
        if (plain->options->all)
            print_answer(plain);
        break;
    case EVENT_TURN_COMPLETE:
        print_answer(plain);
        plain->call_ended = true;
        break;
    case EVENT_ERROR:
        error_set(&plain->last_error, "%s", event->text);
        warn("%s", event->text);
        break;
    case EVENT_RESULT:
        show_result(plain, event);
        break;
    default:
        break;
    }
}

static void settle(struct view *view)
{
    (void)view;
}

static void disturbed(struct view *view, bool overwritten)
{
    (void)view;
    (void)overwritten;
}

static void finish(struct view *view)
{
    print_answer((struct plain *)view);
}

static void plain_free(struct view *view)
{
    struct plain *plain = (struct plain *)view;
    buffer_release(&plain->answer);
    free(plain);
}

struct view *plain_new(
    const struct render_options *options, struct line_writer *out, struct loop *loop)
{
    (void)loop;
    struct plain *plain = calloc(1, sizeof *plain);
    if (plain == NULL)
        die(EXIT_SYSTEM, "start: out of memory");
    plain->view = (struct view){event, complain, settle, disturbed, finish, plain_free};
    plain->options = options;
    plain->out = out;
    buffer_init(&plain->answer, ANSWER_LIMIT);
    return &plain->view;
}
