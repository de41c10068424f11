/*
 * The view on a terminal: everything, as it happens.
 *
 * Events change what is known; settle, called when the input is used up for
 * the moment, draws it, at most FRAME_MS apart. What is complete goes above
 * the live rows and is never touched again; live are the unfinished block of
 * the answer, the running calls, and the spinner.
 */
#include "render.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "calls.h"
#include "common/program.h"
#include "paint.h"
#include "term/screen.h"
#include "term/spinner.h"
#include "term/stream.h"
#include "term/style.h"
#include "usage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FRAME_MS = 25,  /* between two drawings: 40 a second look like a flow */
    QUIET_MS = 700, /* text that pauses longer than this gets a spinner below it */
    ID_LIMIT = 256,
    VISIBLE_LIMIT = 128 << 20, /* of one event's text: a line is at most 8 MiB, and made visible
                                  a control byte takes up to 8 */
    STATUS_ROWS = 8,           /* of the screen, at most, for calls and spinner */
};

/* What kind of rows came last: other kinds are set off by a blank row. */
enum group { GROUP_NONE, GROUP_ANSWER, GROUP_REASONING, GROUP_CALLS, GROUP_NOTE };

struct terminal {
    struct view view;
    const struct render_options *options;
    struct line_writer *out;
    struct loop *loop;
    struct loop_timer timer;
    struct screen screen;
    struct stream answer;
    struct buffer reasoning; /* its unfinished line */
    struct calls calls;
    struct buffer usage; /* the usage line, until the turn ends */
    char call[ID_LIMIT]; /* id of the model call whose text is shown */
    bool call_ended;
    bool cancelled;    /* the last turn was */
    bool call_settled; /* rows of this call went where they cannot be taken back */
    enum group group;
    bool thinking;     /* the model is at work */
    int64_t since;     /* when it began */
    int64_t last_text; /* when text came last, or since */
    bool reviewing;    /* one of them is about a plan, whose end only the state tells */
    unsigned asking;   /* requests to a person that are not answered: the terminal is theirs */
    bool changed;
    int64_t drawn;       /* when */
    size_t spinner_rows; /* of the live rows, at the end */
    struct error last_error;
};

static struct markdown look_of(const struct terminal *terminal)
{
    return terminal->answer.look;
}

/* What is complete. */

/* Rows of a kind follow: set them off from others. */
static void begin_group(struct terminal *terminal, enum group group)
{
    struct rows *settled = &terminal->screen.settled;
    bool blank = settled->count > 0 ? rows_is_blank(settled, settled->count - 1)
                                    : terminal->screen.last_blank;
    if (group != terminal->group && terminal->group != GROUP_NONE && !blank)
        painted(rows_add_blank(settled));
    terminal->group = group;
    terminal->changed = true;
}

/* The text that is under way is complete. */
static void end_text(struct terminal *terminal)
{
    struct rows *settled = &terminal->screen.settled;
    struct markdown look = look_of(terminal);
    size_t before = settled->count;
    painted(stream_finish(&terminal->answer, settled));
    if (terminal->reasoning.length > 0) {
        paint(settled, &look, "", STYLE_PLAIN, STYLE_DIM, terminal->reasoning.data);
        buffer_clear(&terminal->reasoning);
    }
    if (settled->count > before)
        terminal->call_settled = true;
    terminal->changed = true;
}

static void note(struct terminal *terminal, unsigned style, const char *mark, const char *text)
{
    struct markdown look = look_of(terminal);
    struct buffer visible;
    if (*text == '\0')
        return;
    end_text(terminal);
    begin_group(terminal, GROUP_NOTE);
    buffer_init(&visible, (size_t)VISIBLE_LIMIT);
    text_append(&visible, text, strlen(text));
    paint(&terminal->screen.settled, &look, mark, style, style, visible.data);
    buffer_release(&visible);
}

static void note_error(struct terminal *terminal, const char *text)
{
    error_set(&terminal->last_error, "%s", text);
    note(terminal, STYLE_RED, terminal->options->unicode ? "✗ " : "x ", text);
}

/* Text. */

