/*
 * A stored conversation is gone on with: the same session, the same bytes, the
 * same model. What its last process left open is closed, but for calls that
 * wait for a person's approval: those run when they have it.
 */
#include "chat.h"
#include "common/program.h"

#include "agent/history.h"
#include "data/store_approval.h"
#include "data/store_message.h"

#include <stdlib.h>
#include <string.h>

static const char interrupted_text[] = "interrupted: the program ended before this call "
                                       "reported; whether it had an effect is not known";
static const char given_up_text[] =
    "not run: the call was waiting for approval when the user went on without it";

/* Ours, and nobody else's while we live. */
static void own(struct chat *chat)
{
    struct error error;
    bool locked = store_session_is_locked(chat->store, chat->before.id);
    if (store_session_lock(chat->store, chat->before.session_id, &error) < 0)
        die(locked ? EXIT_FAILED : EXIT_SYSTEM, "%s", error.text);
    snprintf(chat->session_id, sizeof chat->session_id, "%s", chat->before.session_id);
}

/* A setting of the session, unless a flag says otherwise now. */
static void restore_setting(struct chat *chat, const char *name, const char *text)
{
    struct error error;
    if (!keep_is_setting(name) || config_origin(chat->config, name) == CONFIG_FLAG)
        return;
    if (config_set_option(chat->config, config_option(name), text, &error) < 0)
        warn("the session's %s is not taken over: %s", name, error.text);
}

static void restore_named(struct chat *chat, const char *name, const char *text)
{
    const char *alias = chat->before.model_alias;
    if (strcmp(name, "tools") == 0) {
        if (chat->tool_names == NULL && (chat->kept_tools = strdup(text)) == NULL)
            die(EXIT_SYSTEM, "keep the session's tools: out of memory");
        if (chat->tool_names == NULL)
            chat->tool_names = chat->kept_tools;
    } else if (strcmp(name, "model.name") != 0 || alias == NULL || strcmp(text, alias) != 0) {
        restore_setting(chat, name, text); /* an alias: restore_model has seen to it */
    }
}

