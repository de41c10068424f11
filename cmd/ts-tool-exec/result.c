#include "result.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "common/program.h"
#include "data/json.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    LEAST_SHOWN = 256, /* characters: less of a success is no use, the file is named instead */
    RESULT_LIMIT = 64 << 20,
};

static const char *const decider_words[][2] = {
    {"person", "the user"},
    {"policy", "the policy"},
    {"nobody", "default: nobody could be asked"},
    {"timeout", "timeout: nobody answered"},
    {"filter", "the approval command"},
};

static void describe_denial(const cJSON *item, struct outcome *outcome)
{
    const char *decider = json_string(item, "decided_by");
    const char *reason = json_string(item, "reason");
    const char *feedback = json_string(item, "feedback");
    const char *words = decider != NULL ? decider : "default";
    if (reason == NULL || reason[0] == '\0')
        reason = feedback;
    if (decider != NULL && strcmp(decider, "cancelled") == 0) {
        outcome->status = "cancelled";
        snprintf(outcome->note, sizeof outcome->note, "[cancelled by user before it was run]");
        return;
    }
    for (size_t i = 0; i < sizeof decider_words / sizeof decider_words[0]; i++) {
        if (strcmp(words, decider_words[i][0]) == 0)
            words = decider_words[i][1];
    }
    outcome->status = "denied";
    if (reason != NULL && strncmp(reason, "Denied", strlen("Denied")) == 0) {
        snprintf(outcome->note, sizeof outcome->note, "%s", reason); /* it says so itself */
        return;
    }
    snprintf(outcome->note, sizeof outcome->note, "Denied by %s%s%s", words,
        reason != NULL && reason[0] != '\0' ? ": " : "; it was not run",
        reason != NULL ? reason : "");
}

bool result_refuse(const struct call *call, struct outcome *outcome)
{
    const char *error = json_string(call->item, "error");
    *outcome = (struct outcome){.status = "error", .exit_code = -1};
    if (call->end != END_NONE) {
        outcome->status = call->end == END_CANCELLED ? "cancelled" : "interrupted";
        snprintf(outcome->note, sizeof outcome->note, "[%s before it was run]",
            call->end == END_CANCELLED ? "cancelled by user" : "interrupted");
    } else if (error != NULL) {
        outcome->note[0] = '\0'; /* result_put takes the whole text, which may be long */
    } else if (call->denied) {
        describe_denial(call->item, outcome);
    } else if (call->tool == NULL) {
        snprintf(outcome->note, sizeof outcome->note, "Unknown tool: %s", call->name);
    } else {
        return false;
    }
    return true;
}

/* Ended from outside: whatever a writing tool did until then has been done. */
static void judge_ended(const struct call *call, struct outcome *outcome)
{
    const char *word = call->end == END_CANCELLED ? "cancelled by user" : "interrupted";
    bool writing = !call->tool->read_only;
    outcome->status = call->end == END_INTERRUPTED ? "interrupted"
                      : writing                    ? "unknown"
                                                   : "cancelled";
    snprintf(outcome->note, sizeof outcome->note, "[%s%s]", word,
        writing ? "; what it had done until then is done" : "");
}

static void judge_exit(const struct call *call, const cJSON *exited, struct outcome *outcome)
{
    int64_t code = 0, killed = 0;
    if (!json_integer(exited, "exit_code", &code))
        code = EXIT_SYSTEM;
    json_integer(exited, "killed", &killed);
    outcome->exit_code = (int)code;
    outcome->status = code == 0 ? "ok" : "error";
    char *note = outcome->note;
    size_t size = sizeof outcome->note;
    int length = 0;
    if (killed > 0)
        length = snprintf(note, size,
            "[%" PRId64 " background process%s of this call %s ended with it]%s", killed,
            killed == 1 ? "" : "es", killed == 1 ? "was" : "were", code != 0 ? "\n" : "");
    if (code > 128 && code < 128 + NSIG && sigabbrev_np((int)code - 128) != NULL)
        length += snprintf(note + length, size - (size_t)length, "[killed by signal %d, SIG%s]\n",
            (int)code - 128, sigabbrev_np((int)code - 128));
    /* A tool that failed and said why on stderr has said it all. */
    if (code != 0 && (call->tool->stream || code != EXIT_FAILED || call->complaint.total == 0))
        snprintf(note + length, size - (size_t)length, "[exit code: %d]", (int)code);
}

void result_judge(const struct call *call, int status, struct outcome *outcome)
{
    cJSON *failed = jailed_child_report(call->jail.data, "failed");
    cJSON *exited = jailed_child_report(call->jail.data, "exited");
    *outcome = (struct outcome){.status = "error", .exit_code = -1, .show_output = true};
    if (failed != NULL) {
        const char *message = json_string(failed, "message");
        outcome->show_output = false;
        snprintf(outcome->note, sizeof outcome->note, "It was not run: %s",
            message != NULL ? message : "ts-jail failed");
    } else if (call->end != END_NONE) {
        judge_ended(call, outcome);
    } else if (call->overdue || json_boolean(exited, "timed_out", false)) {
        outcome->status = "timeout";
        outcome->exit_code = EXIT_TIMED_OUT;
        snprintf(outcome->note, sizeof outcome->note,
            "[timed out after %g s: it was ended, with everything it had started]", call->timeout);
    } else if (exited != NULL) {
        judge_exit(call, exited, outcome);
    } else {
        snprintf(outcome->note, sizeof outcome->note,
            "[its supervisor ended unexpectedly (%d); what it had done until then is done]",
            status);
        outcome->status = call->started > 0 && !call->tool->read_only ? "unknown" : "error";
    }
    json_free(failed);
    json_free(exited);
}