static void begin_call(struct terminal *terminal, const char *id)
{
    if (!terminal->call_ended && strncmp(terminal->call, id, ID_LIMIT - 1) == 0)
        return;
    end_text(terminal);
    snprintf(terminal->call, sizeof terminal->call, "%s", id);
    terminal->call_ended = false;
    terminal->call_settled = false;
}

static void take_reasoning(struct terminal *terminal, const char *text)
{
    struct markdown look = look_of(terminal);
    if (terminal->options->hide_reasoning)
        return;
    if (!stream_empty(&terminal->answer))
        end_text(terminal);
    if (terminal->group != GROUP_REASONING)
        text += strspn(text, " \n");
    if (*text == '\0')
        return;
    begin_group(terminal, GROUP_REASONING);
    text_append(&terminal->reasoning, text, strlen(text));
    const char *newline = memrchr(terminal->reasoning.data, '\n', terminal->reasoning.length);
    if (newline == NULL)
        return;
    size_t length = (size_t)(newline - terminal->reasoning.data);
    terminal->reasoning.data[length] = '\0';
    if (length == 0)
        painted(rows_add_blank(&terminal->screen.settled));
    else
        paint(
            &terminal->screen.settled, &look, "", STYLE_PLAIN, STYLE_DIM, terminal->reasoning.data);
    buffer_consume(&terminal->reasoning, length + 1);
    terminal->call_settled = true;
}

static void take_content(struct terminal *terminal, const char *text)
{
    if (terminal->reasoning.length > 0)
        end_text(terminal);
    /* Empty lines before an answer are not part of it. */
    if (stream_empty(&terminal->answer) && !terminal->answer.started)
        text += strspn(text, "\n");
    if (*text == '\0')
        return;
    begin_group(terminal, GROUP_ANSWER);
    struct buffer visible;
    buffer_init(&visible, (size_t)VISIBLE_LIMIT);
    text_append(&visible, text, strlen(text));
    painted(stream_add(&terminal->answer, visible.data, visible.length));
    buffer_release(&visible);
}

static void take_text(struct terminal *terminal, const struct event *event)
{
    begin_call(terminal, event->id);
    terminal->last_text = clock_monotonic_ms();
    if (event->type == EVENT_CONTENT)
        take_content(terminal, event->text);
    else
        take_reasoning(terminal, event->text);
}

static void discard(struct terminal *terminal)
{
    stream_reset(&terminal->answer);
    buffer_clear(&terminal->reasoning);
    if (terminal->call_settled)
        note(terminal, STYLE_DIM, "",
            "(the attempt failed and is repeated: what it wrote above does not count)");
    terminal->call_settled = false;
    terminal->changed = true;
}

/* State. */

static void think(struct terminal *terminal, bool thinking)
{
    if (thinking && !terminal->thinking)
        terminal->since = terminal->last_text = clock_monotonic_ms();
    terminal->thinking = thinking;
    terminal->changed = true;
}

static void asked(struct terminal *terminal)
{
    if (terminal->asking > 0)
        terminal->asking--;
    terminal->changed = true;
}

static void take_state(struct terminal *terminal, const struct event *event)
{
    const char *state = json_string(event->tree, "state");
    if (terminal->reviewing && state != NULL && strcmp(state, "attention") != 0) {
        terminal->reviewing = false;
        asked(terminal);
    }
    think(terminal, state != NULL && strcmp(state, "thinking") == 0);
}

static void take_session(struct terminal *terminal, const struct event *event)
{
    const char *sandbox = json_string(event->tree, "sandbox");
    bool off = sandbox != NULL && strcmp(sandbox, "off") == 0;
    bool skip = json_boolean(event->tree, "skip_permissions", false);
    if (off || skip)
        note(terminal, STYLE_YELLOW, terminal->options->unicode ? "⚠ " : "! ",
            off && skip ? "tools run unasked and outside the sandbox"
            : off       ? "tools run outside the sandbox"
                        : "tools run unasked");
}

