/*
 * The conversation is stored as it happens: every message before it is sent
 * on, every result when it arrives, so that a process that is killed loses
 * nothing that anybody was told. A store that fails ends the run.
 */
#include "chat.h"
#include "common/program.h"

#include "data/store_message.h"
#include "data/store_search.h"
#include "data/store_usage.h"

#include <stdlib.h>
#include <string.h>

enum { BEGINNING = 200 }; /* characters of the first prompt: a line of a list */

static const char no_save_hint[] = "; --no-save goes on without keeping the conversation";

/* Settings that a session keeps when it is resumed. Permissions are none: they are given anew. */
static const char *const settings[] = {"model.name", "model.temperature", "model.max_tokens",
    "model.reasoning_effort", "tools.truncation", NULL};

bool keep_is_setting(const char *name)
{
    for (size_t i = 0; settings[i] != NULL; i++) {
        if (strcmp(settings[i], name) == 0)
            return true;
    }
    return false;
}

static int hint(struct error *error)
{
    size_t length = strlen(error->text);
    snprintf(error->text + length, sizeof error->text - length, "%s", no_save_hint);
    return -1;
}

/* What a person chose for this session, as a JSON object; NULL: no memory. */
static cJSON *chosen_settings(const struct chat *chat)
{
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; settings[i] != NULL; i++) {
        enum config_origin origin = config_origin(chat->config, settings[i]);
        if (origin != CONFIG_FLAG && origin != CONFIG_ENVIRONMENT)
            continue;
        const char *text = config_text(chat->config, settings[i]);
        if (text != NULL && json_add_string(object, settings[i], text) < 0) {
            json_free(object);
            return NULL;
        }
    }
    if (chat->tool_names != NULL && json_add_string(object, "tools", chat->tool_names) < 0) {
        json_free(object);
        return NULL;
    }
    return object;
}