static int append_part(struct buffer *text, const char *part, size_t length)
{
    if (length == 0)
        return 0;
    if (text->length > 0 && text->data[text->length - 1] != '\n' &&
        buffer_append_byte(text, '\n') < 0)
        return -1;
    return buffer_append(text, part, length);
}

static int append_output(struct call *call, const struct outcome *outcome, struct buffer *text)
{
    bool good = strcmp(outcome->status, "ok") == 0;
    size_t limit = good || call->limit > ERROR_FLOOR ? call->limit : ERROR_FLOOR;
    if (!call->scarce || limit >= LEAST_SHOWN || call->output.total <= limit)
        return capture_text(&call->output, limit, text);
    capture_text(&call->output, 1, text); /* for the file alone */
    buffer_clear(text);
    if (buffer_printf(text,
            "[it ran; its output of %" PRIu64 " bytes does not fit into the context that is left",
            call->output.total) < 0)
        return -1;
    if (call->output.spill_path[0] != '\0' &&
        buffer_printf(text, "; it is in %s", call->output.spill_path) < 0)
        return -1;
    return buffer_append_byte(text, ']');
}

/* What a tool that was given keys complains of may hold one. */
static int append_complaint(struct call *call, struct buffer *text)
{
    struct buffer complaint, clean;
    buffer_init(&complaint, RESULT_LIMIT);
    buffer_init(&clean, RESULT_LIMIT);
    int result = capture_text(&call->complaint, ERROR_FLOOR, &complaint);
    if (result == 0 && call->tool->needs != 0)
        result = redact_append(
            &call->setting->audit->redactor, complaint.data, complaint.length, &clean);
    const struct buffer *shown = call->tool->needs != 0 ? &clean : &complaint;
    if (result == 0)
        result = append_part(text, shown->data, shown->length);
    buffer_release(&complaint);
    buffer_release(&clean);
    return result;
}

static int append_text(struct call *call, const struct outcome *outcome, struct buffer *text)
{
    const char *error = json_string(call->item, "error");
    if (call->stage == CALL_WAITING && outcome->note[0] == '\0' && error != NULL)
        return buffer_append_text(text, error);
    if (outcome->show_output) {
        if (append_output(call, outcome, text) < 0 || append_complaint(call, text) < 0)
            return -1;
    }
    if (append_part(text, outcome->note, strlen(outcome->note)) < 0)
        return -1;
    return text->length == 0 ? buffer_append_text(text, "(no output)") : 0;
}

static int append_member(struct buffer *line, const char *key, const char *text, size_t length)
{
    if (buffer_printf(line, ",\"%s\":", key) < 0)
        return -1;
    return json_append_string(line, text, length);
}

static int build(struct call *call, const struct outcome *outcome, struct buffer *line)
{
    struct buffer text;
    const char *by = json_string(call->item, "decided_by");
    int64_t duration = call->started > 0 ? clock_monotonic_ms() - call->started : 0;
    buffer_init(&text, RESULT_LIMIT);
    int made = append_text(call, outcome, &text);
    call->used = utf8_count(text.data, text.length);
    if (made < 0 || buffer_append_text(line, "{\"type\":\"tool_result\"") < 0 ||
        append_member(line, "call_id", call->id, strlen(call->id)) < 0 ||
        append_member(line, "name", call->name, strlen(call->name)) < 0 ||
        append_member(line, "status", outcome->status, strlen(outcome->status)) < 0 ||
        (by != NULL && append_member(line, "decided_by", by, strlen(by)) < 0) ||
        append_member(line, "output", text.data, text.length) < 0)
        return -1;
    if (call->display.length > 0 &&
        append_member(line, "display", call->display.data, call->display.length) < 0)
        return -1;
    if (outcome->exit_code >= 0 && buffer_printf(line, ",\"exit_code\":%d", outcome->exit_code) < 0)
        return -1;
    if (buffer_printf(line, ",\"duration_ms\":%" PRId64, duration) < 0)
        return -1;
    if (call->output.spill_path[0] != '\0' &&
        append_member(
            line, "spill_path", call->output.spill_path, strlen(call->output.spill_path)) < 0)
        return -1;
    if (call->started > 0 &&
        buffer_printf(line, ",\"sandbox\":\"%s\"", call->jailed ? "workspace" : "off") < 0)
        return -1;
    buffer_release(&text);
    return buffer_append_byte(line, '}');
}

void result_put(struct call *call, const struct outcome *outcome)
{
    struct buffer line;
    buffer_init(&line, RESULT_LIMIT);
    if (build(call, outcome, &line) < 0)
        die(EXIT_SYSTEM, "write the result of a call: %s", strerror(errno));
    stage_put(call->setting->stage, line.data, line.length);
    buffer_release(&line);
}
