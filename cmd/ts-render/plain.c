/*
 * The view off a terminal, and on a dumb one: text without escapes, the
 * markdown as the model wrote it, so that what reads the pipe gets markdown.
 *
 * By default only the answer is printed: the text of the last model call of a
 * turn, at the turn's end, when no retry can take it back any more. --all
 * prints every call's text when that call has ended, and what the tools did;
 * --stream prints text at once. With --color=always markdown is laid out.
 */
#include "render.h"

#include "base/buffer.h"
#include "calls.h"
#include "common/program.h"
#include "paint.h"
#include "term/stream.h"
#include "usage.h"
#include "waiting.h"

#include <stdlib.h>
#include <string.h>

enum {
    ID_LIMIT = 256,
    WIDTH_STYLED = 80,      /* of laid out text, when nothing says how wide */
    WIDTH_ENDLESS = 1 << 28 /* plain text is not wrapped */
};

struct plain {
    struct view view;
    const struct render_options *options;
    struct line_writer *out;
    struct waiting waiting;
    struct buffer answer;    /* of the present model call, not yet printed */
    struct buffer reasoning; /* of the present model call, not yet printed */
    struct stream laid_out;  /* of the answer, when it is styled */
    struct calls calls;
    struct buffer usage;
    char call[ID_LIMIT]; /* id of the model call */
    bool call_ended;
    bool call_printed; /* a part of its text was printed before it had ended */
    bool inside_line;  /* what was printed last did not end with a newline */
    bool printed;      /* an answer was printed since the session line */
    struct error last_error;
};

static void print(struct plain *plain, const char *text, size_t length)
{
    if (length == 0)
        return;
    waiting_stop(&plain->waiting);
    put(plain->out, text, length);
    plain->inside_line = text[length - 1] != '\n';
}

static void end_line(struct plain *plain)
{
    if (plain->inside_line)
        print(plain, "\n", 1);
}

static void print_rows(struct plain *plain, struct rows *rows)
{
    end_line(plain);
    for (size_t i = 0; i < rows->count; i++) {
        print(plain, rows_text(rows, i), rows->items[i].length);
        print(plain, "\n", 1);
    }
    rows_release(rows);
}

static void print_line(struct plain *plain, const char *text)
{
    end_line(plain);
    print(plain, text, strlen(text));
    end_line(plain);
}

/* Our own words on stderr: what is half printed on stdout may be on the same terminal. */
static void tell(struct plain *plain, const char *sentence)
{
    waiting_stop(&plain->waiting);
    /* In the order things happened, where both go to the same place. A failure shows later. */
    (void)line_writer_flush(plain->out);
    warn("%s", sentence);
}

/* Print what there is of the answer; ended: nothing will be added to it. */
static void print_answer(struct plain *plain, bool ended)
{
    if (plain->answer.length > 0)
        plain->printed = true;
    if (plain->options->styled) {
        struct rows rows;
        rows_init(&rows);
        painted(stream_add(&plain->laid_out, plain->answer.data, plain->answer.length));
        painted(
            ended ? stream_finish(&plain->laid_out, &rows) : stream_take(&plain->laid_out, &rows));
        print_rows(plain, &rows);
    } else {
        print(plain, plain->answer.data, plain->answer.length);
        if (ended)
            end_line(plain);
    }
    buffer_clear(&plain->answer);
}

/* Reasoning is printed as a quote, so that it is told apart from the answer. */
static void print_reasoning(struct plain *plain, bool ended)
{
    const struct buffer *text = &plain->reasoning;
    size_t at = 0;
    while (at < text->length) {
        const char *newline = memchr(text->data + at, '\n', text->length - at);
        if (newline == NULL && !ended)
            break;
        size_t end = newline != NULL ? (size_t)(newline - text->data) : text->length;
        end_line(plain);
        print(plain, "> ", 2);
        print(plain, text->data + at, end - at);
        print(plain, "\n", 1);
        at = newline != NULL ? end + 1 : end;
    }
    if (at > 0 && ended)
        print(plain, "\n", 1);
    buffer_consume(&plain->reasoning, at);
}

/* The call's text is certain, or as certain as it will get. */
static void end_text(struct plain *plain)
{
    print_reasoning(plain, true);
    print_answer(plain, true);
}

static void begin_call(struct plain *plain, const char *id)
{
    if (!plain->call_ended && strncmp(plain->call, id, ID_LIMIT - 1) == 0)
        return;
    if (plain->options->all || plain->options->stream)
        end_text(plain);
    buffer_clear(&plain->answer); /* not the last call's, then */
    snprintf(plain->call, sizeof plain->call, "%s", id);
    plain->call_ended = false;
    plain->call_printed = false;
}

static void take_reasoning(struct plain *plain, const char *text)
{
    if (!plain->options->all || plain->options->hide_reasoning)
        return;
    if (plain->options->stream)
        print_answer(plain, true);
    text_append(&plain->reasoning, text, strlen(text));
    if (plain->options->stream)
        print_reasoning(plain, false);
}

static void take_content(struct plain *plain, const char *text)
{
    text_append(&plain->answer, text, strlen(text));
    if (plain->options->stream && plain->answer.length > 0) {
        print_reasoning(plain, true);
        print_answer(plain, false);
        plain->call_printed = true;
    }
}

static void discard(struct plain *plain)
{
    buffer_clear(&plain->answer);
    buffer_clear(&plain->reasoning);
    if (plain->call_printed) {
        print_answer(plain, true);
        tell(plain, "the attempt failed and is repeated: its text so far does not count");
    }
    plain->call_printed = false;
}

static void take_error(struct plain *plain, const struct event *event)
{
    error_set(&plain->last_error, "%s", event->text);
    if (plain->options->all || plain->options->stream)
        end_line(plain);
    tell(plain, event->text);
}

