/* The store: requests for approval, their answers, rules, tools of MCP servers, usage. */
#include "data/store_approval.h"
#include "data/store_mcp.h"
#include "data/store_session.h"
#include "data/store_usage.h"
#include "io/paths.h"
#include "tap.h"

#include <stdlib.h>

static struct store *store;
static struct error error;

static int put(const char *request_id, const char *session_id)
{
    struct store_approval_call calls[] = {
        {.call_id = "call_1", .tool = "bash", .item = "{\"a\":1}"},
        {.call_id = "call_2", .tool = "write_file", .item = "{}"},
    };
    struct store_approval approval = {.request_id = request_id,
        .session_id = session_id,
        .batch_id = "b1",
        .doorbell = "/run/x.sock",
        .deferred = true,
        .calls = calls,
        .call_count = 2};
    return store_approval_put(store, &approval, &error);
}

static void test_asking(void)
{
    struct store_approval approval = {0};
    is_number(put("aaaa1111", "s1"), 0, "a request is stored");
    is_number(put("aaaa1111", "s1"), -1, "not twice");
    is_number(put("aaaa2222", "s1"), 0, "another");
    is_number(store_approval_get(store, "aaaa", &approval, &error), 0, "an ambiguous name");
    is_text(error.text, "2 requests begin with 'aaaa': give more of the id", "is said to be one");
    is_number(store_approval_get(store, "aaa%", &approval, &error), 0, "'%' is no pattern");
    is_number(store_approval_get(store, "aaaa1", &approval, &error), 1, "a prefix is enough");
    is_text(approval.request_id, "aaaa1111", "it is the right one");
    is_text(approval.status, "pending", "it is pending");
    is_text(approval.doorbell, "/run/x.sock", "somebody waits");
    ok(approval.deferred && approval.parent_call_id == NULL, "it is as it was put");
    is_number((long long)approval.call_count, 2, "with its calls");
    is_text(approval.calls[1].tool, "write_file", "in their order");
    ok(approval.calls[0].decision == NULL, "which are open");
    is_text(approval.calls[0].item, "{\"a\":1}", "and whole");
    store_approval_release(&approval);
}

static void test_answering(void)
{
    const struct store_decision allow[] = {{.call_id = "call_1", .allow = true, .seen = true}};
    const struct store_decision wrong[] = {{.call_id = "call_9", .allow = true}};
    struct store_approval approval = {0};
    size_t position = 9;
    is_number(store_approval_claim(store, "aaaa1111", "call_1", &error), 0,
        "an open call cannot be taken");
    is_number(store_approval_resolve(store, "aaaa1111", "approved", "person", wrong, 1, &error), -1,
        "an answer to a call that was not asked");
    is_number(store_approval_resolve(store, "aaaa1111", "mixed", "person", allow, 1, &error), 1,
        "leaves the request open for the right one");
    is_number(store_approval_resolve(store, "aaaa1111", "denied", "filter", NULL, 0, &error), 0,
        "the second answer has lost");
    ok(strstr(error.text, "resolved already: mixed by person at 2") != NULL, "is told: %s",
        error.text);
    is_number(store_approval_resolve(store, "zzzz", "denied", "x", NULL, 0, &error), 0, "or that");
    is_text(error.text, "there is no request 'zzzz'", "there is none");
    is_number(store_approval_find_call(store, "s1", "call_2", &approval, &position, &error), 1,
        "a call is found in its last request");
    is_text(approval.request_id, "aaaa2222", "the last");
    store_approval_release(&approval);
    store_approval_get(store, "aaaa1111", &approval, &error);
    is_text(approval.calls[0].decision, "allow", "what was allowed is");
    ok(approval.calls[0].seen, "and was seen");
    is_text(approval.calls[1].decision, "deny", "what the answer did not name is denied");
    store_approval_release(&approval);
    is_number(store_approval_claim(store, "aaaa1111", "call_1", &error), 1, "a call is taken");
    is_number(store_approval_claim(store, "aaaa1111", "call_1", &error), 0, "once");
    is_number(
        store_approval_cancel(store, "s1", "gone on", &error), 1, "the open one is cancelled");
    store_approval_get(store, "aaaa2222", &approval, &error);
    is_text(approval.status, "cancelled", "and says so");
    is_text(approval.calls[0].reason, "gone on", "with the reason");
    store_approval_release(&approval);
}

