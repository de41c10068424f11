/* ts-chat: a prompt, or command lines, to events. */
#include "chat.h"
#include "common/program.h"
#include "common/settings.h"

#include "agent/project_tools.h"
#include "agent/system_text.h"
#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPTION_NDJSON = OPTION_LONG,
    OPTION_NDJSON_OUT,
    OPTION_NO_STDIN,
    OPTION_TOOLS,
    OPTION_AGENT,
    OPTION_RESUME,
    OPTION_SESSION_NAME,
    OPTION_NO_SAVE,
    OPTION_APPROVE,
    SYSTEM_TEXT_LIMIT = 16 << 20,
    TOOLS_TEXT_LIMIT = 16 << 20,
    NOTES_LIMIT = 64 << 10, /* bytes said of tools that were left out */
};

static const struct option_spec options[] = {
    {OPTION_NDJSON, "ndjson", NULL, "read command lines from stdin and stay until it ends"},
    {OPTION_NDJSON_OUT, "ndjson-out", NULL, "print events also on a terminal"},
    {OPTION_NO_STDIN, "no-stdin", NULL, "do not read stdin when a prompt is given"},
    {OPTION_TOOLS, "tools", "NAME,...", "offer only these tools; 'none' offers none"},
    {OPTION_RESUME, "resume", "SESSION",
        "go on with a stored conversation: its name, id, or 4 digits"},
    {'c', "continue", NULL, "go on with the last conversation of this directory"},
    {OPTION_SESSION_NAME, "session-name", "NAME", "give the conversation a name"},
    {OPTION_NO_SAVE, "no-save", NULL, "do not store the conversation"},
    {OPTION_APPROVE, "approve", "WHERE", "the same as --ask"},
    {OPTION_AGENT, "agent", "KIND", "be the agent of another conversation: task or plan"},
    SETTINGS_OPTION_CONFIG,
    {0},
};

/* A search without an engine is not offered, unless it was asked for by name. */
static void drop_unusable(struct chat *chat)
{
    const struct config *config = chat->config;
    if (chat->tool_names == NULL && getenv("TS_TOOLS") == NULL &&
        config_text(config, "search.command") == NULL &&
        config_text(config, "search.url") == NULL && config_text(config, "api.tavily_key") == NULL)
        tool_set_drop_needing(&chat->tools, TOOL_NEEDS_SEARCH);
}

