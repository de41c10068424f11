#include "calls.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "common/program.h"
#include "event.h"
#include "paint.h"
#include "term/preview.h"
#include "term/spinner.h"
#include "term/style.h"

#include <stdlib.h>
#include <string.h>

enum {
    CALLS_MOST = 1024,      /* without a result at one time; more are told about when they end */
    FIELD_LIMIT = 16 << 20, /* bytes of a header, preview or output: a line is at most 8 MiB */
    TAIL_KEPT = 4 << 10,    /* bytes of live output kept to show its last lines */
    LIVE_LINES = 3,         /* of output under a running call */
    RESULT_LINES = 6,       /* of output under a finished one */
    NESTED_LINES = 2,       /* the same for a call of an agent */
    DIFF_LINES = 40,        /* of an edit's preview */
};

struct call {
    char *id;
    char *parent;          /* id of the call whose agent made it; NULL: none */
    struct buffer header;  /* one visible line, without its icon */
    struct buffer preview; /* visible */
    struct buffer note;    /* why it was refused or denied */
    struct buffer tail;    /* the end of its output so far, visible */
    int64_t started;
    bool running;
};

static void call_free(struct call *call)
{
    buffer_release(&call->header);
    buffer_release(&call->preview);
    buffer_release(&call->note);
    buffer_release(&call->tail);
    free(call->id);
    free(call->parent);
    free(call);
}

static void forget_heading(struct calls *calls)
{
    free(calls->heading);
    calls->heading = NULL;
}

static void call_clear_all(struct calls *calls)
{
    forget_heading(calls);
    for (size_t i = 0; i < calls->count; i++)
        call_free(calls->items[i]);
    calls->count = 0;
}

void calls_release(struct calls *calls)
{
    call_clear_all(calls);
    free(calls->items);
    *calls = (struct calls){0};
}

static struct call *find(const struct calls *calls, const char *id)
{
    for (size_t i = 0; id != NULL && i < calls->count; i++) {
        if (strcmp(calls->items[i]->id, id) == 0)
            return calls->items[i];
    }
    return NULL;
}

static struct call *add(struct calls *calls, const char *id)
{
    if (calls->count == CALLS_MOST)
        return NULL;
    if (calls->count == calls->capacity) {
        size_t capacity = calls->capacity > 0 ? calls->capacity * 2 : 16;
        struct call **items = realloc(calls->items, capacity * sizeof *items);
        if (items == NULL)
            die(EXIT_SYSTEM, "keep a tool call: out of memory");
        calls->items = items;
        calls->capacity = capacity;
    }
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL || (call->id = strdup(id)) == NULL)
        die(EXIT_SYSTEM, "keep a tool call: out of memory");
    buffer_init(&call->header, FIELD_LIMIT);
    buffer_init(&call->preview, (size_t)FIELD_LIMIT * 4);
    buffer_init(&call->note, FIELD_LIMIT);
    buffer_init(&call->tail, (size_t)FIELD_LIMIT * 4);
    calls->items[calls->count++] = call;
    return call;
}

static void drop(struct calls *calls, struct call *call)
{
    for (size_t i = 0; i < calls->count; i++) {
        if (calls->items[i] == call) {
            memmove(calls->items + i, calls->items + i + 1,
                (calls->count - i - 1) * sizeof *calls->items);
            calls->count--;
            break;
        }
    }
    call_free(call);
}

/* "⚙ bash: ls" without its icon: our own sign says how the call is doing. */
static const char *behind_icon(const char *header)
{
    static const char *const icons[] = {"⚙", "✗"};
    for (size_t i = 0; i < sizeof icons / sizeof icons[0]; i++) {
        size_t length = strlen(icons[i]);
        if (strncmp(header, icons[i], length) != 0)
            continue;
        header += length;
        if (strncmp(header, "\xEF\xB8\x8F", 3) == 0) /* drawn as an emoji */
            header += 3;
        return header + strspn(header, " ");
    }
    return header;
}

