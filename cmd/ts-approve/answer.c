#include "base/buffer.h"
#include "base/utf8.h"
#include "data/json.h"
#include "ts-approve/approve.h"

#include <stdlib.h>
#include <string.h>

/* Always that it was denied, then why: a model that reads only the reason takes it for a result. */
static void deny(struct entry *entry, const char *feedback, const char *decided_by)
{
    const char *who = strcmp(decided_by, "filter") == 0   ? "the approver"
                      : strcmp(decided_by, "nobody") == 0 ? "default"
                                                          : "the user";
    struct buffer text;
    buffer_init(&text, FEEDBACK_LIMIT + 64);
    if (feedback != NULL)
        (void)buffer_printf(&text, "Denied by %s: %s", who, feedback);
    else
        (void)buffer_printf(&text, "Denied by %s.", who);
    entry_decide(entry, VERDICT_DENY, decided_by, text.length > 0 ? text.data : "Denied.");
    buffer_release(&text);
}

static char *bounded_copy(const char *text)
{
    size_t length = strlen(text);
    if (length > FEEDBACK_LIMIT)
        length = utf8_valid_prefix(text, FEEDBACK_LIMIT);
    return stage_need(strndup(text, length));
}

void answer_entry(struct approver *approver, struct entry *entry, bool approved, bool always,
    const char *feedback, const char *decided_by)
{
    char *said = feedback != NULL && feedback[0] != '\0' ? bounded_copy(feedback) : NULL;
    if (!approved) {
        deny(entry, said, decided_by);
        free(said);
        return;
    }
    entry_decide(entry, VERDICT_ALLOW, decided_by, NULL);
    free(entry->feedback);
    entry->feedback = said;
    entry->seen =
        strcmp(decided_by, "person") == 0 && !json_boolean(entry->item, "truncated_preview", false);
    if (always)
        always_add(approver, entry);
}

static struct entry *find_open(struct batch *batch, const char *call_id)
{
    for (size_t i = 0; i < batch->count; i++) {
        const char *id = json_string(batch->entries[i].item, "call_id");
        if (batch->entries[i].verdict == VERDICT_OPEN && id != NULL && call_id != NULL &&
            strcmp(id, call_id) == 0)
            return &batch->entries[i];
    }
    return NULL;
}

int answer_apply(struct approver *approver, struct batch *batch, const cJSON *line,
    const char *decided_by, struct error *error)
{
    const cJSON *decisions = json_array(line, "decisions");
    const cJSON *approved = json_get(line, "approved");
    bool always = json_boolean(line, "always", false);
    const char *feedback = json_string(line, "feedback");
    if (!cJSON_IsBool(approved) && !cJSON_IsArray(decisions))
        return error_set(error, "an answer needs 'approved', true or false, or 'decisions'");
    const cJSON *decision;
    cJSON_ArrayForEach(decision, decisions)
    {
        struct entry *entry = find_open(batch, json_string(decision, "call_id"));
        const char *said = json_string(decision, "feedback");
        if (entry != NULL)
            answer_entry(approver, entry, json_boolean(decision, "approved", false),
                json_boolean(decision, "always", always), said, decided_by);
    }
    /* What the answer does not name: as 'approved' says, and no answer is no. */
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->entries[i].verdict == VERDICT_OPEN)
            answer_entry(
                approver, &batch->entries[i], cJSON_IsTrue(approved), always, feedback, decided_by);
    }
    return 0;
}