static void end_turn(struct terminal *terminal, const char *status)
{
    struct markdown look = look_of(terminal);
    end_text(terminal);
    terminal->call_ended = true;
    terminal->asking = 0;
    terminal->reviewing = false;
    think(terminal, false);
    if (terminal->calls.count > 0) {
        begin_group(terminal, GROUP_CALLS);
        calls_abandon(&terminal->calls, &look, &terminal->screen.settled);
    }
    if (status != NULL)
        terminal->cancelled = strcmp(status, "cancelled") == 0;
    if (status != NULL && terminal->cancelled)
        note(terminal, STYLE_YELLOW, "", "(cancelled)");
    else if (status != NULL && strcmp(status, "limit") == 0)
        note(terminal, STYLE_YELLOW, "", "(stopped at a limit)");
    else if (status != NULL && strcmp(status, "timeout") == 0)
        note(terminal, STYLE_YELLOW, "", "(out of time)");
    if (terminal->usage.length > 0) {
        terminal->group = GROUP_ANSWER; /* a blank row before it */
        note(terminal, STYLE_DIM, "", terminal->usage.data);
        buffer_clear(&terminal->usage);
    }
}

static void take_result(struct terminal *terminal, const struct event *event)
{
    const char *status = json_string(event->tree, "status");
    const char *reason = json_string(event->tree, "exit_reason");
    end_turn(terminal, NULL);
    if (terminal->cancelled && status != NULL && strcmp(status, "interrupted") == 0)
        return;
    if (status != NULL && strcmp(status, "ok") != 0 && reason != NULL &&
        strstr(terminal->last_error.text, reason) == NULL)
        note(terminal, STYLE_RED, "", reason);
}

/* Drawing. */

/* In the background the screen belongs to the shell, and to who types there: nothing that moves. */
static bool in_background(const struct terminal *terminal)
{
    pid_t group = tcgetpgrp(terminal->out->fd);
    return group > 0 && group != getpgrp();
}

static bool spinning(const struct terminal *terminal, int64_t now)
{
    if (!terminal->options->spinner || terminal->asking > 0 || in_background(terminal))
        return false;
    if (calls_running(&terminal->calls) > 0)
        return true;
    bool text = !stream_empty(&terminal->answer) || terminal->reasoning.length > 0;
    return terminal->thinking && (!text || now - terminal->last_text >= QUIET_MS);
}

static void add_status_rows(struct terminal *terminal, int64_t now, struct rows *rows)
{
    struct markdown look = look_of(terminal);
    size_t room = screen_room(&terminal->screen) / 2;
    size_t before = rows->count;
    bool spinner = spinning(terminal, now);
    if (terminal->asking > 0)
        return;
    if (room > STATUS_ROWS)
        room = STATUS_ROWS;
    if (room < 1)
        room = 1;
    calls_live(&terminal->calls, &look, now, spinner, room, rows);
    if (spinner && rows->count == before) {
        char mark[16], words[DURATION_SIZE + 32], duration[DURATION_SIZE] = "";
        snprintf(mark, sizeof mark, "%s ", spinner_frame(now, look.unicode));
        duration_seconds(duration, sizeof duration, now - terminal->since);
        snprintf(words, sizeof words, "thinking%s %s", look.unicode ? "…" : "...", duration);
        paint_cut(rows, &look, mark, STYLE_CYAN, STYLE_DIM, words);
    }
    terminal->spinner_rows = rows->count - before;
}

static void add_text_rows(struct terminal *terminal, struct rows *rows)
{
    struct markdown look = look_of(terminal);
    painted(stream_rest(&terminal->answer, rows));
    if (terminal->reasoning.length > 0)
        paint(rows, &look, "", STYLE_PLAIN, STYLE_DIM, terminal->reasoning.data);
}

