#include "base/buffer.h"
#include "base/utf8.h"
#include "data/json.h"
#include "ts-approve/approve.h"

#include <stdlib.h>
#include <string.h>

/* Always that it was denied, then why: a model that reads only the reason takes it for a result. */
char *answer_denial(const char *decided_by, const char *feedback)
{
    const char *who = strcmp(decided_by, "filter") == 0   ? "the approver"
                      : strcmp(decided_by, "nobody") == 0 ? "default"
                                                          : "the user";
    struct buffer text;
    buffer_init(&text, FEEDBACK_LIMIT + 64);
    if (feedback != NULL && feedback[0] != '\0')
        (void)buffer_printf(&text, "Denied by %s: %s", who, feedback);
    else
        (void)buffer_printf(&text, "Denied by %s.", who);
    char *result = text.length > 0 ? buffer_take(&text) : strdup("Denied.");
    buffer_release(&text);
    return stage_need(result);
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
        char *reason = answer_denial(decided_by, said);
        entry_decide(entry, VERDICT_DENY, decided_by, reason);
        free(reason);
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

cJSON *answer_parse(
    const char *bytes, size_t length, const char *type, const char *request_id, struct error *error)
{
    if (length == 0) {
        error_set(error, "the approver gave no answer");
        return NULL;
    }
    const char *newline = memchr(bytes, '\n', length);
    cJSON *line =
        json_parse_object(bytes, newline != NULL ? (size_t)(newline - bytes) : length, error);
    if (line == NULL) {
        error_prefix(error, "the approver's answer is no line of JSON: ");
        return NULL;
    }
    const char *given = json_string(line, "type");
    const char *id = json_string(line, "request_id");
    if (given != NULL && strcmp(given, type) == 0 && (id == NULL || strcmp(id, request_id) == 0))
        return line;
    error_set(error, "the approver answered something else than this request");
    json_free(line);
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
        struct entry *entry = batch_find(batch, json_string(decision, "call_id"));
        const char *said = json_string(decision, "feedback");
        if (entry != NULL && entry->verdict == VERDICT_OPEN)
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
