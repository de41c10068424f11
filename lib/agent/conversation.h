/*
 * What has been said: the messages of one conversation, append-only.
 *
 * Every message is serialised once, when it is added, and never again: a
 * request is the text so far, so request N is a byte-for-byte prefix of request
 * N+1 and a server's prompt cache keeps working. The history is always
 * well-formed: every call of an assistant message gets exactly one result
 * before anything else is added, and two user messages never follow each other
 * without saying why.
 *
 * Results may come in any order. They stand in the history in the order of the
 * calls, all together, once the last one is there.
 *
 * A listener sees every message as it comes, also a result that has yet to wait
 * for its place, and may refuse it: this is how conversations are stored.
 */
#ifndef AGENT_CONVERSATION_H
#define AGENT_CONVERSATION_H

#include "base/buffer.h"
#include "base/error.h"
#include "data/json.h"

/* Called with each message's JSON text before it is taken. 0, or -1 with a sentence. */
typedef int conversation_listener(
    void *context, const char *message, size_t length, struct error *error);

/* A call of the last assistant message. */
struct open_call {
    char *id;
    char *result; /* the result's message as JSON text; NULL: not there yet */
};

struct conversation {
    struct buffer messages; /* JSON texts joined by commas */
    size_t last;            /* where the last one begins */
    size_t count;
    size_t characters; /* of all messages, for estimates */
    bool last_is_user;
    struct open_call *open_calls; /* while one of them has no result; NULL: none */
    size_t open_count;
    size_t unanswered;
    size_t waiting; /* bytes of the results that wait for their place */
    conversation_listener *listener;
    void *listener_context;
};

void conversation_init(struct conversation *conversation);
void conversation_release(struct conversation *conversation);

/* All of these return 0, or -1 with a sentence; the conversation is then as it was. */

int conversation_add_system(
    struct conversation *conversation, const char *text, struct error *error);

int conversation_add_user(struct conversation *conversation, const char *text, struct error *error);

/* message as ts-llm's `done` line has it: content, tool_calls, reasoning. */
int conversation_add_assistant(
    struct conversation *conversation, const cJSON *message, struct error *error);

/* An answer that was cut off: text may be empty; why is shown to the model behind it. */
int conversation_add_interrupted(
    struct conversation *conversation, const char *text, const char *why, struct error *error);

/* The result of a call; a call that is not open is refused. */
int conversation_add_result(
    struct conversation *conversation, const char *call_id, const char *text, struct error *error);

/* Whether a call is open and has no result yet. */
bool conversation_call_is_open(const struct conversation *conversation, const char *call_id);

/* Give every call still open the same result. */
int conversation_close_calls(
    struct conversation *conversation, const char *text, struct error *error);

/*
 * Take a message as it was stored, byte for byte: text is its JSON text, message
 * the same, parsed. The result of a call that is not open is refused, and so is
 * anything else while a call is open.
 */
int conversation_add_stored(struct conversation *conversation, const char *text, size_t length,
    const cJSON *message, struct error *error);

/* The last message, parsed: while calls are open, the one that made them. The caller frees it.
 * NULL: there is none, or no memory. */
cJSON *conversation_last(const struct conversation *conversation);

/* Append the messages as a JSON array. 0, or -1 (errno). */
int conversation_append_array(const struct conversation *conversation, struct buffer *buffer);

#endif
