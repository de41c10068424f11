/* agent/conversation and data/event: append-only, well-formed, spliced without a parse. */
#include <stdarg.h>

#include "agent/conversation.h"
#include "data/event.h"
#include "tap.h"

#include <stdlib.h>

static cJSON *parse(const char *text)
{
    return json_parse(text, strlen(text), NULL);
}

static char *text_of(const struct conversation *conversation)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    conversation_append_array(conversation, &text);
    return buffer_take(&text);
}

/* Roles in order, one letter each. */
static void has_roles(const struct conversation *conversation, const char *wanted, const char *name)
{
    char got[64] = "";
    char *text = text_of(conversation);
    cJSON *array = parse(text);
    const cJSON *message;
    cJSON_ArrayForEach(message, array)
    {
        size_t length = strlen(got);
        got[length] = json_string(message, "role")[0];
        got[length + 1] = '\0';
    }
    is_text(got, wanted, name);
    json_free(array);
    free(text);
}

static int refuse(void *context, const char *message, size_t length, struct error *error)
{
    (void)message, (void)length;
    return *(bool *)context ? error_set(error, "disk full") : 0;
}

static void test_conversation(void)
{
    struct conversation talk;
    struct error error;
    conversation_init(&talk);
    conversation_add_system(&talk, "be brief", NULL);
    conversation_add_user(&talk, "hello", NULL);
    char *before = text_of(&talk);
    cJSON *answer = parse("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
                          "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"x\","
                          "\"arguments\":\"{}\"}},"
                          "{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"x\","
                          "\"arguments\":\"{}\"}}]}");
    ok(conversation_add_assistant(&talk, answer, &error) == 0, "an answer with calls");
    ok(conversation_add_result(&talk, "c", "?", &error) < 0, "a stranger's result is refused");
    ok(conversation_add_result(&talk, "b", "two", &error) == 0, "a result");
    ok(conversation_add_result(&talk, "b", "again", &error) < 0, "a second one is refused");
    conversation_add_user(&talk, "go on", NULL);
    has_roles(&talk, "suattu", "the open call got a result before the user spoke");
    conversation_add_user(&talk, "still there?", NULL);
    has_roles(&talk, "suattuau", "two prompts never follow each other");
    char *after = text_of(&talk);
    ok(strncmp(before, after, strlen(before) - 1) == 0,
        "what was said stays as it was, byte for byte");
    size_t count = talk.count;
    bool full = true;
    talk.listener = refuse;
    talk.listener_context = &full;
    ok(conversation_add_interrupted(&talk, "half", "cut", &error) < 0, "a refusal is passed on");
    is_text(error.text, "disk full", "with its reason");
    is_number((long long)talk.count, (long long)count, "and nothing was added");
    json_free(answer);
    free(before);
    free(after);
    conversation_release(&talk);
}

static void splices(const char *line, const char *wanted)
{
    struct buffer out;
    buffer_init(&out, 1000);
    event_append_spliced(&out, line, strlen(line), "correlation_id", "c1");
    is_text(out.data, wanted, line);
    buffer_release(&out);
}

int main(void)
{
    test_conversation();
    splices("{\"type\":\"x\"}", "{\"type\":\"x\",\"correlation_id\":\"c1\"}");
    splices("{\"type\":\"x\"} ", "{\"type\":\"x\",\"correlation_id\":\"c1\"}");
    splices("{}", "{\"correlation_id\":\"c1\"}");
    splices("{\"correlation_id\":\"old\"}", "{\"correlation_id\":\"old\"}");
    splices("{\"text\":\"a correlation_id b\"}",
        "{\"text\":\"a correlation_id b\",\"correlation_id\":\"c1\"}");
    return tap_done();
}
