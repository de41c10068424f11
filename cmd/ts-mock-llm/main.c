/*
 * ts-mock-llm: an OpenAI-compatible endpoint that answers from a script or
 * makes up tokens, for demonstrations, tests and load.
 */
#include "common/program.h"
#include "log.h"
#include "script.h"
#include "server.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OPTION_PORT = OPTION_LONG,
    OPTION_LISTEN,
    OPTION_UNIX,
    OPTION_SCRIPT,
    OPTION_MODEL,
    OPTION_CONTEXT_WINDOW,
    OPTION_SYNTHESISE,
    OPTION_TOKENS,
    OPTION_RATE,
    OPTION_TOKEN_SIZE,
    OPTION_FIRST_TOKEN_DELAY,
    OPTION_RECORD_FROM,
    OPTION_API_KEY_ENV,
    OPTION_LOG,
    OPTION_ONCE,
    OPTION_REQUESTS,
    OPTION_MAX_CONNECTIONS,
};

enum {
    CONNECTIONS_DEFAULT = 10000,
    CONNECTIONS_MOST = 1000000,
    URL_SIZE = 256,
    RULE_LIMIT = 1024, /* bytes of the rule made from options */
};

static const struct option_spec options[] = {
    {OPTION_PORT, "port", "N", "TCP port; 0, the default, lets the system choose"},
    {OPTION_LISTEN, "listen", "ADDRESS", "IP address to listen on (127.0.0.1)"},
    {OPTION_UNIX, "unix", "PATH", "listen on a Unix socket, and on TCP only with --port"},
    {OPTION_SCRIPT, "script", "FILE", "answer by the rules in FILE, ts-mock-script(5)"},
    {OPTION_MODEL, "model", "NAME", "a model to list; may be repeated (mock-model)"},
    {OPTION_CONTEXT_WINDOW, "context-window", "TOKENS", "told as max_model_len (not told)"},
    {OPTION_SYNTHESISE, "synthesise", NULL, "answer what no rule answers with made-up tokens"},
    {OPTION_TOKENS, "tokens", "N", "how many of them (100)"},
    {OPTION_RATE, "rate", "PER_SECOND", "how fast; 0, the default, as fast as they are read"},
    {OPTION_TOKEN_SIZE, "token-size", "BYTES", "text in each (4)"},
    {OPTION_FIRST_TOKEN_DELAY, "first-token-delay", "MS", "wait before the first (0)"},
    {OPTION_RECORD_FROM, "record-from", "URL",
        "pass requests on to this base URL, and write a script that replays its answers"},
    {OPTION_API_KEY_ENV, "api-key-env", "NAME",
        "ask clients for the key in this environment variable"},
    {OPTION_LOG, "log", "FILE", "append every request to FILE, as JSON lines"},
    {OPTION_ONCE, "once", NULL, "end after one chat completion"},
    {OPTION_REQUESTS, "requests", "N", "end after N chat completions"},
    {OPTION_MAX_CONNECTIONS, "max-connections", "N", "accept at most N at a time (10000)"},
    {0},
};

static const struct program program = {
    .name = "ts-mock-llm",
    .synopsis = "[options]",
    .purpose = "an OpenAI-compatible endpoint that answers from a script",
    .options = options,
    .notes = "The first line on stdout is the base URL.",
};

struct settings {
    struct server_options server;
    struct script script;
    const char *key_name;
    const char *script_path;
    const char *log_path;
    bool synthesise;
    bool port_given;
    long long tokens;
    long long token_size;
    long long first_token_delay_ms;
    double rate;
};

static double read_rate(const char *value)
{
    char *end;
    errno = 0;
    double rate = strtod(value, &end);
    if (end == value || *end != '\0' || errno != 0 || !(rate >= 0 && rate <= 1e6))
        die_usage("--rate must be a number from 0 to 1000000, not '%s'", value);
    return rate;
}

static void add_model(struct server_options *server, const char *name)
{
    if (server->model_count == SERVER_MODELS)
        die_usage("--model can be given at most %d times", SERVER_MODELS);
    server->models[server->model_count++] = name;
}

static void read_server_option(struct server_options *server, int id, const char *value)
{
    switch (id) {
    case OPTION_PORT:
        server->port = (int)program_integer("port", value, 0, 65535);
        break;
    case OPTION_LISTEN:
        server->address = value;
        break;
    case OPTION_UNIX:
        server->unix_path = value;
        break;
    case OPTION_MODEL:
        add_model(server, value);
        break;
    case OPTION_CONTEXT_WINDOW:
        server->context_window = program_integer("context-window", value, 1, 1LL << 40);
        break;
    case OPTION_RECORD_FROM:
        server->record_url = value;
        break;
    case OPTION_ONCE:
        server->requests = 1;
        break;
    case OPTION_REQUESTS:
        server->requests = program_integer("requests", value, 1, 1LL << 40);
        break;
    case OPTION_MAX_CONNECTIONS:
        server->connections = program_integer("max-connections", value, 1, CONNECTIONS_MOST);
        break;
    }
}