static void load_tools(struct chat *chat)
{
    struct error error;
    struct buffer json;
    const char *further = config_text(chat->config, "tools.tools_dir");
    if (tool_set_load(&chat->tools, further, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
    buffer_init(&chat->tool_notes, NOTES_LIMIT);
    /* An agent says it no second time. */
    struct buffer *notes = chat->agent == AGENT_NONE ? &chat->tool_notes : NULL;
    if (project_tools_add(&chat->tools, chat->directory, notes, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    mcp_load(chat);
    resume_drop_tools(chat);
    if (chat->tool_names != NULL && tool_set_keep(&chat->tools, chat->tool_names, &error) < 0)
        die_usage("--tools: %s%s%s", error.text, chat->tool_notes.length > 0 ? "\n" : "",
            chat->tool_notes.data);
    drop_unusable(chat);
    agent_keep_tools(chat);
    buffer_init(&json, TOOLS_TEXT_LIMIT);
    if (chat->tools.count > 0 && (tool_set_append_wire(&chat->tools, TOOL_GROUP_ALL, &json) < 0 ||
                                     (chat->tools_json = buffer_take(&json)) == NULL))
        die(EXIT_SYSTEM, "keep the tool list: %s", strerror(errno));
    tool_set_release(&chat->tools);
}

void chat_begin_conversation(struct chat *chat)
{
    struct error error;
    struct buffer text;
    buffer_init(&text, SYSTEM_TEXT_LIMIT);
    if (system_text_append(&text, chat->tools_json != NULL,
            config_text(chat->config, "session.instructions")) < 0 ||
        agent_append_system_text(chat, &text) < 0)
        die(EXIT_SYSTEM, "make the system text: %s", strerror(errno));
    if (conversation_add_system(&chat->conversation, text.data, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    buffer_release(&text);
}

static void read_options(struct chat *chat, const struct program *program, int argc, char **argv)
{
    static struct settings settings;
    const char *value;
    int id;
    program_start(program, argc, argv);
    while ((id = program_option(&value)) != OPTION_END) {
        if (settings_take(&settings, id, value))
            continue;
        switch (id) {
        case OPTION_NDJSON:
            chat->ndjson = true;
            break;
        case OPTION_NDJSON_OUT:
            chat->ndjson_out = true;
            break;
        case OPTION_NO_STDIN:
            chat->no_stdin = true;
            break;
        case OPTION_TOOLS:
            chat->tool_names = value;
            break;
        case OPTION_RESUME:
            chat->resume_name = value;
            break;
        case 'c':
            chat->resume_last = true;
            break;
        case OPTION_SESSION_NAME:
            chat->session_name = value;
            break;
        case OPTION_NO_SAVE:
            chat->no_save = true;
            break;
        case OPTION_APPROVE:
            (void)settings_take(&settings, config_option("approve.ask"), value);
            break;
        case OPTION_AGENT:
            agent_read_option(chat, value);
            break;
        }
    }
    chat->config = settings_load(&settings);
}

static bool resumes(const struct chat *chat)
{
    return chat->resume_last || chat->resume_name != NULL;
}

/* What is said about keeping the conversation must agree. */
static void check_keeping(struct chat *chat)
{
    const char *no_store = getenv("TS_NO_STORE");
    if (chat->resume_last && chat->resume_name != NULL)
        die_usage("--continue contradicts --resume");
    if (no_store != NULL && no_store[0] != '\0')
        chat->no_save = true;
    const char *parent = getenv("TS_PARENT_SESSION");
    if (chat->agent != AGENT_NONE && parent != NULL && parent[0] != '\0' &&
        (chat->parent_session = strdup(parent)) == NULL)
        die(EXIT_SYSTEM, "out of memory");
    if (chat->no_save && resumes(chat))
        die_usage("--no-save contradicts --%s", chat->resume_last ? "continue" : "resume");
    if (chat->no_save && chat->session_name != NULL)
        die_usage("--no-save contradicts --session-name");
}

static void read_words(struct chat *chat, int argc, char **argv)
{
    int first = program_operand();
    chat->words = argv + first;
    chat->word_count = argc - first;
    if (chat->word_count > 0 && strcmp(chat->words[chat->word_count - 1], "-") == 0) {
        chat->word_count--;
        chat->wait_for_stdin = true;
    }
    if (chat->ndjson && (chat->word_count > 0 || chat->wait_for_stdin))
        die_usage("--ndjson takes its prompts from stdin, not from the command line");
    if (chat->no_stdin && (chat->ndjson || chat->wait_for_stdin))
        die_usage("--no-stdin contradicts %s", chat->ndjson ? "--ndjson" : "'-'");
    if (chat->no_stdin && chat->word_count == 0 && !resumes(chat))
        die_usage("--no-stdin needs a prompt on the command line");
    chat->one_shot = !chat->ndjson;
}

/* Who reads the events is told too, if there is a way left to do it. */
void chat_die(struct chat *chat, enum exit_code code, const char *what)
{
    bool heard = chat->announced && chat->phase != PHASE_ENDED;
    chat->phase = PHASE_ENDED;
    if (heard) {
        chat->died = code;
        snprintf(chat->failure, sizeof chat->failure, "%s", what);
        output_message(chat, "error", what);
        chat_write_result(chat);
    }
    chat_take_down(chat);
    if (heard)
        output_last(chat);
    die(code, "%s", what);
}

void chat_die_system(struct chat *chat, const char *what)
{
    struct error error;
    error_system(&error, "%s", what);
    chat_die(chat, EXIT_SYSTEM, error.text);
}

void chat_usage(struct chat *chat, const char *what)
{
    chat_take_down(chat);
    die_usage("%s", what);
}

void chat_must(struct chat *chat, int result, const struct error *error)
{
    if (result < 0)
        chat_die(chat, EXIT_SYSTEM, error->text);
}

static bool turn_under_way(const struct chat *chat)
{
    return chat->phase == PHASE_MODEL || chat->phase == PHASE_TOOLS;
}

/* The first one stops the turn in good order, the second ends us. */
static void signalled(void *context, int signal)
{
    struct chat *chat = context;
    bool interrupt = signal == SIGINT;
    enum stop stop = !interrupt ? STOP_TERMINATE : chat->one_shot ? STOP_INTERRUPT : STOP_CANCEL;
    /* A Ctrl-C at a question may come from ts-approve first, as STOP_CANCEL. */
    bool again = chat->turn.stop == stop ||
                 (interrupt && chat->turn.stop != STOP_NONE && chat->turn.stop != STOP_CANCEL);
    if (turn_under_way(chat) && !again) {
        turn_stop(chat, stop);
        return;
    }
    chat->ended_by = interrupt ? STOP_INTERRUPT : STOP_TERMINATE;
    chat_finish(chat);
}

static void before_wait(void *context)
{
    struct chat *chat = context;
    line_channel_flush(&chat->model);
    line_channel_flush(&chat->pipeline);
    output_flush(chat);
}

static void begin_keeping(struct chat *chat)
{
    if (resumes(chat)) {
        resume_load(chat);
    } else {
        keep_open(chat);
        keep_listen(chat);
    }
}

static void run(struct chat *chat)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    struct error error;
    chat->loop = loop_new();
    if (chat->loop == NULL || loop_signals(chat->loop, signals, signalled, chat, &error) < 0)
        die(EXIT_SYSTEM, "%s", chat->loop == NULL ? "out of memory" : error.text);
    if (model_start(chat, &error) < 0 || output_open(chat, &error) < 0)
        chat_die(chat, EXIT_SYSTEM, error.text);
    /* While ts-llm loads. */
    begin_keeping(chat);
    if (chat->one_shot && prompt_open(chat, &error) < 0)
        chat_die(chat, EXIT_SYSTEM, error.text);
    loop_before_wait(chat->loop, before_wait, chat);
    if (loop_run(chat->loop, &error) < 0)
        chat_die(chat, EXIT_SYSTEM, error.text);
}

int main(int argc, char **argv)
{
    static struct chat chat = {.state_directory.lock = -1,
        .mcp.directory.lock = -1,
        .mcp.listener = -1,
        .output_fd = -1,
        .input.fd = -1};
    const struct program program = {
        .name = "ts-chat",
        .synopsis = "[options] [prompt ...] [-]",
        .purpose = "sends a prompt to a model, runs the tools it calls, and prints events",
        .options = options,
        .shared_options = config_options(
            CONFIG_FOR_CHAT | CONFIG_FOR_LLM | CONFIG_FOR_TOOLS | CONFIG_FOR_APPROVE),
    };
    chat.started = clock_monotonic_ms();
    read_options(&chat, &program, argc, argv);
    read_words(&chat, argc, argv);
    check_keeping(&chat);
    if (getcwd(chat.directory, sizeof chat.directory) == NULL)
        die(EXIT_SYSTEM, "find the current directory: %s", strerror(errno));
    random_hex(chat.session_id, RANDOM_SESSION_ID_SIZE);
    conversation_init(&chat.conversation);
    if (resumes(&chat))
        resume_find(&chat);
    agent_start(&chat);
    load_tools(&chat);
    if (!resumes(&chat))
        chat_begin_conversation(&chat);
    run(&chat);
    chat_take_down(&chat);
    output_close(&chat);
    int code = chat_exit_code(&chat);
    store_close(chat.store);
    turn_release(&chat.turn);
    return code;
}
