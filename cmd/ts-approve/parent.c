/*
 * Inside an agent nothing is decided: every batch goes to the approver above,
 * through the tool that started the agent, and comes back decided.
 *
 * Only decisions are taken from the answer; the calls are our own, as they
 * were prepared. A call the answer does not name is denied, and so is
 * everything when the way up is closed.
 */
#include "base/buffer.h"
#include "common/program.h"
#include "data/json.h"
#include "io/line_channel.h"
#include "io/process.h"
#include "ts-approve/approve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char closed_reason[] =
    "Denied: nobody could be asked (whoever started this agent has gone).";

struct parent {
    struct line_channel channel;
    struct batch *first, **last; /* asked, and not yet answered */
};

static void put(struct approver *approver, struct batch *batch)
{
    batch_put_decided(&approver->stage, batch);
    batch_free(batch);
}

static void finish_when_done(struct approver *approver)
{
    if (approver->parent->first != NULL || !approver->stage.input_ended)
        return;
    line_channel_close(&approver->parent->channel); /* while there is a loop */
    stage_finish(&approver->stage, EXIT_DONE);
}

/* Take the batches of this id (NULL: all) out of line, and deny what is open of them. */
static void deny_waiting(
    struct approver *approver, const char *batch_id, const char *decided_by, const char *reason)
{
    struct parent *parent = approver->parent;
    struct batch **link = &parent->first;
    while (*link != NULL) {
        struct batch *batch = *link;
        if (batch_id != NULL && strcmp(batch->batch_id, batch_id) != 0) {
            link = &batch->next;
            continue;
        }
        *link = batch->next;
        batch_decide_rest(batch, VERDICT_DENY, decided_by, reason);
        put(approver, batch);
    }
    parent->last = link;
}

static const char *sandbox_name(const char *text)
{
    static const char *const names[] = {"workspace", "off"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text != NULL && strcmp(text, names[i]) == 0)
            return names[i];
    }
    return NULL;
}

static void take_decision(struct entry *entry, const cJSON *item)
{
    const char *decision = json_string(item, "decision");
    const char *feedback = json_string(item, "feedback");
    bool allow = decision != NULL && strcmp(decision, "allow") == 0;
    entry_decide(entry, allow ? VERDICT_ALLOW : VERDICT_DENY,
        decider_name(json_string(item, "decided_by")), json_string(item, "reason"));
    entry->seen = allow && json_boolean(item, "seen", false);
    entry->sandbox = sandbox_name(json_string(item, "sandbox_choice"));
    free(entry->feedback);
    entry->feedback = feedback != NULL ? stage_need(strdup(feedback)) : NULL;
}

static void take_answer(struct approver *approver, const cJSON *line)
{
    struct parent *parent = approver->parent;
    const char *batch_id = json_string(line, "batch_id");
    struct batch **link = &parent->first;
    while (*link != NULL && (batch_id == NULL || strcmp((*link)->batch_id, batch_id) != 0))
        link = &(*link)->next;
    struct batch *batch = *link;
    if (batch == NULL)
        return; /* it was cancelled meanwhile */
    *link = batch->next;
    if (batch->next == NULL)
        parent->last = link;
    const cJSON *item;
    cJSON_ArrayForEach(item, json_array(line, "items"))
    {
        struct entry *entry = batch_find(batch, json_string(item, "call_id"));
        if (entry != NULL && entry->verdict == VERDICT_OPEN)
            take_decision(entry, item);
    }
    batch_decide_rest(batch, VERDICT_DENY, "nobody", "Denied: this call was not decided.");
    put(approver, batch);
}

static void line_arrived(void *context, char *line, size_t length)
{
    struct approver *approver = context;
    struct error error;
    if (line == NULL) {
        warn("a line from the approver above was over the limit and is dropped");
        return;
    }
    cJSON *tree = json_parse_object(line, length, &error);
    const char *type = json_string(tree, "type");
    if (tree == NULL)
        warn("a line from the approver above: %s", error.text);
    else if (type != NULL && strcmp(type, "decided") == 0)
        take_answer(approver, tree);
    json_free(tree);
    finish_when_done(approver);
}

static void hung_up(void *context)
{
    struct approver *approver = context;
    line_channel_close(&approver->parent->channel);
    deny_waiting(approver, NULL, "nobody", closed_reason);
    finish_when_done(approver);
}

static int descriptor(const char *variable)
{
    const char *text = getenv(variable);
    int fd = -1;
    if (text != NULL && text[0] != '\0' && strlen(text) < 6 &&
        text[strspn(text, "0123456789")] == '\0')
        fd = (int)strtol(text, NULL, 10);
    if (fd <= STDERR_FILENO || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        die(EXIT_USAGE, "--ask parent: %s names no open descriptor", variable);
    return fd;
}

void parent_open(struct approver *approver)
{
    struct parent *parent = stage_need(calloc(1, sizeof *parent));
    parent->last = &parent->first;
    approver->parent = parent;
    int out = descriptor("TS_EVENT_FD");
    int in = descriptor("TS_ANSWER_FD");
    if (line_channel_open(&parent->channel, approver->stage.loop, out, in, LINE_LIMIT, line_arrived,
            hung_up, approver) < 0)
        die(EXIT_SYSTEM, "out of memory");
}

static cJSON *prepared_line(const struct batch *batch)
{
    cJSON *line = stage_need(cJSON_CreateObject());
    cJSON *items = stage_need(cJSON_CreateArray());
    const cJSON *member;
    bool sound = json_add_string(line, "type", "prepared") == 0;
    cJSON_ArrayForEach(member, batch->line)
    {
        if (strcmp(member->string, "type") != 0)
            sound = sound && json_add(line, member->string, cJSON_Duplicate(member, true)) == 0;
    }
    for (size_t i = 0; i < batch->count; i++) {
        cJSON *copy = stage_need(cJSON_Duplicate(batch->entries[i].item, true));
        sound = cJSON_AddItemToArray(items, copy) && sound;
    }
    if (json_add(line, "items", items) < 0 || !sound)
        die(EXIT_SYSTEM, "out of memory");
    return line;
}

void parent_ask(struct approver *approver, struct batch *batch)
{
    struct parent *parent = approver->parent;
    struct buffer text;
    *parent->last = batch;
    parent->last = &batch->next;
    cJSON *line = prepared_line(batch);
    buffer_init(&text, LINE_WRITER_LIMIT);
    int result = json_append(&text, line);
    if (result == 0)
        result = line_channel_send(&parent->channel, text.data, text.length);
    buffer_release(&text);
    json_free(line);
    if (result < 0)
        deny_waiting(approver, batch->batch_id, "nobody", closed_reason);
    else
        line_channel_flush(&parent->channel);
}

void parent_cancel(struct approver *approver, const char *batch_id)
{
    deny_waiting(approver, batch_id, "cancelled", "[cancelled by user]");
}

void parent_input_ended(struct approver *approver)
{
    finish_when_done(approver);
}

void parent_close(struct approver *approver)
{
    free(approver->parent);
    approver->parent = NULL;
}
