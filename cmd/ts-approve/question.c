/* What stands on the terminal when a batch is asked, and what is done with the replies. */
#include "base/buffer.h"
#include "base/utf8.h"
#include "data/json.h"
#include "ts-approve/approve.h"
#include "ts-approve/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LABELS_SHOWN = 8,
    LABELS_LIMIT = 4096, /* bytes of one */
};

/* "⚙ bash: ls" says all there is to say about "ls". */
static bool header_says(const char *header, const char *preview)
{
    size_t whole = strlen(header), part = strlen(preview);
    return part > 0 && whole >= part + 2 && strcmp(header + whole - part, preview) == 0 &&
           memcmp(header + whole - part - 2, ": ", 2) == 0;
}

static void show_entry(struct approver *approver, const struct entry *entry, size_t number)
{
    const char *header = json_string(entry->item, "header");
    const char *preview = json_string(entry->item, "preview");
    char title[32] = "";
    if (number > 0)
        snprintf(title, sizeof title, "%zu. ", number);
    if (header == NULL)
        header = "";
    terminal_say(approver, title);
    terminal_say_text(approver, "", header[0] != '\0' ? header : "a call");
    if (preview != NULL && !header_says(header, preview))
        terminal_say_text(approver, "    ", preview);
    if (json_boolean(entry->item, "truncated_preview", false))
        terminal_say(approver, "    (too long to be shown completely)\n");
    if (entry->why != NULL) {
        terminal_say(approver, "  asked because ");
        terminal_say_text(approver, "", entry->why);
    }
    if (entry->verdict == VERDICT_DENY && entry->reason != NULL)
        terminal_say_text(approver, "  ", entry->reason);
}

static void show_batch(struct approver *approver, const struct batch *batch)
{
    terminal_say(approver, "\n");
    for (size_t i = 0; i < batch->count; i++)
        show_entry(approver, &batch->entries[i], batch->count > 1 ? i + 1 : 0);
}

static void say_labels(struct approver *approver, const struct batch *batch)
{
    size_t shown = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const char *label = json_string(batch->entries[i].item, "approval_label");
        if (batch->entries[i].verdict != VERDICT_OPEN || label == NULL)
            continue;
        if (++shown > LABELS_SHOWN) {
            terminal_say(approver, ", ...");
            return;
        }
        struct buffer visible;
        buffer_init(&visible, LABELS_LIMIT);
        (void)utf8_append_visible(&visible, label, strnlen(label, 100), false);
        terminal_say(approver, shown > 1 ? ", " : " ");
        terminal_say(approver, visible.data);
        buffer_release(&visible);
    }
}

static void prompt(struct approver *approver, const struct batch *batch)
{
    char count[48];
    size_t open = batch_open_count(batch);
    terminal_say(approver, "Allow");
    if (open > 1) {
        snprintf(count, sizeof count, " these %zu calls:", open);
        terminal_say(approver, count);
    }
    say_labels(approver, batch);
    terminal_say(approver, "? [y/n/a, or ? for help] ");
}

static void explain(struct approver *approver)
{
    const struct batch *batch = approver->first;
    terminal_say(approver, "  y  yes, this once: it runs as you, outside the sandbox\n"
                           "  n  no; so is an empty line and anything else\n"
                           "  a  always: yes, and do not ask again in this session for:\n");
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->entries[i].verdict != VERDICT_OPEN)
            continue;
        char *covers = always_describe(approver, &batch->entries[i]);
        terminal_say_text(approver, "       ",
            covers != NULL ? covers : "(nothing: such a call is asked every time)");
        free(covers);
    }
    terminal_say(
        approver, "  n, MESSAGE  the model reads the message: 'n, use paths'; so with y and a\n");
    if (batch->count > 1)
        terminal_say(approver, "  2 n         decides only call 2; then the rest is asked\n");
    terminal_say(approver, "  Ctrl-C or Ctrl-D denies, and cancels the turn\n");
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
        terminal_say(approver, "There is no such call to decide.\n");
    else
        apply(approver, &batch->entries[reply->number - 1], reply);
}

static void reply_batch(struct approver *approver, char *line)
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
        prompt(approver, batch);
}

static void show(struct approver *approver)
{
    show_batch(approver, approver->first);
    prompt(approver, approver->first);
}

const struct talk batch_talk = {.show = show, .reply = reply_batch, .hang_up = asking_cancel};