static void announce(struct calls *calls, const cJSON *item, const char *parent, bool running)
{
    const char *id = json_string(item, "call_id");
    const char *header = json_string(item, "header");
    const char *preview = json_string(item, "preview");
    const char *error = json_string(item, "error");
    if (id == NULL || find(calls, id) != NULL)
        return;
    struct call *call = add(calls, id);
    if (call == NULL)
        return;
    if (parent != NULL && (call->parent = strdup(parent)) == NULL)
        die(EXIT_SYSTEM, "keep a tool call: out of memory");
    if (header == NULL || *header == '\0')
        header = json_string(item, "func_name");
    text_append_line(&call->header, header != NULL ? behind_icon(header) : "tool");
    if (preview != NULL)
        text_append(&call->preview, preview, strlen(preview));
    if (error != NULL)
        text_append_line(&call->note, error);
    call->started = clock_monotonic_ms();
    call->running = running && error == NULL;
}

void calls_announce(struct calls *calls, const cJSON *event, bool running)
{
    const cJSON *item;
    const char *parent = json_string(event, "parent_call_id");
    cJSON_ArrayForEach(item, json_array(event, "items")) announce(calls, item, parent, running);
}

void calls_decide(struct calls *calls, const cJSON *event)
{
    const cJSON *decision;
    cJSON_ArrayForEach(decision, json_array(event, "decisions"))
    {
        struct call *call = find(calls, json_string(decision, "call_id"));
        const char *verdict = json_string(decision, "decision");
        const char *reason = json_string(decision, "reason");
        if (call == NULL || verdict == NULL)
            continue;
        call->running = strcmp(verdict, "allow") == 0;
        call->started = clock_monotonic_ms();
        if (!call->running && reason != NULL && call->note.length == 0)
            text_append_line(&call->note, reason);
    }
}

/* A lone carriage return begins the line anew, as progress bars do. */
static void append_output(struct buffer *tail, const char *chunk)
{
    while (*chunk != '\0') {
        size_t length = strcspn(chunk, "\r");
        text_append(tail, chunk, length);
        chunk += length;
        if (*chunk != '\r')
            break;
        chunk += strspn(chunk, "\r");
        if (*chunk == '\n' || *chunk == '\0')
            continue;
        const char *newline = memrchr(tail->data, '\n', tail->length);
        buffer_truncate(tail, newline != NULL ? (size_t)(newline - tail->data) + 1 : 0);
    }
}

void calls_chunk(struct calls *calls, const cJSON *event, const char *chunk)
{
    struct call *call = find(calls, json_string(event, "call_id"));
    if (call == NULL)
        return;
    append_output(&call->tail, chunk);
    if (call->tail.length > (size_t)TAIL_KEPT * 2) {
        size_t cut = call->tail.length - TAIL_KEPT;
        while (cut < call->tail.length && ((unsigned char)call->tail.data[cut] & 0xC0) == 0x80)
            cut++;
        buffer_consume(&call->tail, cut);
    }
}

size_t calls_running(const struct calls *calls)
{
    size_t running = 0;
    for (size_t i = 0; i < calls->count; i++)
        running += calls->items[i]->running;
    return running;
}

static void paint_lines(struct rows *rows, const struct markdown *look, const char *margin,
    const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        const char *newline = memchr(text + at, '\n', length - at);
        size_t end = newline != NULL ? (size_t)(newline - text) : length;
        char *line = strndup(text + at, end - at);
        if (line == NULL)
            die(EXIT_SYSTEM, "show output: out of memory");
        paint_cut(rows, look, margin, STYLE_PLAIN, STYLE_DIM, line);
        free(line);
        at = end + 1;
    }
}

/* The last lines of a text, a row each; before them, if wanted, how many were left out. */
static void paint_tail(struct rows *rows, const struct markdown *look, const char *margin,
    const struct buffer *text, size_t most, bool count)
{
    size_t length = text->length, hidden = 0;
    while (length > 0 && text->data[length - 1] == '\n')
        length--;
    size_t start = length;
    for (size_t lines = 0; start > 0; start--) {
        if (text->data[start - 1] == '\n' && ++lines == most)
            break;
    }
    for (size_t i = 0; i < start; i++)
        hidden += text->data[i] == '\n';
    if (count && hidden > 0) {
        char words[64];
        snprintf(words, sizeof words, "(%zu %s above)", hidden, hidden == 1 ? "line" : "lines");
        paint_cut(rows, look, margin, STYLE_PLAIN, STYLE_DIM, words);
    }
    paint_lines(rows, look, margin, text->data + start, length - start);
}