/* Lay out the live rows so that they fit the screen: what does not is made complete. */
static void lay_out(struct terminal *terminal, int64_t now)
{
    struct screen *screen = &terminal->screen;
    struct rows status;
    size_t settled = screen->settled.count;
    rows_init(&status);
    terminal->spinner_rows = 0;
    painted(stream_take(&terminal->answer, &screen->settled));
    if (screen->settled.count > settled)
        terminal->call_settled = true;
    rows_clear(&screen->live);
    if (in_background(terminal))
        return;
    for (;;) {
        rows_clear(&screen->live);
        rows_clear(&status);
        add_text_rows(terminal, &screen->live);
        add_status_rows(terminal, now, &status);
        size_t height = rows_height_from(&screen->live, 0, screen->width) + status.count;
        if (height <= screen_room(screen) || screen->live.count == 0)
            break;
        terminal->call_settled = true;
        if (terminal->reasoning.length > 0) {
            end_text(terminal);
            continue;
        }
        painted(stream_cut(&terminal->answer, &screen->settled));
    }
    painted(rows_add_all(&screen->live, &status));
    rows_release(&status);
}

static void draw_now(struct terminal *terminal)
{
    int64_t now = clock_monotonic_ms();
    lay_out(terminal, now);
    if (screen_draw(&terminal->screen, &terminal->out->queue) < 0)
        die(EXIT_SYSTEM, "draw: %s", strerror(errno));
    terminal->drawn = now;
    terminal->changed = false;
}

/* Nothing is drawn while a person is asked. */
static void draw(struct terminal *terminal)
{
    terminal->changed = true;
    if (terminal->asking == 0)
        draw_now(terminal);
}

static void tick(void *context)
{
    struct terminal *terminal = context;
    terminal->changed = true;
}

static void settle(struct view *view)
{
    struct terminal *terminal = (struct terminal *)view;
    int64_t now = clock_monotonic_ms();
    /* A person is being asked, or the terminal has not taken the last drawing yet. */
    if (terminal->asking > 0 || line_writer_waiting(terminal->out))
        return;
    if (terminal->changed && now - terminal->drawn >= FRAME_MS) {
        draw(terminal);
        now = terminal->drawn;
    }
    int64_t next = 0;
    if (terminal->changed)
        next = terminal->drawn + FRAME_MS;
    else if (spinning(terminal, now))
        next = now + SPINNER_MS;
    else if (terminal->thinking && terminal->options->spinner &&
             now < terminal->last_text + QUIET_MS)
        next = terminal->last_text + QUIET_MS;
    if (next > 0)
        loop_timer_set(terminal->loop, &terminal->timer, next);
    else
        loop_timer_cancel(terminal->loop, &terminal->timer);
}

/* The terminal is about to be somebody else's: leave nothing that moves, now. */
static void ask(struct terminal *terminal)
{
    end_text(terminal);
    if (terminal->asking++ > 0)
        return;
    draw_now(terminal);
    terminal->group = GROUP_CALLS;
    terminal->screen.last_blank = false;
}

/* Who asks about a plan shows it, as it shows calls. */
static void take_plan(struct terminal *terminal)
{
    terminal->reviewing = true;
    ask(terminal);
}

static void event(struct view *view, const struct event *event)
{
    struct terminal *terminal = (struct terminal *)view;
    struct markdown look = look_of(terminal);
    switch (event->type) {
    case EVENT_SESSION:
        take_session(terminal, event);
        break;
    case EVENT_STATE_CHANGE:
        take_state(terminal, event);
        break;
    case EVENT_CONTENT:
    case EVENT_REASONING:
        take_text(terminal, event);
        break;
    case EVENT_DISCARD:
        discard(terminal);
        break;
    case EVENT_STREAM_END:
        end_text(terminal);
        terminal->call_ended = true;
        think(terminal, false);
        draw(terminal);
        break;
    case EVENT_TOOL_INFO:
        end_text(terminal);
        calls_announce(&terminal->calls, event->tree, true);
        begin_group(terminal, GROUP_CALLS);
        break;
    case EVENT_APPROVAL_REQUEST:
        calls_announce(&terminal->calls, event->tree, false);
        ask(terminal);
        break;
    case EVENT_APPROVAL_RESOLVED:
        calls_decide(&terminal->calls, event->tree);
        asked(terminal);
        break;
    case EVENT_TOOL_OUTPUT_CHUNK:
        calls_chunk(&terminal->calls, event->tree, event->text);
        terminal->changed = true;
        break;
    case EVENT_TOOL_RESULT:
        end_text(terminal);
        begin_group(terminal, GROUP_CALLS);
        calls_result(&terminal->calls, event->tree, &look, &terminal->screen.settled);
        if (calls_running(&terminal->calls) == 0)
            think(terminal, true);
        break;
    case EVENT_STATUS:
        usage_line(&terminal->usage, event->tree, terminal->options->unicode);
        break;
    case EVENT_TURN_COMPLETE:
        end_turn(terminal, json_string(event->tree, "status"));
        break;
    case EVENT_RESULT:
        take_result(terminal, event);
        break;
    case EVENT_PLAN_REVIEW:
        take_plan(terminal);
        break;
    case EVENT_ERROR:
        note_error(terminal, event->text);
        break;
    case EVENT_INFO:
    case EVENT_CANCELLED:
        note(terminal, STYLE_DIM, json_get(event->tree, "parent_call_id") != NULL ? "  " : "",
            event->text);
        break;
    case EVENT_QUEUED:
        note(terminal, STYLE_DIM, "", "(queued behind the present turn)");
        break;
    case EVENT_ACK:
    case EVENT_OTHER:
        break;
    }
}

