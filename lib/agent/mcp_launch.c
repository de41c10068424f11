#include "agent/mcp_launch.h"

#include "agent/tool_environment.h"
#include "base/buffer.h"
#include "data/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { VALUE_MOST = 64 << 10 }; /* bytes of a variable or header, with what it stands for */

static void add_word(struct mcp_launch *launch, const char *word)
{
    if (launch->count == MCP_LAUNCH_WORDS)
        launch->failed = true;
    else
        launch->words[launch->count++] = (char *)word;
}

/* The bytes of a variable's name that a text begins with. */
static size_t name_length(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    bool digit = text[0] >= '0' && text[0] <= '9';
    return digit ? 0 : strspn(text, letters);
}

/*
 * ${NAME} in a value is our own variable, so that a secret need not stand in a
 * file. What looks otherwise stays as it is. NULL: a sentence; the caller frees.
 */
static char *expand(const char *value, struct error *error)
{
    struct buffer text;
    char name[256];
    buffer_init(&text, VALUE_MOST);
    while (value[0] != '\0') {
        size_t length = strncmp(value, "${", 2) == 0 ? name_length(value + 2) : 0;
        bool variable = length > 0 && length < sizeof name && value[2 + length] == '}';
        const char *given = NULL;
        if (variable) {
            snprintf(name, sizeof name, "%.*s", (int)length, value + 2);
            given = getenv(name);
            value += length + 3;
            if (given == NULL) {
                error_set(error, "could not be started: the variable %s is not set", name);
                buffer_release(&text);
                return NULL;
            }
        }
        if ((variable ? buffer_append_text(&text, given) : buffer_append_byte(&text, *value++)) < 0)
            break;
    }
    char *result = value[0] == '\0' ? buffer_take(&text) : NULL;
    if (result == NULL)
        error_set(error, "could not be started: a value is too long");
    buffer_release(&text);
    return result;
}

static int set_variable(
    struct mcp_launch *launch, const char *name, const char *value, struct error *error)
{
    char *entry;
    char *text = expand(value, error);
    if (text == NULL)
        return -1;
    int made = asprintf(&entry, "%s=%s", name, text);
    free(text);
    if (made < 0)
        return error_set(error, "could not be started: out of memory");
    launch->environment[launch->entries++] = entry;
    add_word(launch, "--pass");
    add_word(launch, name);
    return 0;
}

/* TS_MCP_HEADERS of the bridge: one JSON object, so that no header is in an argv. */
static int set_headers(
    struct mcp_launch *launch, const struct mcp_settings *settings, struct error *error)
{
    cJSON *headers = cJSON_CreateObject();
    const cJSON *header;
    int result = headers == NULL ? -1 : 0;
    cJSON_ArrayForEach(header, settings->headers)
    {
        char *text = result == 0 ? expand(header->valuestring, error) : NULL;
        if (text == NULL || json_add_string(headers, header->string, text) < 0)
            result = -1;
        free(text);
    }
    char *text = result == 0 ? cJSON_PrintUnformatted(headers) : NULL;
    char *entry = NULL;
    if (text != NULL && asprintf(&entry, "TS_MCP_HEADERS=%s", text) >= 0) {
        launch->environment[launch->entries++] = entry;
        add_word(launch, "--pass");
        add_word(launch, "TS_MCP_HEADERS");
    } else {
        result = -1;
    }
    cJSON_free(text);
    json_free(headers);
    return result;
}

/* The tools' variables, and what the settings say: nothing else reaches a server. */
static int make_environment(
    struct mcp_launch *launch, const struct mcp_settings *settings, struct error *error)
{
    extern char **environ;
    size_t count = (size_t)cJSON_GetArraySize(settings->env) + 2;
    for (char **entry = environ; *entry != NULL; entry++)
        count++;
    launch->environment = calloc(count + 1, sizeof *launch->environment);
    if (launch->environment == NULL)
        return error_set(error, "could not be started: out of memory");
    for (char **entry = environ; *entry != NULL; entry++) {
        const char *name = *entry;
        bool proxy = settings->url != NULL && (strncasecmp(name, "http_proxy=", 11) == 0 ||
                                                  strncasecmp(name, "https_proxy=", 12) == 0 ||
                                                  strncasecmp(name, "no_proxy=", 9) == 0 ||
                                                  strncasecmp(name, "all_proxy=", 10) == 0);
        if ((tool_environment_has(name) || proxy) &&
            (launch->environment[launch->entries] = strdup(name)) != NULL)
            launch->entries++;
    }
    const cJSON *variable;
    cJSON_ArrayForEach(variable, settings->env)
    {
        if (set_variable(launch, variable->string, variable->valuestring, error) < 0)
            return -1;
    }
    if (settings->url == NULL)
        return 0;
    static const char *const proxies[] = {"http_proxy", "https_proxy", "all_proxy", "no_proxy",
        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"};
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
        add_word(launch, "--pass");
        add_word(launch, proxies[i]);
    }
    return settings->headers != NULL ? set_headers(launch, settings, error) : 0;
}

/* What the sandbox hides but the server is: a program below the home directory. */
static void open_program(struct mcp_launch *launch, const char *program)
{
    if (program[0] != '/' || access(program, X_OK) < 0)
        return;
    add_word(launch, "--read");
    add_word(launch, program);
}

static int make_words(struct mcp_launch *launch, const struct mcp_host *host,
    const struct mcp_settings *settings, struct error *error)
{
    bool jailed = settings->sandbox == MCP_SANDBOX_WORKSPACE;
    static const char *const unlimited[] = {"--memory", "0", "--file-size", "0"};
    const char *const head[] = {
        "ts-jail", "--profile", jailed ? "workspace" : "off", "--project", host->project};
    for (size_t i = 0; i < sizeof head / sizeof head[0]; i++)
        add_word(launch, head[i]);
    for (size_t i = 0; i < sizeof unlimited / sizeof unlimited[0] && !jailed; i++)
        add_word(launch, unlimited[i]);
    if (jailed && (settings->network || settings->url != NULL))
        add_word(launch, "--network");
    if (jailed)
        open_program(launch, settings->url != NULL ? host->bridge : settings->command[0]);
    if (make_environment(launch, settings, error) < 0)
        return -1;
    add_word(launch, "--");
    if (settings->url != NULL) {
        add_word(launch, host->bridge);
        add_word(launch, settings->url);
    }
    for (char **word = settings->command; word != NULL && *word != NULL; word++)
        add_word(launch, *word);
    return launch->failed ? error_set(error, "could not be started: its command line is too long")
                          : 0;
}

int mcp_launch_make(struct mcp_launch *launch, const struct mcp_host *host,
    const struct mcp_settings *settings, struct error *error)
{
    *launch = (struct mcp_launch){.count = 0};
    return make_words(launch, host, settings, error);
}

void mcp_launch_release(struct mcp_launch *launch)
{
    for (size_t i = 0; i < launch->entries; i++)
        free(launch->environment[i]);
    free(launch->environment);
}