/* A call's agent has calls of its own: their rows stand below it. */
static const char *margin_of(bool nested)
{
    return nested ? "    " : "  ";
}

static void paint_running(struct rows *rows, const struct markdown *look, const struct call *call,
    int64_t now, bool spinner)
{
    char mark[24], duration[DURATION_SIZE] = "";
    struct buffer line;
    snprintf(mark, sizeof mark, "%s%s ", call->parent != NULL ? "  " : "",
        spinner         ? spinner_frame(now, look->unicode)
        : look->unicode ? "⚙"
                        : "*");
    duration_seconds(duration, sizeof duration, now - call->started);
    buffer_init(&line, FIELD_LIMIT);
    painted(buffer_append(&line, call->header.data, call->header.length));
    if (duration[0] != '\0')
        painted(buffer_printf(&line, "  %s", duration));
    paint_cut(rows, look, mark, STYLE_YELLOW, STYLE_PLAIN, line.data);
    buffer_release(&line);
}

static bool is_child(const struct call *call, const struct call *parent)
{
    return call->parent != NULL && strcmp(call->parent, parent->id) == 0;
}

void calls_live(const struct calls *calls, const struct markdown *look, int64_t now, bool spinner,
    size_t room, struct rows *rows)
{
    /* Several calls share the room: each shows its last line only. */
    size_t lines = calls_running(calls) > 1 ? 1 : LIVE_LINES;
    size_t end = rows->count + room;
    for (size_t i = 0; i < calls->count && rows->count < end; i++) {
        const struct call *outer = calls->items[i];
        if (outer->parent != NULL && find(calls, outer->parent) != NULL)
            continue; /* stands below its parent */
        for (size_t j = i; j < calls->count && rows->count < end; j++) {
            const struct call *call = calls->items[j];
            if ((call != outer && !is_child(call, outer)) || !call->running)
                continue;
            paint_running(rows, look, call, now, spinner);
            if (rows->count + lines <= end)
                paint_tail(rows, look, margin_of(call->parent != NULL), &call->tail, lines, false);
        }
    }
}

static bool is_good(const char *status)
{
    return strcmp(status, "ok") == 0;
}

/* A note is shown unless the header, or the status, says it already. */
static bool note_is_new(const char *header, const char *status, const char *note)
{
    static const char error[] = "Error: ";
    if (note == NULL || *note == '\0')
        return false;
    if (strncmp(note, error, sizeof error - 1) == 0)
        note += sizeof error - 1;
    return strstr(header, note) == NULL &&
           !(strcmp(status, "cancelled") == 0 && strncmp(note, "[cancelled", 10) == 0);
}

/* "✗ bash: false  exit 1, 0.2 s", "✗ bash: false  denied by the user: not that" */
static void paint_ending(struct rows *rows, const struct markdown *look, bool nested,
    const char *header, const char *status, const char *note, const cJSON *event)
{
    char mark[24];
    bool good = is_good(status);
    bool ran = note == NULL || *note == '\0';
    bool told = strcmp(status, "denied") == 0 && !ran && strncmp(note, "Denied", 6) == 0;
    int64_t number;
    char words[DURATION_SIZE];
    struct buffer line;
    const char *separator = "  ";
    buffer_init(&line, FIELD_LIMIT);
    painted(buffer_append_text(&line, header));
    if (!good && strcmp(status, "error") != 0 && !told) {
        const char *word = strcmp(status, "unknown") == 0 ? "effect unknown" : status;
        painted(buffer_printf(&line, "%s%s", separator, word));
        separator = ", ";
    }
    if (json_integer(event, "exit_code", &number) && number != 0) {
        painted(buffer_printf(&line, "%sexit %lld", separator, (long long)number));
        separator = ", ";
    }
    if (ran && json_integer(event, "duration_ms", &number)) {
        duration_words(words, sizeof words, number);
        painted(buffer_printf(&line, "%s%s", separator, words));
    }
    if (told) {
        painted(buffer_printf(&line, "%sd%s", separator, note + 1));
        if (line.data[line.length - 1] == '.')
            buffer_truncate(&line, line.length - 1);
    } else if (note_is_new(header, status, note))
        painted(buffer_printf(&line, ": %s", note));
    snprintf(mark, sizeof mark, "%s%s ", nested ? "  " : "",
        good ? (look->unicode ? "✓" : "+") : (look->unicode ? "✗" : "x"));
    paint(rows, look, mark, good ? STYLE_GREEN : STYLE_RED, good ? STYLE_PLAIN : STYLE_RED,
        line.data);
    buffer_release(&line);
}

