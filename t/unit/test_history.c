/* agent/history: a stored conversation, made well-formed; first the vectors of the original. */
#include <stdarg.h>

#include "agent/history.h"
#include "tap.h"

#include <stdlib.h>

/*
 * A conversation in shorthand, a word for each message: s is the system text, u a
 * user's, t an assistant's; +AB are calls A and B, t+AB both (_ is a call without an
 * id); =A is a result of A, = one without an id; ? is followed by the message itself.
 */
static char *message_of(const char *word)
{
    struct buffer text;
    const char *separator = "";
    buffer_init(&text, 4096);
    if (word[0] == '?') {
        buffer_append_text(&text, word + 1);
        return buffer_take(&text);
    }
    buffer_printf(&text, "{\"role\":\"%s\"",
        word[0] == 's'   ? "system"
        : word[0] == 'u' ? "user"
        : word[0] == '=' ? "tool"
                         : "assistant");
    buffer_append_text(&text, word[0] == '+' ? ",\"content\":null" : ",\"content\":\"said\"");
    if (word[0] == '=' && word[1] != '\0')
        buffer_printf(&text, ",\"tool_call_id\":\"%c\"", word[1]);
    const char *calls = word[0] == '=' ? NULL : strchr(word, '+');
    if (calls != NULL)
        buffer_append_text(&text, ",\"tool_calls\":[");
    for (; calls != NULL && *++calls != '\0'; separator = ",") {
        buffer_printf(&text, "%s{", separator);
        if (*calls != '_')
            buffer_printf(&text, "\"id\":\"%c\",", *calls);
        buffer_append_text(
            &text, "\"type\":\"function\",\"function\":{\"name\":\"x\",\"arguments\":\"{}\"}}");
    }
    buffer_append_text(&text, calls != NULL ? "]}" : "}");
    return buffer_take(&text);
}

/* The other way: a result that was made is !A, an answer that was made %. */
static void describe(const cJSON *message, struct buffer *words)
{
    const char *role = json_string(message, "role");
    const char *content = json_string(message, "content");
    bool made = content != NULL && strcmp(content, "said") != 0;
    if (words->length > 0)
        buffer_append_byte(words, ' ');
    if (strcmp(role, "tool") == 0) {
        buffer_printf(words, "%c%s", made ? '!' : '=', json_string(message, "tool_call_id"));
        return;
    }
    const cJSON *call;
    const cJSON *calls = json_array(message, "tool_calls");
    if (strcmp(role, "assistant") != 0)
        buffer_append_byte(words, role[0]);
    else if (content != NULL)
        buffer_append_byte(words, made ? '%' : 't');
    if (calls != NULL)
        buffer_append_byte(words, '+');
    cJSON_ArrayForEach(call, calls) buffer_append_text(words, json_string(call, "id"));
}

static char *text_of(const struct conversation *conversation)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    conversation_append_array(conversation, &text);
    return buffer_take(&text);
}

static char *describe_all(const struct conversation *conversation)
{
    struct buffer words;
    char *text = text_of(conversation);
    cJSON *array = json_parse(text, strlen(text), NULL);
    const cJSON *message;
    buffer_init(&words, 4096);
    cJSON_ArrayForEach(message, array) describe(message, &words);
    json_free(array);
    free(text);
    return buffer_take(&words);
}

/* Take all the words' messages; the text of them joined is appended to joined. */
static struct history take_all(
    struct conversation *conversation, const char *words, struct buffer *joined)
{
    struct history history;
    struct error error;
    char *copy = strdup(words);
    char *rest = copy;
    conversation_init(conversation);
    history_init(&history, conversation);
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        char *message = message_of(word);
        if (history_take(&history, message, strlen(message), &error) < 0)
            ok(false, "%s", error.text);
        buffer_printf(joined, "%s%s", joined->length > 0 ? "," : "", message);
        free(message);
    }
    free(copy);
    return history;
}

/* What comes out when a new prompt closes what is open. */
static void becomes(const char *rows, const char *wanted, size_t left_out)
{
    struct conversation conversation;
    struct buffer joined;
    buffer_init(&joined, 1 << 16);
    struct history history = take_all(&conversation, rows, &joined);
    conversation_close_calls(&conversation, "closed", NULL);
    char *got = describe_all(&conversation);
    is_text(got, wanted, rows);
    if (history.left_out != left_out)
        is_number((long long)history.left_out, (long long)left_out, "left out");
    free(got);
    buffer_release(&joined);
    conversation_release(&conversation);
}

static void stays(const char *rows)
{
    struct conversation conversation;
    struct buffer joined;
    buffer_init(&joined, 1 << 16);
    struct history history = take_all(&conversation, rows, &joined);
    is_text(conversation.messages.data, joined.data, rows);
    is_number(
        (long long)(history.left_out + history.put_in), 0, "nothing left out, nothing put in");
    buffer_release(&joined);
    conversation_release(&conversation);
}

static void test_open_calls(void)
{
    struct conversation conversation;
    struct buffer joined;
    buffer_init(&joined, 1 << 16);
    take_all(&conversation, "s u t+ABC =B", &joined);
    ok(conversation_call_is_open(&conversation, "A") &&
            !conversation_call_is_open(&conversation, "B") &&
            conversation_call_is_open(&conversation, "C"),
        "the calls of the last message that have no result are open");
    is_number((long long)conversation.count, 3, "no result has its place before all are there");
    conversation_add_result(&conversation, "C", "said", NULL);
    conversation_add_result(&conversation, "A", "said", NULL);
    char *got = describe_all(&conversation);
    is_text(got, "s u t+ABC =A =B =C", "results stand in the order of the calls");
    free(got);
    buffer_release(&joined);
    conversation_release(&conversation);
}

int main(void)
{
    becomes("u t+AB =A =B u", "u t+AB =A =B u", 0);
    becomes("u +_ =", "u +call_1_0 =call_1_0", 0);
    becomes("u +AB =A", "u +AB =A !B", 0);
    becomes("u t+A", "u t+A !A", 0);
    becomes("u =A", "u", 1);
    becomes("u +A u t", "u +A !A u t", 0);
    becomes("u +AB =A =A", "u +AB =A !B", 1);
    becomes("u t+A =A =Z", "u t+A =A", 1);

    becomes("u +AB =A u t+C =B =C", "u +AB =A !B u t+C =C", 1);
    becomes("u +A =A t u +A t u +A =A t", "u +A =A t u +A !A t u +A =A t", 0);
    becomes("u +__ = = =", "u +call_1_0call_1_1 =call_1_0 =call_1_1", 1);
    becomes("u +AA =A =A", "u +AA =A =A", 0);
    becomes("u u t", "u % u t", 0);
    becomes("u ?{} ?[1] ?{\"role\":\"user\"} ?{\"role\":\"tool_call\"} ?{\"role t", "u t", 5);
    becomes("u ?{\"role\":\"assistant\",\"content\":null} t", "u t", 1);
    becomes("u ?{\"role\":\"assistant\",\"content\":\"x\",\"tool_calls\":[{\"id\":\"A\"}]} =A t",
        "u t", 2);
    becomes("s u s t", "s u t", 1);

    stays("s u t u t+A =A t u");
    stays("s u +AB =A =B t+C =C t u +A =A t");
    stays("?{\"role\":\"system\",\"content\":\"\\u00fc\"} ?{\"content\":\"x\",\"role\":\"user\"} "
          "?{\"role\":\"assistant\",\"reasoning\":\"1.50\",\"content\":\"y\",\"n\":1.50}");
    test_open_calls();
    return tap_done();
}
