/* ts-mcp-http: an MCP server behind a URL, as a program on standard input and output. */
#include "bridge.h"

#include "common/program.h"
#include "data/url.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    CONNECT_SECONDS = 10,
    ANSWER_SECONDS = 3600, /* a call may take long, and the client has a limit of its own */
    SECONDS_MOST = 86400,
    OPTION_CONNECT = OPTION_LONG,
    OPTION_ANSWER,
};

static const struct option_spec options[] = {
    {OPTION_CONNECT, "connect-timeout", "SECONDS", "longest wait for a connection (10)"},
    {OPTION_ANSWER, "answer-timeout", "SECONDS", "longest wait for an answer to begin (3600)"},
    {0},
};

static void signalled(void *context, int signal)
{
    struct bridge *bridge = context;
    int code = signal == SIGINT ? EXIT_INTERRUPTED : EXIT_TERMINATED;
    if (bridge->stage != STAGE_RUNNING)
        exit(code); /* asked twice */
    bridge_leave(bridge, code);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host));
}

static void read_url(struct bridge *bridge, const char *text)
{
    struct url url = {0};
    struct error error;
    if (url_parse(&url, text, &error) < 0)
        die_usage("the URL cannot be used: %s", error.text);
    bool plain = url.scheme_length == 4 && strncmp(url.text, "http", 4) == 0;
    if (!plain && (url.scheme_length != 5 || strncmp(url.text, "https", 5) != 0))
        die_usage("the URL must begin with http:// or https://");
    bridge->loopback = is_loopback(url.host);
    if (plain && !bridge->loopback && bridge->headers.count > 0)
        warn("the headers of TS_MCP_HEADERS go to %s without encryption", url.host);
    if (bridge_init(bridge, url.text, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    url.text = NULL;
    url_release(&url);
}

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "ts-mcp-http",
        .synopsis = "[options] URL",
        .purpose = "passes messages of the Model Context Protocol to an HTTP server and back",
        .options = options,
    };
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, 0};
    static struct bridge bridge;
    struct error error;
    const char *value;
    int id;
    bridge.connect_ms = CONNECT_SECONDS * 1000;
    bridge.answer_ms = ANSWER_SECONDS * 1000;
    program_start(&program, argc, argv);
    while ((id = program_option(&value)) != OPTION_END) {
        if (id == OPTION_CONNECT)
            bridge.connect_ms = program_integer("connect-timeout", value, 1, SECONDS_MOST) * 1000;
        else
            bridge.answer_ms = program_integer("answer-timeout", value, 1, SECONDS_MOST) * 1000;
    }
    char **operands = argv + program_operand();
    if (operands[0] == NULL || operands[1] != NULL)
        die_usage("one URL is needed");
    extern char **environ;
    if (redact_init(&bridge.redactor, environ) < 0)
        die(EXIT_SYSTEM, "out of memory");
    if (headers_from_environment(&bridge.headers, &bridge.redactor, &error) < 0)
        die(EXIT_CONFIG, "%s", error.text);
    read_url(&bridge, operands[0]);
    if (loop_signals(bridge.loop, signals, signalled, &bridge, &error) < 0 ||
        bridge_run(&bridge, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    int code = bridge.exit_code;
    int lost = bridge.lost;
    bridge_release(&bridge);
    if (lost != 0) {
        errno = lost;
        die_output();
    }
    program_exit(code);
}
