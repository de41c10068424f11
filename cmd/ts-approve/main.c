/*
 * ts-approve: prepared batches in, decided batches out.
 *
 * Lines pass while a question stands; only the batches that must be asked wait,
 * and they are asked one after the other.
 */
#include "base/clock.h"
#include "common/program.h"
#include "data/json.h"
#include "ts-approve/approve.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPTIONS_MOST = 64,
    DEFAULT_TIMEOUT = 300,     /* seconds, where the configuration says nothing */
    TIMEOUT_MOST = 31 * 86400, /* seconds */
};

enum option_id {
    OPTION_CONFIG = OPTION_LONG,
    OPTION_PROJECT,
    OPTION_TIMEOUT,
};

static const struct option_spec options[] = {
    {OPTION_CONFIG, "config", "FILE", "read FILE instead of the user's configuration"},
    {OPTION_PROJECT, "project", "DIR", "where relative paths in rules begin (default: here)"},
    {OPTION_TIMEOUT, "timeout", "SECONDS", "longest wait for an answer; 0: no limit"},
    {0},
};

static const char nobody_reason[] =
    "Denied: nobody could be asked. This run has no terminal and no approver, and no rule allows "
    "the call. Do without it, or say what you would need.";

/* Asking. */

static void remember_resolved(struct approver *approver, const char *request_id)
{
    size_t at = approver->resolved_count++ % RESOLVED_KEPT;
    memcpy(approver->resolved[at], request_id, RANDOM_REQUEST_ID_SIZE);
}

static bool is_resolved(const struct approver *approver, const char *request_id)
{
    size_t kept =
        approver->resolved_count < RESOLVED_KEPT ? approver->resolved_count : RESOLVED_KEPT;
    for (size_t i = 0; i < kept; i++) {
        if (strcmp(approver->resolved[i], request_id) == 0)
            return true;
    }
    return false;
}

static void put_and_free(struct approver *approver, struct batch *batch)
{
    batch_put_decided(&approver->stage, batch);
    batch_free(batch);
}

static struct batch *take_first(struct approver *approver)
{
    struct batch *batch = approver->first;
    approver->first = batch->next;
    if (approver->first == NULL)
        approver->last = &approver->first;
    return batch;
}

static void time_is_up(void *context)
{
    asking_end(context, "timeout", "Denied: nobody answered in time.");
}

/* How the first batch is asked; -1: nobody can be. */
static int start_asking(struct approver *approver, struct error *error)
{
    const char *command = config_text(approver->config, "approve.approve_with");
    const char *mode = config_text(approver->config, "approve.ask");
    if (command != NULL && command[0] != '\0')
        return filter_ask(approver, command, error);
    if (strcmp(mode, "lines") == 0)
        return approver->stage.input_ended ? error_set(error, "the input has ended") : 0;
    return terminal_ask(approver, error);
}

/* Before a request is announced: whether anybody will hear it. */
static bool somebody_there(const struct approver *approver)
{
    const char *command = config_text(approver->config, "approve.approve_with");
    const char *mode = config_text(approver->config, "approve.ask");
    if (strcmp(mode, "never") == 0)
        return false;
    if (command != NULL && command[0] != '\0')
        return true;
    if (strcmp(mode, "lines") == 0)
        return !approver->stage.input_ended;
    return terminal_available();
}

/* The rules may have grown since the batch came in line. */
static void decide_again(struct approver *approver, struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct entry *entry = &batch->entries[i];
        if (entry->verdict == VERDICT_OPEN && entry->why == NULL && always_covers(approver, entry))
            entry_decide(entry, VERDICT_ALLOW, "always", NULL);
    }
}

static void close_first(struct approver *approver, const char *why)
{
    loop_timer_cancel(approver->stage.loop, &approver->timer);
    terminal_close(approver, why);
    filter_close(approver);
    struct batch *batch = take_first(approver);
    remember_resolved(approver, batch->request_id);
    approver->asking = false;
    batch_put_resolved(&approver->stage, batch);
    put_and_free(approver, batch);
}