static void read_options(struct settings *settings)
{
    const char *value;
    int id;
    while ((id = program_option(&value)) != OPTION_END) {
        switch (id) {
        case OPTION_SCRIPT:
            settings->script_path = value;
            break;
        case OPTION_SYNTHESISE:
            settings->synthesise = true;
            break;
        case OPTION_TOKENS:
            settings->tokens = program_integer("tokens", value, 0, 100000000);
            break;
        case OPTION_RATE:
            settings->rate = read_rate(value);
            break;
        case OPTION_TOKEN_SIZE:
            settings->token_size = program_integer("token-size", value, 1, 4096);
            break;
        case OPTION_FIRST_TOKEN_DELAY:
            settings->first_token_delay_ms =
                program_integer("first-token-delay", value, 0, 86400000);
            break;
        case OPTION_API_KEY_ENV:
            settings->key_name = value;
            break;
        case OPTION_LOG:
            settings->log_path = value;
            break;
        default:
            settings->port_given = settings->port_given || id == OPTION_PORT;
            read_server_option(&settings->server, id, value);
        }
    }
}

static void add_synthesis(struct settings *settings)
{
    struct buffer rule;
    struct error error;
    buffer_init(&rule, RULE_LIMIT);
    if (buffer_printf(&rule,
            "{\"times\":\"always\",\"synthesise\":{\"tokens\":%lld,\"rate\":%.6f,"
            "\"token_size\":%lld,\"first_token_delay_ms\":%lld}}",
            settings->tokens, settings->rate, settings->token_size,
            settings->first_token_delay_ms) < 0 ||
        script_add(&settings->script, rule.data, rule.length, 0, &error) < 0)
        die(EXIT_FAILED, "--synthesise: %s", error.text);
    buffer_release(&rule);
}

/* A new script: rules that are there already would answer instead of the recorded ones. */
static int open_record(const struct settings *settings)
{
    const char *url = settings->server.record_url;
    struct stat status;
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        die_usage("--record-from must be an http or https URL, not '%s'", url);
    if (settings->synthesise)
        die_usage("--record-from and --synthesise exclude each other");
    int fd = open(settings->script_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &status) < 0)
        die(EXIT_SYSTEM, "open '%s': %s", settings->script_path, strerror(errno));
    if (S_ISREG(status.st_mode) && status.st_size > 0)
        die(EXIT_USAGE, "record into '%s': the file is not empty", settings->script_path);
    return fd;
}

static void prepare(struct settings *settings)
{
    struct server_options *server = &settings->server;
    struct error error;
    if (settings->script_path == NULL && (!settings->synthesise || server->record_url != NULL))
        die_usage(server->record_url != NULL ? "--record-from needs --script FILE to write"
                                             : "give --script, --synthesise or both");
    if (server->record_url != NULL)
        server->record_fd = open_record(settings);
    else if (settings->script_path != NULL &&
             script_load(&settings->script, settings->script_path, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
    if (settings->synthesise)
        add_synthesis(settings);
    if (settings->key_name != NULL) {
        server->key = getenv(settings->key_name);
        if (server->key == NULL || *server->key == '\0')
            die(EXIT_CONFIG, "the environment variable '%s' holds no key", settings->key_name);
    }
    if (server->model_count == 0)
        add_model(server, "mock-model");
    if (server->address == NULL && (server->unix_path == NULL || settings->port_given))
        server->address = "127.0.0.1";
    if (settings->log_path != NULL && log_open(settings->log_path, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    server->script = &settings->script;
}

int main(int argc, char **argv)
{
    struct settings settings = {
        .server.connections = CONNECTIONS_DEFAULT,
        .tokens = 100,
        .token_size = 4,
    };
    struct error error;
    char url[URL_SIZE];
    program_start(&program, argc, argv);
    read_options(&settings);
    if (argv[program_operand()] != NULL)
        die_usage("unexpected operand '%s'", argv[program_operand()]);
    prepare(&settings);
    struct server *server = server_new(&settings.server, url, sizeof url, &error);
    if (server == NULL)
        die(EXIT_SYSTEM, "%s", error.text);
    if (printf("%s\n", url) < 0 || fflush(stdout) != 0) {
        server_free(server);
        die_output();
    }
    int signal_number = server_run(server);
    server_free(server);
    script_release(&settings.script);
    if (signal_number != 0)
        program_exit(signal_number == SIGTERM ? EXIT_TERMINATED : EXIT_INTERRUPTED);
    program_exit(EXIT_DONE);
}
