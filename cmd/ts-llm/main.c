/*
 * ts-llm: request lines in, deltas and one done or error each out. The only
 * program that calls a model.
 *
 * main reads options and configuration; service runs the loop and the lines,
 * call is one request from beginning to end, exchange is HTTP.
 */
#include "base/clock.h"
#include "common/program.h"
#include "data/config.h"
#include "ts-llm/service.h"

#include <signal.h>

enum {
    OPTION_CONFIG = OPTION_LONG,
    FAREWELL_MS = 1000, /* for the lines already made, when a signal ends us */
};

static const struct option_spec options[] = {
    {OPTION_CONFIG, "config", "FILE", "read FILE instead of the user's configuration"},
    {0},
};

static int signal_code; /* exit code of the signal that ended us; 0: none */

static void ended_by_signal(void *context, int signal)
{
    struct service *service = context;
    signal_code = signal == SIGINT ? EXIT_INTERRUPTED : EXIT_TERMINATED;
    loop_stop(service->loop);
}

struct setting {
    int option;
    const char *value;
};

enum { SETTINGS_MOST = 64 };

static struct config *configure(int argc, char **argv)
{
    const struct program program = {
        .name = "ts-llm",
        .synopsis = "[options]",
        .purpose = "sends the requests read from stdin to a model and prints what it answers",
        .options = options,
        .shared_options = config_options(CONFIG_FOR_LLM),
        .notes = "Requests and answers are lines of JSON, see ts-events(5).\n",
    };
    static struct program kept;
    struct setting settings[SETTINGS_MOST];
    size_t count = 0;
    const char *file = NULL, *value;
    struct error error;
    int option;
    kept = program;
    program_start(&kept, argc, argv);
    while ((option = program_option(&value)) != OPTION_END) {
        if (option == OPTION_CONFIG)
            file = value;
        else if (count < SETTINGS_MOST)
            settings[count++] = (struct setting){option, value};
        else
            die_usage("too many options");
    }
    if (argv[program_operand()] != NULL)
        die_usage("unexpected operand '%s'", argv[program_operand()]);
    struct config *config = config_load(file, warn, &error);
    if (config == NULL)
        die_config(&error);
    for (size_t i = 0; i < count; i++) {
        if (config_set_option(config, settings[i].option, settings[i].value, &error) < 0)
            die_usage("%s", error.text);
    }
    return config;
}

int main(int argc, char **argv)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    struct config *config = configure(argc, argv);
    struct service service;
    struct error error;
    if (service_init(&service, config, &error) < 0 ||
        loop_signals(service.loop, signals, ended_by_signal, &service, &error) < 0 ||
        service_run(&service, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    if (signal_code != 0)
        line_writer_drain(&service.output, clock_monotonic_ms() + FAREWELL_MS);
    /* By hand one request is the whole work; in a pipe each answer speaks for itself. */
    int code = service.accepted == 1 && service.failed > 0 ? EXIT_BACKEND : EXIT_DONE;
    service_release(&service);
    config_free(config);
    program_exit(signal_code != 0 ? signal_code : code);
}