static void complain(struct view *view, const char *sentence)
{
    struct terminal *terminal = (struct terminal *)view;
    if (!style_terminal(STDERR_FILENO)) {
        warn("%s", sentence);
        return;
    }
    char text[ERROR_TEXT_SIZE + 16];
    snprintf(text, sizeof text, "ts-render: %s", sentence);
    note(terminal, STYLE_RED, "", text);
}

/* What the rows show stays where it is, and is not shown again. */
static void leave_rows(struct terminal *terminal, size_t erase)
{
    painted(screen_leave(&terminal->screen, erase, &terminal->out->queue));
    painted(stream_freeze(&terminal->answer));
    buffer_clear(&terminal->reasoning);
    terminal->call_settled = true;
}

static void disturbed(struct view *view, bool overwritten)
{
    struct terminal *terminal = (struct terminal *)view;
    struct screen *screen = &terminal->screen;
    screen_measure(screen, terminal->out->fd, (size_t)terminal->options->width);
    terminal->answer.look.width = screen->width;
    terminal->changed = true;
    if (!overwritten && !screen_lost(screen))
        return;
    leave_rows(terminal, overwritten ? 0 : terminal->spinner_rows);
}

static void echoed(struct view *view)
{
    struct terminal *terminal = (struct terminal *)view;
    terminal->changed = true;
    if (!screen_stain(&terminal->screen))
        leave_rows(terminal, 0);
}

static void finish(struct view *view)
{
    struct terminal *terminal = (struct terminal *)view;
    end_turn(terminal, NULL);
    draw(terminal);
    loop_timer_cancel(terminal->loop, &terminal->timer);
}

static void terminal_free(struct view *view)
{
    struct terminal *terminal = (struct terminal *)view;
    calls_release(&terminal->calls);
    stream_release(&terminal->answer);
    screen_release(&terminal->screen);
    buffer_release(&terminal->reasoning);
    buffer_release(&terminal->usage);
    free(terminal);
}

struct view *terminal_new(
    const struct render_options *options, struct line_writer *out, struct loop *loop)
{
    struct terminal *terminal = calloc(1, sizeof *terminal);
    if (terminal == NULL)
        die(EXIT_SYSTEM, "start: out of memory");
    terminal->view =
        (struct view){event, complain, settle, disturbed, echoed, finish, terminal_free};
    terminal->options = options;
    terminal->out = out;
    terminal->loop = loop;
    terminal->timer.call = tick;
    terminal->timer.context = terminal;
    screen_init(&terminal->screen);
    screen_measure(&terminal->screen, out->fd, (size_t)options->width);
    struct markdown look = {
        .width = terminal->screen.width, .styled = options->styled, .unicode = options->unicode};
    stream_init(&terminal->answer, &look, ANSWER_LIMIT);
    buffer_init(&terminal->reasoning, ANSWER_LIMIT);
    buffer_init(&terminal->usage, ID_LIMIT * 4);
    return &terminal->view;
}