static void ask_next(struct approver *approver)
{
    while (!approver->asking && approver->first != NULL) {
        struct batch *batch = approver->first;
        decide_again(approver, batch);
        if (batch_open_count(batch) > 0 && !somebody_there(approver))
            batch_decide_rest(batch, VERDICT_DENY, "nobody", nobody_reason);
        if (batch_open_count(batch) == 0) {
            batch_put_info(&approver->stage, batch);
            put_and_free(approver, take_first(approver));
            continue;
        }
        struct error error;
        approver->asking = true;
        stage_put_tree(&approver->stage, batch_request(approver, batch));
        if (start_asking(approver, &error) < 0) {
            char reason[ERROR_TEXT_SIZE + 64];
            snprintf(reason, sizeof reason, "Denied: nobody could be asked (%s).", error.text);
            batch_decide_rest(batch, VERDICT_DENY, "nobody", reason);
            close_first(approver, reason);
        } else if (approver->timeout > 0) {
            loop_timer_set(approver->stage.loop, &approver->timer,
                clock_monotonic_ms() + (int64_t)(approver->timeout * 1000));
        }
    }
    if (approver->first == NULL && approver->stage.input_ended)
        stage_finish(&approver->stage, EXIT_DONE);
}

void asking_close(struct approver *approver)
{
    close_first(approver, NULL);
    ask_next(approver);
}

void asking_end(struct approver *approver, const char *decided_by, const char *reason)
{
    batch_decide_rest(approver->first, VERDICT_DENY, decided_by, reason);
    close_first(approver, reason);
    ask_next(approver);
}

static void put_cancel(struct approver *approver, const char *batch_id)
{
    cJSON *line = stage_need(cJSON_CreateObject());
    if (json_add_string(line, "type", "cancel") < 0 ||
        json_add_string(line, "batch_id", batch_id) < 0)
        die(EXIT_SYSTEM, "out of memory");
    stage_put_tree(&approver->stage, line);
}

void asking_cancel(struct approver *approver)
{
    char *batch_id = stage_need(strdup(approver->first->batch_id));
    batch_decide_rest(approver->first, VERDICT_DENY, "cancelled", "[cancelled by user]");
    close_first(approver, "");
    put_cancel(approver, batch_id);
    free(batch_id);
    ask_next(approver);
}

/* Lines. */

static void take_batch(struct approver *approver, cJSON *tree)
{
    struct batch *batch = batch_new(tree);
    if (batch == NULL) {
        stage_put_error(&approver->stage, "prepared without a list 'items'");
        return;
    }
    decide_batch(approver, batch);
    if (batch_open_count(batch) == 0) {
        batch_put_info(&approver->stage, batch);
        put_and_free(approver, batch);
        return;
    }
    *approver->last = batch;
    approver->last = &batch->next;
    ask_next(approver);
}

/* A batch that waits in line has not been announced: it is decided without a request. */
static void cancel_waiting(struct approver *approver, struct batch **link)
{
    struct batch *batch = *link;
    *link = batch->next;
    if (*link == NULL)
        approver->last = link;
    batch_decide_rest(batch, VERDICT_DENY, "cancelled", "[cancelled by user]");
    put_and_free(approver, batch);
}

static void cancel(struct approver *approver, const char *batch_id)
{
    struct batch **link = &approver->first;
    if (approver->asking)
        link = &approver->first->next;
    while (*link != NULL) {
        if (batch_id == NULL || strcmp((*link)->batch_id, batch_id) == 0)
            cancel_waiting(approver, link);
        else
            link = &(*link)->next;
    }
    if (approver->asking && (batch_id == NULL || strcmp(approver->first->batch_id, batch_id) == 0))
        asking_end(approver, "cancelled", "[cancelled by user]");
}

static void put_info(struct approver *approver, const char *format, const char *request_id)
{
    char message[256];
    snprintf(message, sizeof message, format, request_id);
    cJSON *line = stage_need(cJSON_CreateObject());
    if (json_add_string(line, "type", "info") < 0 || json_add_string(line, "message", message) < 0)
        die(EXIT_SYSTEM, "out of memory");
    stage_put_tree(&approver->stage, line);
}

/* Returns whether the line was ours. */
static bool take_answer(struct approver *approver, const cJSON *tree)
{
    struct error error;
    const char *id = json_string(tree, "request_id");
    if (id == NULL)
        return false;
    if (is_resolved(approver, id)) {
        put_info(approver, "the request %.64s is already resolved", id);
        return true;
    }
    if (!approver->asking || strcmp(id, approver->first->request_id) != 0) {
        put_info(approver, "there is no request %.64s, or it is already resolved", id);
        return false;
    }
    /* "nobody" comes from a program that speaks for people who have all left. */
    bool nobody = json_boolean(tree, "nobody", false) && !json_boolean(tree, "approved", true);
    if (answer_apply(approver, approver->first, tree, nobody ? "nobody" : "person", &error) < 0)
        stage_put_error(&approver->stage, "%s", error.text);
    else
        asking_close(approver);
    return true;
}