static void paint_diff(struct rows *rows, const struct markdown *look, bool nested,
    const struct buffer *diff, bool all)
{
    const char *margin = margin_of(nested);
    size_t size = strlen(margin);
    struct wrap wrap = {
        .width = look->width, .styled = look->styled, .margin = {margin, size, margin, size, size}};
    painted(preview_draw(diff->data, diff->length, all ? SIZE_MAX : DIFF_LINES, &wrap, rows));
}

static void paint_output(
    struct rows *rows, const struct markdown *look, bool nested, const char *output, bool all)
{
    size_t lines = nested ? NESTED_LINES : RESULT_LINES;
    struct buffer visible;
    buffer_init(&visible, (size_t)FIELD_LIMIT * 8);
    append_output(&visible, output);
    paint_tail(rows, look, margin_of(nested), &visible, all ? SIZE_MAX : lines, true);
    buffer_release(&visible);
}

/* Calls of an agent are told about while its own call still runs: which one is said before them,
 * and again when another agent's calls came in between. */
static void paint_heading(
    struct calls *calls, const struct markdown *look, const char *parent, struct rows *rows)
{
    const struct call *call = find(calls, parent);
    if (call == NULL || (calls->heading != NULL && strcmp(calls->heading, parent) == 0))
        return;
    forget_heading(calls);
    calls->heading = strdup(parent);
    paint(rows, look, look->unicode ? "⚙ " : "* ", STYLE_YELLOW, STYLE_PLAIN, call->header.data);
}

void calls_result(
    struct calls *calls, const cJSON *event, const struct markdown *look, struct rows *rows)
{
    struct call *call = find(calls, json_string(event, "call_id"));
    const char *status = json_string(event, "status");
    const char *name = json_string(event, "name");
    const char *display = json_string(event, "display");
    const char *output = display != NULL ? display : json_string(event, "output");
    const char *spill = json_string(event, "spill_path");
    const char *parent = json_string(event, "parent_call_id");
    bool nested = parent != NULL;
    struct buffer header;
    if (status == NULL)
        status = "ok";
    if (nested)
        paint_heading(calls, look, parent, rows);
    else
        forget_heading(calls);
    buffer_init(&header, FIELD_LIMIT);
    if (call != NULL)
        painted(buffer_append(&header, call->header.data, call->header.length));
    else
        text_append_line(&header, name != NULL ? name : "tool");
    struct buffer shown_status;
    buffer_init(&shown_status, FIELD_LIMIT);
    text_append_line(&shown_status, status);
    struct buffer note;
    buffer_init(&note, FIELD_LIMIT);
    if (call != NULL && call->note.length > 0)
        painted(buffer_append(&note, call->note.data, call->note.length));
    else if (output != NULL && strcmp(status, "denied") == 0)
        text_append_line(&note, output);
    bool noted = note.length > 0;
    paint_ending(
        rows, look, nested, header.data, shown_status.data, noted ? note.data : NULL, event);
    buffer_release(&note);
    buffer_release(&shown_status);
    buffer_release(&header);
    if (is_good(status) && call != NULL &&
        preview_is_diff(call->preview.data, call->preview.length))
        paint_diff(rows, look, nested, &call->preview, calls->all_output);
    else if (output != NULL && !noted)
        paint_output(rows, look, nested, output, calls->all_output);
    if (spill != NULL) {
        struct buffer path;
        buffer_init(&path, FIELD_LIMIT);
        painted(buffer_append_text(&path, "all of it: "));
        text_append_line(&path, spill);
        paint(rows, look, margin_of(nested), STYLE_PLAIN, STYLE_DIM, path.data);
        buffer_release(&path);
    }
    if (call != NULL)
        drop(calls, call);
}

void calls_abandon(struct calls *calls, const struct markdown *look, struct rows *rows)
{
    for (size_t i = 0; i < calls->count; i++) {
        const struct call *call = calls->items[i];
        paint_ending(rows, look, call->parent != NULL, call->header.data, "no result",
            call->note.data, NULL);
    }
    call_clear_all(calls);
}