/* Stored when they differ from what is stored. */
static int keep_settings(struct chat *chat, struct error *error)
{
    struct buffer text;
    buffer_init(&text, LINE_LIMIT);
    cJSON *object = chosen_settings(chat);
    int result = object == NULL || json_append(&text, object) < 0
                     ? error_set(error, "store the settings: out of memory")
                     : 0;
    json_free(object);
    const char *before = chat->settings_before.length > 0 ? chat->settings_before.data : "{}";
    if (result == 0 && strcmp(text.data, before) != 0)
        result =
            store_session_set_value(chat->store, chat->session_id, "settings", text.data, error);
    buffer_release(&text);
    return result < 0 ? -1 : 0;
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static int keep_name(struct chat *chat, struct error *error)
{
    if (chat->session_name == NULL)
        return 0;
    int found = store_session_set_alias(chat->store, chat->session_id, chat->session_name, error);
    return found < 0 ? -1 : 0;
}

static char *model_and_alias(const char *model, const char *alias)
{
    char *text = NULL;
    int result = asprintf(&text, "%s\n%s", model != NULL ? model : "", alias != NULL ? alias : "");
    return result < 0 ? NULL : text;
}

/* A session is made with its first message; the system text, which came before, goes first. */
static int begin_session(struct chat *chat, struct error *error)
{
    const struct buffer *messages = &chat->conversation.messages;
    struct store_session_details details = {
        .session_id = chat->session_id,
        .kind = agent_word(chat),
        .directory = chat->directory,
        .parent_session = chat->parent_session,
        .model = or_null(chat->model_name),
        .model_alias = or_null(chat->model_alias),
    };
    if (store_session_create(chat->store, &details, error) < 0 ||
        store_session_lock(chat->store, chat->session_id, error) < 0 ||
        keep_settings(chat, error) < 0 || keep_name(chat, error) < 0)
        return -1;
    chat->kept_model = model_and_alias(chat->model_name, chat->model_alias);
    return store_message_append(
        chat->store, chat->session_id, 1, messages->data, messages->length, NULL, error);
}

/* What a resumed session is told anew, once. */
static int touch_session(struct chat *chat, struct error *error)
{
    return keep_settings(chat, error) < 0 || keep_name(chat, error) < 0 ? -1 : 0;
}

static int store_message(struct chat *chat, const char *text, size_t length, struct error *error)
{
    bool resumed = chat->before.session_id != NULL;
    if (!chat->kept && (resumed ? touch_session : begin_session)(chat, error) < 0)
        return -1;
    return store_message_append(chat->store, chat->session_id, chat->turns_before + chat->turns,
        text, length, chat->result_of, error);
}

/* The conversation's listener. */
static int message_added(void *context, const char *text, size_t length, struct error *error)
{
    struct chat *chat = context;
    if (store_begin(chat->store, error) < 0)
        return hint(error);
    if (store_message(chat, text, length, error) < 0) {
        store_rollback(chat->store);
        return hint(error);
    }
    if (store_commit(chat->store, error) < 0)
        return hint(error);
    chat->kept = true;
    return 0;
}

/* A name that cannot be given is told at once, not when the first message is stored. */
static void try_name(struct chat *chat)
{
    struct error error;
    struct store_session_details details = {
        .session_id = chat->session_id, .kind = "chat", .directory = chat->directory};
    if (chat->session_name == NULL)
        return;
    bool resumed = chat->before.session_id != NULL;
    int result = store_begin(chat->store, &error);
    if (result == 0 && !resumed)
        result = store_session_create(chat->store, &details, &error);
    if (result == 0)
        result = keep_name(chat, &error);
    store_rollback(chat->store);
    if (result < 0)
        chat_die(chat, EXIT_FAILED, error.text);
}

void keep_open(struct chat *chat)
{
    struct error error;
    if (chat->no_save || chat->store != NULL)
        return;
    if (store_open(&chat->store, config_text(chat->config, "store.path"), STORE_WRITE, &error) <
        0) {
        hint(&error);
        chat_die(chat, EXIT_SYSTEM, error.text);
    }
}

void keep_listen(struct chat *chat)
{
    if (chat->store == NULL)
        return;
    try_name(chat);
    chat->conversation.listener = message_added;
    chat->conversation.listener_context = chat;
}

static void must(struct chat *chat, int result, struct error *error)
{
    if (result >= 0)
        return;
    store_rollback(chat->store);
    hint(error);
    chat_die(chat, EXIT_SYSTEM, error->text);
}

void keep_begin(struct chat *chat)
{
    struct error error;
    if (chat->store != NULL)
        must(chat, store_begin(chat->store, &error), &error);
}

void keep_commit(struct chat *chat)
{
    struct error error;
    if (chat->store != NULL)
        must(chat, store_commit(chat->store, &error), &error);
}

void keep_beginning(struct chat *chat, const char *prompt)
{
    struct error error;
    if (chat->store == NULL)
        return;
    char *excerpt = store_excerpt(prompt, strlen(prompt), 0, BEGINNING);
    cJSON *string = excerpt != NULL ? cJSON_CreateString(excerpt) : NULL;
    char *json = string != NULL ? cJSON_PrintUnformatted(string) : NULL;
    int result = json != NULL ? store_session_set_value(chat->store, chat->session_id,
                                    STORE_SESSION_BEGINNING, json, &error)
                              : error_set(&error, "keep a prompt: out of memory");
    free(json);
    json_free(string);
    free(excerpt);
    must(chat, result, &error);
}

void keep_model(struct chat *chat)
{
    struct error error;
    const struct store_session *before = &chat->before;
    bool resumed = before->session_id != NULL;
    if (!chat->kept && !resumed)
        return; /* stored with the session */
    if (chat->kept_model == NULL && resumed)
        chat->kept_model = model_and_alias(before->model, before->model_alias);
    char *now = model_and_alias(chat->model_name, chat->model_alias);
    bool same = now != NULL && chat->kept_model != NULL && strcmp(now, chat->kept_model) == 0;
    free(chat->kept_model);
    chat->kept_model = now;
    if (!same)
        must(chat,
            store_session_set_model(chat->store, chat->session_id, or_null(chat->model_name),
                or_null(chat->model_alias), &error),
            &error);
}

void keep_usage(struct chat *chat, const struct usage *call, const char *model)
{
    struct error error;
    if (chat->store == NULL)
        return;
    struct store_usage usage = {
        .session_id = chat->session_id,
        .parent_session = chat->parent_session,
        .model = model != NULL ? model : or_null(chat->model_name),
        .model_alias = chat->turn.alias != NULL ? chat->turn.alias : or_null(chat->model_alias),
        .purpose = chat->agent == AGENT_NONE ? "turn" : agent_word(chat),
        .prompt_tokens = call->prompt_tokens,
        .completion_tokens = call->completion_tokens,
        .total_tokens = call->total_tokens,
    };
    must(chat, store_usage_add(chat->store, &usage, &error), &error);
}
