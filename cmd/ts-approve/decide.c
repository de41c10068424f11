#include "agent/shell_split.h"
#include "base/buffer.h"
#include "common/program.h"
#include "data/json.h"
#include "ts-approve/approve.h"

#include <stdlib.h>
#include <string.h>

enum { REASON_LIMIT = 8 << 10 };

static void deny_by_policy(struct entry *entry, const struct policy_decision *decision)
{
    struct buffer text;
    const char *reason = decision->rule->reason;
    buffer_init(&text, REASON_LIMIT);
    (void)buffer_printf(&text, "Denied by a rule: %.4000s",
        reason != NULL ? reason : "this call is not allowed here");
    entry_decide(entry, VERDICT_DENY, "policy", text.data);
    buffer_release(&text);
}

static bool is_listed(const struct config *config, const char *key, const char *name)
{
    for (size_t i = 0; i < config_list_size(config, key); i++) {
        if (strcmp(config_list_item(config, key, i), name) == 0)
            return true;
    }
    return false;
}

static void allow_by_policy(struct entry *entry, const struct policy_decision *decision)
{
    if (decision->sandbox == POLICY_SANDBOX_WORKSPACE)
        entry->sandbox = "workspace";
    else if (decision->sandbox == POLICY_SANDBOX_OFF)
        entry->sandbox = "off";
    entry_decide(entry, VERDICT_ALLOW, "policy", NULL);
}

static void ask(struct entry *entry, const char *why)
{
    entry->asked = true;
    free(entry->why);
    entry->why = why != NULL ? stage_need(strdup(why)) : NULL;
}

/* A rule may say why it wants a person to look; of a command that cannot be judged it is said what
 * is not understood. */
static void ask_by_policy(struct entry *entry, const struct policy_decision *decision)
{
    struct buffer text;
    struct shell_commands commands;
    struct error error;
    const char *command = json_string(json_get(entry->item, "arguments"), "command");
    const char *reason = decision->rule != NULL ? decision->rule->reason : NULL;
    if (decision->rule == NULL && command != NULL) {
        if (shell_split(command, &commands, &error) < 0)
            reason = error.text;
        shell_commands_release(&commands);
    }
    buffer_init(&text, REASON_LIMIT);
    (void)buffer_printf(&text, "%s%s%.4000s",
        decision->rule != NULL ? "a rule says that it is asked" : decision->note,
        reason != NULL ? ": " : "", reason != NULL ? reason : "");
    ask(entry, text.data);
    buffer_release(&text);
}

struct policy_call decide_call(const struct approver *approver, const struct entry *entry)
{
    return (struct policy_call){
        .tool = json_string(entry->item, "func_name"),
        .arguments = json_get(entry->item, "arguments"),
        .paths = json_get(entry->item, "paths"),
        .project = approver->project,
        .outside = json_boolean(entry->item, "outside", false),
    };
}

void decide_entry(struct approver *approver, struct entry *entry, struct policy_decision *decision)
{
    *decision = (struct policy_decision){0};
    const char *tool = json_string(entry->item, "func_name");
    bool outside = json_boolean(entry->item, "outside", false);
    bool repaired = json_boolean(entry->item, "repaired", false);
    /* A call that cannot run needs no decision: ts-tool-exec answers it with its error. */
    if (tool == NULL || json_string(entry->item, "error") != NULL) {
        entry_decide(entry, VERDICT_ALLOW, "auto", NULL);
        return;
    }
    const struct policy_call call = decide_call(approver, entry);
    policy_decide(&approver->policy, &call, decision);
    entry->place = decision->rule != NULL ? decision->rule->place : NULL;
    if (decision->verdict == POLICY_DENY)
        deny_by_policy(entry, decision);
    else if (config_boolean(approver->config, "tools.skip_permissions"))
        entry_decide(entry, VERDICT_ALLOW, "flag", NULL);
    else if (decision->verdict == POLICY_ASK)
        ask_by_policy(entry, decision);
    else if (repaired)
        ask(entry, "its arguments were damaged and had to be repaired");
    else if (decision->verdict == POLICY_ALLOW)
        allow_by_policy(entry, decision);
    else if (!outside && is_listed(approver->config, "tools.auto_approve", tool))
        entry_decide(entry, VERDICT_ALLOW, "flag", NULL);
    else if (!outside && !json_boolean(entry->item, "needs_approval", true))
        entry_decide(entry, VERDICT_ALLOW, "auto", NULL);
    else if (always_covers(approver, entry))
        entry_decide(entry, VERDICT_ALLOW, "always", NULL);
    else
        ask(entry, outside ? "it reaches outside the project" : NULL);
}

void decide_batch(struct approver *approver, struct batch *batch)
{
    if (json_boolean(batch->line, "cancelled", false))
        batch_decide_rest(batch, VERDICT_DENY, "cancelled", "[cancelled by user]");
    for (size_t i = 0; i < batch->count; i++) {
        struct policy_decision decision;
        if (batch->entries[i].verdict == VERDICT_OPEN)
            decide_entry(approver, &batch->entries[i], &decision);
    }
}
