/* The lines: what comes in, and what each of them is for. */
#include "common/program.h"
#include "data/json.h"
#include "ts-approve/approve.h"
#include "ts-approve/record.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void stream_put_info(struct approver *approver, const char *format, ...)
{
    char message[512];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    cJSON *line = stage_need(cJSON_CreateObject());
    if (json_add_string(line, "type", "info") < 0 || json_add_string(line, "message", message) < 0)
        die(EXIT_SYSTEM, "out of memory");
    stage_put_tree(&approver->stage, line);
}

static void take_batch(struct approver *approver, cJSON *tree)
{
    struct batch *batch = batch_new(tree);
    if (batch == NULL) {
        stage_put_error(&approver->stage, "prepared without a list 'items'");
        return;
    }
    if (approver->parent != NULL) {
        parent_ask(approver, batch);
        return;
    }
    always_forget(approver);
    decide_batch(approver, batch);
    record_recall(approver, batch);
    asking_take(approver, batch);
}

static void take_review(struct approver *approver, cJSON *tree)
{
    struct error error;
    struct review *review = review_new(tree, &error);
    if (review == NULL)
        stage_put_error(&approver->stage, "%s", error.text);
    else
        asking_take_review(approver, review);
}

/* An answer to the request that is open, and what it does when it is. */
typedef void use_answer(struct approver *approver, const cJSON *tree);

static void use_approve(struct approver *approver, const cJSON *tree)
{
    struct error error;
    /* "nobody" comes from a program that speaks for people who have all left. */
    bool nobody = json_boolean(tree, "nobody", false) && !json_boolean(tree, "approved", true);
    if (answer_apply(approver, approver->first, tree, nobody ? "nobody" : "person", &error) < 0)
        stage_put_error(&approver->stage, "%s", error.text);
    else
        asking_close(approver);
}

static void use_feedback(struct approver *approver, const cJSON *tree)
{
    const char *text = json_string(tree, "feedback");
    asking_close_review(approver, review_verdict(text), text);
}

/* Returns whether the line was ours. */
static bool take_answer(
    struct approver *approver, const cJSON *tree, enum asking asking, use_answer *use)
{
    const char *id = json_string(tree, "request_id");
    if (id == NULL)
        return false;
    if (asking_is_resolved(approver, id)) {
        stream_put_info(approver, "the request %.64s is already resolved", id);
        return true;
    }
    if (approver->asking != asking || strcmp(id, asking_request_id(approver)) != 0) {
        stream_put_info(approver, "there is no request %.64s, or it is already resolved", id);
        return false;
    }
    use(approver, tree);
    return true;
}

static void take_line(void *context, cJSON *tree, const char *line, size_t length)
{
    struct approver *approver = context;
    const char *type = json_string(tree, "type");
    if (type == NULL)
        type = "";
    if (strcmp(type, "prepared") == 0) {
        take_batch(approver, tree);
        return;
    }
    if (strcmp(type, "review") == 0 && approver->parent == NULL) {
        take_review(approver, tree);
        return;
    }
    if (strcmp(type, "approve") == 0 && take_answer(approver, tree, ASKING_BATCH, use_approve))
        return;
    if (strcmp(type, "plan_feedback") == 0 &&
        take_answer(approver, tree, ASKING_REVIEW, use_feedback))
        return;
    if (strcmp(type, "cancel") == 0) {
        const char *batch_id = json_string(tree, "batch_id");
        if (approver->parent != NULL)
            parent_cancel(approver, batch_id);
        else
            asking_cancel_waiting(approver, batch_id);
    }
    stage_put(&approver->stage, line, length);
}

static void input_ended(void *context)
{
    struct approver *approver = context;
    if (approver->parent != NULL)
        parent_input_ended(approver);
    else
        asking_input_ended(approver);
}

/*
 * Ctrl-C at an open question is an answer. Without one it is meant for the
 * program that started us, which then sends a cancel or ends our input; only
 * when the terminal itself is our input does nobody else end us.
 */
static bool take_signal(void *context, int signal)
{
    struct approver *approver = context;
    bool asked = approver->terminal != NULL || approver->filter != NULL || approver->peer != NULL;
    if (signal == SIGINT && asked) {
        asking_cancel(approver);
        return false;
    }
    if (signal == SIGINT && !isatty(STDIN_FILENO))
        return false;
    terminal_close(approver, NULL);
    filter_close(approver);
    peer_close(approver);
    record_stop(approver);
    return true;
}

static void resumed(void *context)
{
    terminal_resumed(context);
}

static void time_is_up(void *context)
{
    asking_end(context, "timeout", "Denied: nobody answered in time.");
}

int stream_run(struct approver *approver)
{
    approver->last = &approver->first;
    approver->last_review = &approver->first_review;
    approver->timer.call = time_is_up;
    approver->timer.context = approver;
    approver->stage = (struct stage){
        .program = "ts-approve",
        .line = take_line,
        .ended = input_ended,
        .signal = take_signal,
        .resumed = resumed,
        .context = approver,
    };
    stage_start(&approver->stage);
    record_start(approver);
    if (strcmp(config_text(approver->config, "approve.ask"), "parent") == 0)
        parent_open(approver);
    int code = stage_run(&approver->stage);
    parent_close(approver);
    record_stop(approver);
    return code;
}