static void restore_settings(struct chat *chat)
{
    struct error error;
    char *json = NULL;
    int found = store_session_get_value(chat->store, chat->session_id, "settings", &json, &error);
    if (found < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    buffer_init(&chat->settings_before, LINE_LIMIT);
    if (found > 0 && buffer_append_text(&chat->settings_before, json) < 0)
        die(EXIT_SYSTEM, "keep the session's settings: out of memory");
    cJSON *settings = found > 0 ? json_parse_object(json, strlen(json), NULL) : NULL;
    const cJSON *setting;
    cJSON_ArrayForEach(setting, settings)
    {
        if (cJSON_IsString(setting))
            restore_named(chat, setting->string, setting->valuestring);
    }
    json_free(settings);
    free(json);
}

/* The model of the session, also when the configuration prefers another one by now. */
static void restore_model(struct chat *chat)
{
    struct config_model model;
    const char *alias = chat->before.model_alias;
    if (alias == NULL || config_origin(chat->config, "model.name") == CONFIG_FLAG)
        return;
    const char *current = config_model_default(chat->config);
    if (strcmp(alias, current != NULL ? current : "default") == 0)
        return;
    if (config_model(chat->config, alias, &model, NULL) < 0)
        warn("the session's model '%s' is not configured any more: going on with '%s'", alias,
            current != NULL ? current : "default");
    else
        restore_setting(chat, "model.name", alias);
}

void resume_find(struct chat *chat)
{
    struct error error;
    keep_open(chat);
    int found = chat->resume_last
                    ? store_session_last(chat->store, chat->directory, &chat->before, &error)
                    : store_session_find(chat->store, chat->resume_name, &chat->before, &error);
    if (found <= 0)
        die(found == 0 ? EXIT_FAILED : EXIT_SYSTEM, "%s", error.text);
    own(chat);
    restore_model(chat);
    restore_settings(chat);
}

/* A tool may have gone since: that is no reason to lose the conversation. */
void resume_drop_tools(struct chat *chat)
{
    struct buffer left;
    if (chat->kept_tools == NULL || chat->tool_names != chat->kept_tools ||
        strcmp(chat->kept_tools, "none") == 0)
        return;
    buffer_init(&left, LINE_LIMIT);
    for (char *rest = chat->kept_tools, *name; (name = strsep(&rest, ",")) != NULL;) {
        if (tool_set_find(&chat->tools, name) == NULL)
            warn("the session's tool '%s' is not there any more: going on without it", name);
        else if (buffer_printf(&left, "%s%s", left.length > 0 ? "," : "", name) < 0)
            die(EXIT_SYSTEM, "keep the session's tools: out of memory");
    }
    if (left.length == 0 && buffer_append_text(&left, "none") < 0)
        die(EXIT_SYSTEM, "keep the session's tools: out of memory");
    free(chat->kept_tools);
    chat->tool_names = chat->kept_tools = buffer_take(&left);
}

struct loading {
    struct chat *chat;
    struct history history;
};

static int load_message(void *context, const struct store_message *message, struct error *error)
{
    struct loading *loading = context;
    struct chat *chat = loading->chat;
    if (message->turn > chat->turns_before)
        chat->turns_before = message->turn;
    /* The conversation of a foreign program may have no system text: ours goes first. */
    if (chat->messages_before++ == 0) {
        cJSON *parsed = json_parse_object(message->json, message->length, NULL);
        const char *role = json_string(parsed, "role");
        if (role == NULL || strcmp(role, "system") != 0)
            chat_begin_conversation(chat);
        json_free(parsed);
    }
    return history_take(&loading->history, message->json, message->length, error);
}

/* Whether a call was put off, and has not been run since. batch_id has RANDOM_SESSION_ID_SIZE. */
static bool was_deferred(struct chat *chat, const char *call_id, char *batch_id)
{
    static const char *const open[] = {"pending", "approved", "denied", "mixed", NULL};
    struct store_approval approval = {0};
    struct error error;
    size_t position = 0;
    bool deferred = false;
    int found = store_approval_find_call(
        chat->store, chat->session_id, call_id, &approval, &position, &error);
    if (found < 0)
        chat_die(chat, EXIT_SYSTEM, error.text);
    if (found > 0 && approval.deferred && approval.calls[position].claimed == NULL) {
        for (size_t i = 0; open[i] != NULL; i++)
            deferred |= strcmp(approval.status, open[i]) == 0;
    }
    if (deferred && approval.batch_id != NULL)
        snprintf(batch_id, RANDOM_SESSION_ID_SIZE, "%s", approval.batch_id);
    if (found > 0)
        store_approval_release(&approval);
    return deferred;
}

static bool find_deferred(struct chat *chat, char *batch_id)
{
    for (size_t i = 0; i < chat->conversation.open_count; i++) {
        const struct open_call *call = &chat->conversation.open_calls[i];
        if (call->result == NULL && was_deferred(chat, call->id, batch_id))
            return true;
    }
    return false;
}

/* Stored, so that the next one to resume it finds them answered. */
static void close_calls(struct chat *chat, const char *text)
{
    struct error error;
    keep_begin(chat);
    chat_must(chat, conversation_close_calls(&chat->conversation, text, &error), &error);
    keep_commit(chat);
}

void resume_load(struct chat *chat)
{
    struct error error;
    struct loading loading = {.chat = chat};
    history_init(&loading.history, &chat->conversation);
    if (store_message_load(chat->store, chat->session_id, load_message, &loading, &error) < 0)
        chat_die(chat, EXIT_SYSTEM, error.text);
    keep_listen(chat);
    chat->left_out = loading.history.left_out;
    chat->put_in = loading.history.put_in;
    if (chat->conversation.unanswered == 0)
        return;
    chat->pending = find_deferred(chat, chat->pending_batch);
    if (chat->pending)
        return;
    chat->put_in += chat->conversation.unanswered;
    /* An approver that outlived its ts-chat may still ask: what is answered now must not run. */
    if (store_approval_cancel(
            chat->store, chat->session_id, "the program that asked has ended", &error) < 0)
        chat_die(chat, EXIT_SYSTEM, error.text);
    close_calls(chat, interrupted_text);
}

void resume_tell(struct chat *chat)
{
    struct buffer text;
    const struct store_session *before = &chat->before;
    bool elsewhere = before->directory != NULL && strcmp(before->directory, chat->directory) != 0;
    buffer_init(&text, ERROR_TEXT_SIZE * 8);
    if (before->session_id == NULL ||
        (!chat->resume_last && !elsewhere && chat->left_out == 0 && chat->put_in == 0))
        return;
    int result = buffer_printf(&text, "going on with session %s", before->session_id);
    if (result == 0 && before->alias != NULL)
        result = buffer_printf(&text, " (%s)", before->alias);
    if (result == 0)
        result = buffer_printf(&text, " of %s UTC", before->updated);
    if (result == 0 && elsewhere)
        result = buffer_printf(
            &text, ", which began in %s: tools work in the current directory", before->directory);
    if (result == 0 && chat->put_in > 0)
        result = buffer_printf(&text, "; %zu calls or prompts had no answer", chat->put_in);
    if (result == 0 && chat->left_out > 0)
        result = buffer_printf(
            &text, "; %zu stored messages fit nowhere and are left out", chat->left_out);
    if (result < 0)
        chat_die_system(chat, "tell about the session");
    output_message(chat, "info", text.data);
    buffer_release(&text);
}

void resume_continue(struct chat *chat)
{
    chat->pending = false;
    batch_continue(chat, chat->pending_batch);
}

bool resume_give_up(struct chat *chat)
{
    struct error error;
    int cancelled =
        store_approval_cancel(chat->store, chat->session_id, "the user went on without it", &error);
    if (cancelled < 0)
        chat_die(chat, EXIT_SYSTEM, error.text);
    if (cancelled == 0)
        return false;
    chat->pending = false;
    close_calls(chat, given_up_text);
    return true;
}
