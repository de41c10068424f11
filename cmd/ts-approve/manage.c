#include "ts-approve/manage.h"

#include "base/buffer.h"
#include "base/utf8.h"
#include "common/program.h"
#include "common/stage.h"
#include "data/json.h"
#include "data/store_approval.h"
#include "io/doorbell.h"
#include "ts-approve/approve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

enum {
    SHOWN_LIMIT = 64 << 20, /* bytes of one text */
    ID_SHOWN = 12,          /* digits of a request's id in a list: enough to type it */
};

static void print_visible(const char *text, const char *indent)
{
    struct buffer visible;
    buffer_init(&visible, SHOWN_LIMIT);
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (buffer_append_text(&visible, indent) < 0 ||
            utf8_append_visible(&visible, text, length, false) < 0 ||
            buffer_append_byte(&visible, '\n') < 0)
            die(EXIT_SYSTEM, "show a request: %s", strerror(errno));
        text += length + (text[length] == '\n');
    }
    fputs(visible.data, stdout);
    buffer_release(&visible);
}

static struct store *open_store(const struct manage_choices *choices, enum store_mode mode)
{
    struct store *store = NULL;
    struct error error;
    if (store_open(&store, config_text(choices->config, "store.path"), mode, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    return store;
}

/* A request whose asker was killed waits for nobody. */
static bool is_dead(const struct store_approval *approval)
{
    return strcmp(approval->status, "pending") == 0 && !approval->deferred &&
           (approval->doorbell == NULL || !doorbell_is_attended(approval->doorbell));
}

static const char *state_of(const struct store_approval *approval)
{
    if (strcmp(approval->status, "pending") != 0)
        return approval->status;
    if (approval->deferred)
        return "deferred";
    return is_dead(approval) ? "dead" : "waiting";
}

/* As JSON. */

static void need(int result)
{
    if (result < 0)
        die(EXIT_SYSTEM, "out of memory");
}

static void add_text(cJSON *object, const char *key, const char *text)
{
    if (text != NULL)
        need(json_add_string(object, key, text));
}

static void print_tree(cJSON *tree)
{
    struct buffer text;
    buffer_init(&text, SHOWN_LIMIT);
    need(json_append(&text, stage_need(tree)));
    puts(text.data);
    buffer_release(&text);
    json_free(tree);
}

static cJSON *call_tree(const struct store_approval_call *call)
{
    cJSON *tree = stage_need(cJSON_CreateObject());
    add_text(tree, "call_id", call->call_id);
    add_text(tree, "func_name", call->tool);
    need(json_add(tree, "item", json_parse_object(call->item, strlen(call->item), NULL)));
    add_text(tree, "decision", call->decision);
    add_text(tree, "decided_by", call->decided_by);
    add_text(tree, "reason", call->reason);
    add_text(tree, "feedback", call->feedback);
    add_text(tree, "claimed", call->claimed);
    return tree;
}

static void print_json(const struct store_approval *approval)
{
    cJSON *tree = stage_need(cJSON_CreateObject());
    cJSON *calls = stage_need(cJSON_CreateArray());
    add_text(tree, "request_id", approval->request_id);
    add_text(tree, "state", state_of(approval));
    add_text(tree, "session_id", approval->session_id);
    add_text(tree, "batch_id", approval->batch_id);
    add_text(tree, "parent_call_id", approval->parent_call_id);
    add_text(tree, "correlation_id", approval->correlation_id);
    add_text(tree, "decided_by", approval->decided_by);
    add_text(tree, "created", approval->created);
    add_text(tree, "decided", approval->decided);
    for (size_t i = 0; i < approval->call_count; i++) {
        if (!cJSON_AddItemToArray(calls, call_tree(&approval->calls[i])))
            die(EXIT_SYSTEM, "out of memory");
    }
    need(json_add(tree, "calls", calls));
    print_tree(tree);
}

/* list and show */

static void print_header(const struct store_approval_call *call, const char *indent)
{
    cJSON *item = json_parse_object(call->item, strlen(call->item), NULL);
    const char *header = json_string(item, "header");
    print_visible(header != NULL && header[0] != '\0' ? header : call->tool, indent);
    json_free(item);
}

struct listing {
    const struct manage_choices *choices;
    size_t count;
};

/* Nothing is said to a program: no lines are its answer. */
static void say_if_empty(const struct listing *listing, const char *nothing)
{
    if (listing->count == 0 && !listing->choices->json)
        warn("%s", nothing);
}

static int list_one(void *context, const struct store_approval *approval, struct error *error)
{
    struct listing *listing = context;
    const struct manage_choices *choices = listing->choices;
    (void)error;
    listing->count++;
    if (choices->json) {
        print_json(approval);
        return 0;
    }
    printf("%.*s  %s  %s%s%s\n", ID_SHOWN, approval->request_id, approval->created,
        state_of(approval), approval->session_id[0] != '\0' ? "  session " : "",
        approval->session_id);
    for (size_t i = 0; i < approval->call_count; i++)
        print_header(&approval->calls[i], "    ");
    return 0;
}

static int list(const struct manage_choices *choices)
{
    struct error error;
    struct listing listing = {.choices = choices};
    struct store *store = open_store(choices, STORE_READ);
    if (store_approval_list(store, NULL, !choices->all, list_one, &listing, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    say_if_empty(&listing, choices->all ? "nothing was asked yet" : "nothing waits for an answer");
    store_close(store);
    return EXIT_DONE;
}

static void find(struct store *store, const char *name, struct store_approval *approval)
{
    struct error error;
    int found = store_approval_get(store, name, approval, &error);
    if (found != 1)
        die(found == 0 ? EXIT_FAILED : EXIT_SYSTEM, "%s", error.text);
}

static void show_call(const struct store_approval_call *call)
{
    cJSON *item = json_parse_object(call->item, strlen(call->item), NULL);
    const char *preview = json_string(item, "preview");
    print_header(call, "");
    if (preview != NULL)
        print_visible(preview, "    ");
    if (json_boolean(item, "truncated_preview", false))
        puts("    (too long to be shown completely)");
    json_free(item);
    if (call->decision == NULL)
        return;
    printf("  %s by %s%s\n", strcmp(call->decision, "allow") == 0 ? "allowed" : "denied",
        call->decided_by != NULL ? call->decided_by : "nobody",
        call->claimed != NULL ? ", and handed out" : "");
    if (call->reason != NULL)
        print_visible(call->reason, "  ");
    if (call->feedback != NULL)
        print_visible(call->feedback, "  ");
}

static int show(const struct manage_choices *choices, const char *name)
{
    struct store_approval approval = {0};
    struct store *store = open_store(choices, STORE_READ);
    find(store, name, &approval);
    if (choices->json) {
        print_json(&approval);
    } else {
        printf("request  %s\nstate    %s\nasked    %s\n", approval.request_id, state_of(&approval),
            approval.created);
        if (approval.session_id[0] != '\0')
            printf("session  %s\n", approval.session_id);
        if (approval.decided != NULL)
            printf("decided  %s by %s\n", approval.decided, approval.decided_by);
        for (size_t i = 0; i < approval.call_count; i++) {
            putchar('\n');
            show_call(&approval.calls[i]);
        }
    }
    store_approval_release(&approval);
    store_close(store);
    return EXIT_DONE;
}

/* Answers. */

/* The words behind the decision, as one text; NULL: none. The caller frees it. */
static char *join(char *const *words)
{
    struct buffer text;
    buffer_init(&text, FEEDBACK_LIMIT);
    for (; *words != NULL; words++) {
        if ((text.length > 0 && buffer_append_byte(&text, ' ') < 0) ||
            buffer_append_text(&text, *words) < 0)
            die(EXIT_USAGE, "the message is longer than %d bytes", FEEDBACK_LIMIT);
    }
    if (utf8_valid_prefix(text.data, text.length) != text.length)
        die(EXIT_USAGE, "the message is not UTF-8");
    char *result = text.length > 0 ? stage_need(buffer_take(&text)) : NULL;
    buffer_release(&text);
    return result;
}

static bool is_seen(const struct store_approval_call *call)
{
    cJSON *item = json_parse_object(call->item, strlen(call->item), NULL);
    bool seen = item != NULL && !json_boolean(item, "truncated_preview", false);
    json_free(item);
    return seen;
}

static int resolve(struct store *store, const struct store_approval *approval, bool allow,
    const char *message, struct error *error)
{
    struct store_decision *decisions =
        stage_need(calloc(approval->call_count + 1, sizeof *decisions));
    char *reason = allow ? NULL : answer_denial("person", message);
    for (size_t i = 0; i < approval->call_count; i++) {
        decisions[i] = (struct store_decision){
            .call_id = approval->calls[i].call_id,
            .allow = allow,
            .seen = allow && is_seen(&approval->calls[i]),
            .reason = reason,
            .feedback = allow ? message : NULL,
        };
    }
    int result = store_approval_resolve(store, approval->request_id, allow ? "approved" : "denied",
        "person", decisions, approval->call_count, error);
    free(reason);
    free(decisions);
    return result;
}

/* The row is decided; whoever waits for it is told to look. */
static void tell(const struct store_approval *approval, bool allow)
{
    const char *done = allow ? "allowed" : "denied";
    if (approval->doorbell != NULL && !doorbell_ring(approval->doorbell))
        printf("%s, but whoever asked has gone meanwhile\n", done);
    else if (approval->deferred && approval->session_id[0] != '\0')
        printf("%s; it goes on with: ts-chat --resume %s\n", done, approval->session_id);
    else
        printf("%s\n", done);
}

static noreturn void die_resolved(struct store *store, const char *request_id)
{
    struct store_approval approval = {0};
    find(store, request_id, &approval);
    /* Who answered may have been killed before he could ring. */
    if (approval.doorbell != NULL)
        (void)doorbell_ring(approval.doorbell);
    die(EXIT_FAILED, "request %.*s is already resolved: %s by %s", ID_SHOWN, request_id,
        approval.status, approval.decided_by != NULL ? approval.decided_by : "nobody");
}

static int answer(
    const struct manage_choices *choices, const char *name, bool allow, char *const *message_words)
{
    struct store_approval approval = {0};
    struct error error;
    struct store *store = open_store(choices, STORE_WRITE);
    char *message = join(message_words);
    find(store, name, &approval);
    bool dead = is_dead(&approval);
    int result = dead ? store_approval_resolve(
                            store, approval.request_id, "cancelled", "cancelled", NULL, 0, &error)
                      : resolve(store, &approval, allow, message, &error);
    if (result < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    if (result == 0)
        die_resolved(store, approval.request_id);
    if (dead)
        die(EXIT_FAILED, "request %.*s is dead: whoever asked has ended, and nothing runs",
            ID_SHOWN, approval.request_id);
    tell(&approval, allow);
    free(message);
    store_approval_release(&approval);
    store_close(store);
    return EXIT_DONE;
}

/* Rules. */

static int list_rule(void *context, const struct store_rule *rule, struct error *error)
{
    struct listing *listing = context;
    (void)error;
    listing->count++;
    if (listing->choices->json) {
        cJSON *tree = stage_need(cJSON_CreateObject());
        need(json_add_integer(tree, "id", rule->id));
        add_text(tree, "session_id", rule->session_id);
        add_text(tree, "func_name", rule->tool);
        add_text(tree, "pattern", rule->pattern);
        need(json_add_boolean(tree, "is_path", rule->is_path));
        add_text(tree, "created", rule->created);
        print_tree(tree);
        return 0;
    }
    printf("%lld  %s  session %s\n", (long long)rule->id, rule->created, rule->session_id);
    struct buffer text;
    buffer_init(&text, SHOWN_LIMIT);
    need(buffer_printf(&text, "%s: %s", rule->tool,
        rule->pattern != NULL ? rule->pattern : "whatever its arguments"));
    print_visible(text.data, "    ");
    buffer_release(&text);
    return 0;
}

static int rules(const struct manage_choices *choices)
{
    struct error error;
    struct listing listing = {.choices = choices};
    struct store *store = open_store(choices, STORE_READ);
    if (store_rule_list(store, NULL, list_rule, &listing, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    say_if_empty(&listing, "nothing was approved for always");
    store_close(store);
    return EXIT_DONE;
}

static int revoke(const struct manage_choices *choices, const char *number)
{
    struct error error;
    long long id = program_integer("rules revoke", number, 1, INT64_MAX);
    struct store *store = open_store(choices, STORE_WRITE);
    int result = store_rule_delete(store, id, &error);
    if (result < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    if (result == 0)
        die(EXIT_FAILED, "there is no rule %lld", id);
    puts("revoked");
    store_close(store);
    return EXIT_DONE;
}

/* "list --all" as well as "--all list". */
static bool take_switch(struct manage_choices *choices, const char *word)
{
    bool json = strcmp(word, "--json") == 0, all = strcmp(word, "--all") == 0;
    choices->json |= json;
    choices->all |= all;
    return json || all;
}

int manage(struct manage_choices *choices, char **words)
{
    size_t kept = 1;
    bool answers =
        words[1] != NULL && (strcmp(words[1], "allow") == 0 || strcmp(words[1], "deny") == 0);
    for (size_t i = 1; words[i] != NULL && !answers; i++) {
        if (!take_switch(choices, words[i]))
            words[kept++] = words[i];
    }
    if (!answers)
        words[kept] = NULL;
    const char *first = words[0], *second = words[1];
    const char *third = second != NULL ? words[2] : NULL;
    if (strcmp(first, "list") == 0 && second == NULL)
        return list(choices);
    if (strcmp(first, "show") == 0 && second != NULL && third == NULL)
        return show(choices, second);
    if (strcmp(first, "rules") == 0 && second == NULL)
        return rules(choices);
    if (strcmp(first, "rules") == 0 && strcmp(second, "revoke") == 0 && third != NULL &&
        words[3] == NULL)
        return revoke(choices, third);
    if (answers)
        return answer(choices, first, strcmp(second, "allow") == 0, words + 2);
    die_usage("'%s' is no command: list, show ID, ID allow, ID deny, rules, rules revoke N", first);
}