static void take_line(void *context, cJSON *tree, const char *line, size_t length)
{
    struct approver *approver = context;
    const char *type = json_string(tree, "type");
    if (type != NULL && strcmp(type, "prepared") == 0) {
        take_batch(approver, tree);
        return;
    }
    if (type != NULL && strcmp(type, "approve") == 0 && take_answer(approver, tree))
        return;
    if (type != NULL && strcmp(type, "cancel") == 0)
        cancel(approver, json_string(tree, "batch_id"));
    stage_put(&approver->stage, line, length);
}

static void input_ended(void *context)
{
    struct approver *approver = context;
    bool lines = strcmp(config_text(approver->config, "approve.ask"), "lines") == 0;
    if (approver->asking && lines && approver->filter == NULL)
        asking_end(approver, "nobody", "Denied: nobody answered before the input ended.");
    else
        ask_next(approver);
}

/*
 * Ctrl-C at an open question is an answer. Without one it is meant for the
 * program that started us, which then sends a cancel or ends our input; only
 * when the terminal itself is our input does nobody else end us.
 */
static bool take_signal(void *context, int signal)
{
    struct approver *approver = context;
    if (signal == SIGINT && (approver->terminal != NULL || approver->filter != NULL)) {
        asking_cancel(approver);
        return false;
    }
    if (signal == SIGINT && !isatty(STDIN_FILENO))
        return false;
    terminal_close(approver, NULL);
    filter_close(approver);
    return true;
}

static void resumed(void *context)
{
    terminal_resumed(context);
}

/* Start. */

static void load_policy(struct approver *approver, const char *file)
{
    struct error error;
    if (policy_load(&approver->policy, file, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
}

/* --policy may be given several times, and adds to the configured policy: a rule that denies is
 * not lost by naming another file. */
static bool is_policy_option(int id)
{
    const struct option_spec *option = config_options(CONFIG_FOR_APPROVE);
    while (option->name != NULL && option->id != id)
        option++;
    return option->name != NULL && strcmp(option->name, "policy") == 0;
}

static void set_up(struct approver *approver, const char *project)
{
    const char *policy = config_text(approver->config, "approve.policy");
    if (policy != NULL && policy[0] != '\0')
        load_policy(approver, policy);
    approver->project = realpath(project, NULL);
    if (approver->project == NULL)
        die(EXIT_CONFIG, "project directory '%s' is not there", project);
    approver->last = &approver->first;
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
}

static double default_timeout(const struct config *config)
{
    return config_is_set(config, "approve.timeout") ? config_number(config, "approve.timeout")
                                                    : DEFAULT_TIMEOUT;
}

int main(int argc, char **argv)
{
    const struct program program = {
        .name = "ts-approve",
        .synopsis = "[options]",
        .purpose = "decides about prepared tool calls",
        .options = options,
        .shared_options = config_options(CONFIG_FOR_APPROVE),
    };
    struct {
        int id;
        const char *value;
    } settings[OPTIONS_MOST];
    static struct approver approver;
    const char *value, *file = NULL, *project = ".", *policies[OPTIONS_MOST];
    size_t count = 0, policy_count = 0;
    long long timeout = -1;
    struct error error;
    int id;
    program_start(&program, argc, argv);
    while ((id = program_option(&value)) != OPTION_END) {
        if (count == OPTIONS_MOST || policy_count == OPTIONS_MOST)
            die_usage("too many options");
        if (id == OPTION_CONFIG) {
            file = value;
        } else if (is_policy_option(id)) {
            policies[policy_count++] = value;
        } else if (id == OPTION_PROJECT) {
            project = value;
        } else if (id == OPTION_TIMEOUT) {
            timeout = program_integer("timeout", value, 0, TIMEOUT_MOST);
        } else {
            settings[count].id = id;
            settings[count++].value = value;
        }
    }
    if (argv[program_operand()] != NULL)
        die_usage("unexpected operand '%s'", argv[program_operand()]);
    approver.config = config_load(file, warn, &error);
    if (approver.config == NULL)
        die_config(&error);
    for (size_t i = 0; i < count; i++) {
        if (config_set_option(approver.config, settings[i].id, settings[i].value, &error) < 0)
            die_usage("%s", error.text);
    }
    for (size_t i = 0; i < policy_count; i++)
        load_policy(&approver, policies[i]);
    approver.timeout = timeout >= 0 ? (double)timeout : default_timeout(approver.config);
    set_up(&approver, project);
    int code = stage_run(&approver.stage);
    always_release(&approver);
    policy_release(&approver.policy);
    config_free(approver.config);
    free(approver.project);
    return code;
}