static int count_approval(void *context, const struct store_approval *approval, struct error *why)
{
    (void)approval;
    (void)why;
    ++*(int *)context;
    return 0;
}

static int last_rule(void *context, const struct store_rule *rule, struct error *why)
{
    (void)why;
    snprintf(context, 64, "%s %s", rule->tool, rule->pattern != NULL ? rule->pattern : "(any)");
    return 0;
}

static void test_lists(void)
{
    int count = 0;
    char text[64] = "";
    put("bbbb1111", "s2");
    store_approval_list(store, NULL, false, count_approval, &count, &error);
    is_number(count, 3, "all requests");
    count = 0;
    store_approval_list(store, NULL, true, count_approval, &count, &error);
    is_number(count, 1, "those that are open");
    count = 0;
    store_approval_list(store, "s1", false, count_approval, &count, &error);
    is_number(count, 2, "those of a session");

    struct store_rule rule = {.session_id = "s1", .tool = "bash", .pattern = "git status"};
    int64_t id = store_rule_add(store, &rule, &error);
    ok(id > 0, "a rule is kept");
    is_number(store_rule_add(store, &rule, &error), id, "once");
    rule.pattern = NULL;
    ok(store_rule_add(store, &rule, &error) > id, "one for all calls is another");
    is_number(store_rule_list(store, "s2", last_rule, text, &error), 0, "another session");
    is_text(text, "", "has none");
    store_rule_list(store, "s1", last_rule, text, &error);
    is_text(text, "bash (any)", "they are listed in order");
    is_number(store_rule_delete(store, id + 1, &error), 1, "one is revoked");
    is_number(store_rule_delete(store, id + 1, &error), 0, "once");
}

static void test_deleting(void)
{
    const struct store_session_details details = {
        .session_id = "s1", .kind = "chat", .directory = "/"};
    int count = 0;
    char text[64] = "";
    store_session_create(store, &details, &error);
    is_number(store_session_delete(store, "s1", &error), 1, "a session is deleted");
    store_approval_list(store, "s1", false, count_approval, &count, &error);
    is_number(count, 0, "its requests too");
    store_rule_list(store, "s1", last_rule, text, &error);
    is_text(text, "", "and its rules");
}

static int show_tools(void *context, const struct store_mcp_tools *tools, struct error *why)
{
    (void)why;
    snprintf(context, 64, "%s %s %s", tools->server, tools->config_hash, tools->tools);
    return 0;
}

static void test_others(void)
{
    char text[64] = "";
    struct store_mcp_tools tools = {
        .server = "files", .config_hash = "h1", .tools = "[1]", .hash = "x"};
    is_number(store_mcp_put(store, &tools, &error), 0, "tools of a server are kept");
    tools.config_hash = "h2";
    store_mcp_put(store, &tools, &error);
    store_mcp_get(store, "files", show_tools, text, &error);
    is_text(text, "files h2 [1]", "the last ones");
    is_number(store_mcp_delete(store, "files", &error), 1, "and forgotten");

    struct store_usage usage = {.session_id = "s1",
        .purpose = "turn",
        .prompt_tokens = 10,
        .completion_tokens = 5,
        .total_tokens = 15};
    struct store_usage_total total;
    store_usage_add(store, &usage, &error);
    usage.session_id = "s3";
    usage.parent_session = "s1";
    store_usage_add(store, &usage, &error);
    usage.parent_session = NULL;
    store_usage_add(store, &usage, &error);
    store_usage_sum(store, "s1", &total, &error);
    ok(total.calls == 2 && total.total_tokens == 30, "usage of a session and its agents");
    store_usage_sum(store, NULL, &total, &error);
    ok(total.calls == 3 && total.prompt_tokens == 30, "and of all");
}

int main(void)
{
    char directory[] = "/tmp/turnstone-store.XXXXXX", file[64];
    if (mkdtemp(directory) == NULL)
        return 1;
    snprintf(file, sizeof file, "%s/approvals.db", directory);
    if (store_open(&store, file, STORE_WRITE, &error) < 0)
        return 1;
    test_asking();
    test_answering();
    test_lists();
    test_deleting();
    test_others();
    store_close(store);
    paths_remove_tree(directory, NULL);
    return tap_done();
}