static void end_turn(struct plain *plain)
{
    waiting_stop(&plain->waiting);
    end_text(plain);
    plain->call_ended = true;
    if (!plain->options->all)
        return;
    struct rows rows;
    rows_init(&rows);
    calls_abandon(&plain->calls, &plain->laid_out.look, &rows);
    print_rows(plain, &rows);
    if (plain->usage.length > 0)
        print_line(plain, plain->usage.data);
    buffer_clear(&plain->usage);
}

static void take_result(struct plain *plain, const struct event *event)
{
    const char *status = json_string(event->tree, "status");
    const char *reason = json_string(event->tree, "exit_reason");
    if (!plain->printed && plain->answer.length == 0)
        text_append(&plain->answer, event->text, strlen(event->text));
    end_turn(plain);
    if (status != NULL && strcmp(status, "ok") != 0 && reason != NULL && *reason != '\0' &&
        strstr(plain->last_error.text, reason) == NULL)
        tell(plain, reason);
}

/* What --all shows besides texts. */
static void take_activity(struct plain *plain, const struct event *event)
{
    struct rows rows;
    /* What an agent does is for who watches; its report comes with the call that started it. */
    if (json_get(event->tree, "parent_call_id") != NULL && event->type != EVENT_PLAN_REVIEW)
        return;
    rows_init(&rows);
    switch (event->type) {
    case EVENT_TOOL_INFO:
    case EVENT_APPROVAL_REQUEST:
        end_text(plain);
        calls_announce(&plain->calls, event->tree, event->type == EVENT_TOOL_INFO);
        break;
    case EVENT_APPROVAL_RESOLVED:
        calls_decide(&plain->calls, event->tree);
        break;
    case EVENT_TOOL_RESULT:
        calls_result(&plain->calls, event->tree, &plain->laid_out.look, &rows);
        break;
    case EVENT_STATUS:
        usage_line(&plain->usage, event->tree, plain->options->unicode);
        break;
    case EVENT_PLAN_REVIEW:
    case EVENT_INFO:
        end_text(plain);
        text_append(&plain->answer, event->text, strlen(event->text));
        end_text(plain);
        break;
    default:
        break;
    }
    print_rows(plain, &rows);
}

/* What is being waited for, if anything. */
static void note_waiting(struct plain *plain, const struct event *event)
{
    const char *state = json_string(event->tree, "state");
    if (event->type == EVENT_STATE_CHANGE && state != NULL && strcmp(state, "thinking") == 0)
        waiting_start(&plain->waiting, "thinking");
    else if (event->type == EVENT_TOOL_INFO || event->type == EVENT_APPROVAL_RESOLVED ||
             (event->type == EVENT_STATE_CHANGE && state != NULL && strcmp(state, "running") == 0))
        waiting_start(&plain->waiting, "running");
    else if (event->type == EVENT_STATE_CHANGE || event->type == EVENT_APPROVAL_REQUEST)
        waiting_stop(&plain->waiting);
}

static void event(struct view *view, const struct event *event)
{
    struct plain *plain = (struct plain *)view;
    switch (event->type) {
    case EVENT_SESSION:
        plain->printed = false;
        break;
    case EVENT_CONTENT:
        begin_call(plain, event->id);
        take_content(plain, event->text);
        break;
    case EVENT_REASONING:
        begin_call(plain, event->id);
        take_reasoning(plain, event->text);
        break;
    case EVENT_DISCARD:
        discard(plain);
        break;
    case EVENT_STREAM_END:
        if (plain->options->all)
            end_text(plain);
        plain->call_ended = true;
        break;
    case EVENT_TURN_COMPLETE:
        end_turn(plain);
        break;
    case EVENT_ERROR:
        take_error(plain, event);
        break;
    case EVENT_RESULT:
        take_result(plain, event);
        break;
    default:
        if (plain->options->all)
            take_activity(plain, event);
        note_waiting(plain, event);
        break;
    }
}

static void complain(struct view *view, const char *sentence)
{
    tell((struct plain *)view, sentence);
}

static void settle(struct view *view)
{
    (void)view; /* everything was printed as it came */
}

static void disturbed(struct view *view, bool overwritten)
{
    (void)view;
    (void)overwritten;
}

static void echoed(struct view *view)
{
    (void)view;
}

static void finish(struct view *view)
{
    end_turn((struct plain *)view);
}

static void plain_free(struct view *view)
{
    struct plain *plain = (struct plain *)view;
    buffer_release(&plain->answer);
    buffer_release(&plain->reasoning);
    buffer_release(&plain->usage);
    stream_release(&plain->laid_out);
    calls_release(&plain->calls);
    free(plain);
}

struct view *plain_new(
    const struct render_options *options, struct line_writer *out, struct loop *loop)
{
    struct plain *plain = calloc(1, sizeof *plain);
    if (plain == NULL)
        die(EXIT_SYSTEM, "start: out of memory");
    plain->view = (struct view){event, complain, settle, disturbed, echoed, finish, plain_free};
    plain->options = options;
    plain->out = out;
    plain->calls.all_output = true;
    waiting_init(&plain->waiting, loop, options->spinner, options->unicode);
    buffer_init(&plain->answer, ANSWER_LIMIT);
    buffer_init(&plain->reasoning, ANSWER_LIMIT);
    buffer_init(&plain->usage, ID_LIMIT * 4);
    struct markdown look = {.styled = options->styled, .unicode = options->unicode};
    look.width = options->width > 0 ? (size_t)options->width
                 : options->styled  ? WIDTH_STYLED
                                    : WIDTH_ENDLESS;
    stream_init(&plain->laid_out, &look, ANSWER_LIMIT);
    return &plain->view;
}
