/*
 * A single prompt: the words of the command line, stdin, or both. With words, a
 * stdin that stays silent does not hold things up; without, it is the prompt.
 */
#include "chat.h"
#include "common/program.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PROMPT_LIMIT = 32 << 20, /* bytes */
    PROMPT_READ = 64 << 10,
    SILENCE_MS = 3000, /* for the first byte of a stdin that comes beside words */
};

static int join_words(struct chat *chat, struct buffer *text)
{
    for (int i = 0; i < chat->word_count; i++) {
        if ((i > 0 && buffer_append_byte(text, ' ') < 0) ||
            buffer_append_text(text, chat->words[i]) < 0)
            return -1;
    }
    return 0;
}

/* Bytes that are no text would end the request at the server: they are shown as what they are. */
static int append_clean(struct buffer *text, const struct buffer *input)
{
    size_t from = 0;
    for (size_t at = 0; at <= input->length; at++) {
        if (at < input->length && input->data[at] != '\0')
            continue;
        if (utf8_append_repaired(text, input->data + from, at - from) < 0)
            return -1;
        if (at < input->length && buffer_append_text(text, UTF8_REPLACEMENT) < 0)
            return -1;
        from = at + 1;
    }
    return 0;
}

static void prompt_complete(struct chat *chat)
{
    struct buffer text;
    buffer_init(&text, (size_t)PROMPT_LIMIT * 4);
    loop_timer_cancel(chat->loop, &chat->silence_timer);
    loop_unwatch(chat->loop, STDIN_FILENO);
    if (join_words(chat, &text) < 0 ||
        (text.length > 0 && chat->prompt.length > 0 && buffer_append_text(&text, "\n\n") < 0) ||
        append_clean(&text, &chat->prompt) < 0)
        chat_die_system(chat, "keep the prompt");
    buffer_release(&chat->prompt);
    while (text.length > 0 && strchr("\r\n", text.data[text.length - 1]) != NULL)
        buffer_truncate(&text, text.length - 1);
    if (text.data[strspn(text.data, " \t\r\n")] == '\0') {
        buffer_release(&text);
        if (chat->pending) {
            send_continue(chat);
            return;
        }
        if (chat->before.session_id != NULL)
            chat_usage(chat, "no prompt, and no call of this session waits for approval");
        chat_usage(chat, "no prompt: give words, or text on stdin");
    }
    char correlation_id[RANDOM_SESSION_ID_SIZE];
    random_hex(correlation_id, sizeof correlation_id);
    send_queue(chat, buffer_take(&text), correlation_id);
}

static void stdin_ready(void *context, short events)
{
    (void)events;
    struct chat *chat = context;
    struct buffer *prompt = &chat->prompt;
    if (buffer_reserve(prompt, PROMPT_READ) < 0 && errno == EMSGSIZE)
        chat_usage(chat, "the prompt is longer than 32 MiB");
    if (buffer_reserve(prompt, PROMPT_READ) < 0)
        chat_die_system(chat, "keep the prompt");
    ssize_t got = read(STDIN_FILENO, prompt->data + prompt->length, PROMPT_READ);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got < 0)
        warn("read stdin: %s", strerror(errno));
    loop_timer_cancel(chat->loop, &chat->silence_timer);
    if (got <= 0)
        prompt_complete(chat);
    else
        buffer_truncate(prompt, prompt->length + (size_t)got);
}

static void stdin_silent(void *context)
{
    struct chat *chat = context;
    warn("stdin stays silent: going on without it (--no-stdin says so at once, - waits)");
    prompt_complete(chat);
}

int prompt_open(struct chat *chat, struct error *error)
{
    bool words = chat->word_count > 0;
    bool terminal = isatty(STDIN_FILENO) != 0;
    buffer_init(&chat->prompt, PROMPT_LIMIT);
    bool nothing_to_read = terminal && !chat->wait_for_stdin && (words || chat->pending);
    if (chat->no_stdin || nothing_to_read) {
        prompt_complete(chat);
        return 0;
    }
    if (terminal && !words && !chat->wait_for_stdin)
        warn("reading the prompt from the terminal: end it with Ctrl-D");
    if (loop_watch(chat->loop, STDIN_FILENO, POLLIN, stdin_ready, chat) < 0)
        return error_set(error, "watch stdin: out of memory");
    if (words && !chat->wait_for_stdin) {
        chat->silence_timer.call = stdin_silent;
        chat->silence_timer.context = chat;
        loop_timer_set(chat->loop, &chat->silence_timer, clock_monotonic_ms() + SILENCE_MS);
    }
    return 0;
}
