/* Models, their keys and what children get, from files written for the purpose. */
#include "data/config.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/turnstone-unit.XXXXXX";
static char path[256];
static char warnings[4096];

static void keep_warning(const char *format, ...)
{
    size_t length = strlen(warnings);
    va_list values;
    va_start(values, format);
    vsnprintf(warnings + length, sizeof warnings - length, format, values);
    va_end(values);
}

static struct config *load(const char *text)
{
    FILE *file = fopen(path, "w");
    struct error error = {""};
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, 0600) < 0)
        return NULL;
    warnings[0] = '\0';
    struct config *config = config_load(path, keep_warning, &error);
    ok(config != NULL, "a file loads %s", error.text);
    return config;
}

static void key_is(struct config *config, const char *alias, const char *wanted, const char *name)
{
    char *key = NULL;
    struct error error = {""};
    if (config_model_key(config, alias, &key, &error) < 0)
        is_text(error.text, wanted, name);
    else
        is_text(key, wanted, name);
    free(key);
}

static void origins(void)
{
    struct config *config =
        load("[api]\nbase_url = \"https://one.example/v1/\"\napi_key = \"main\"\n"
             "[models.same]\nbase_url = \"https://ONE.example:443/v2\"\n"
             "[models.plain]\nbase_url = \"http://one.example/v1\"\n"
             "[models.other]\nbase_url = \"https://two.example/v1\"\n"
             "[models.none]\nbase_url = \"https://two.example/v1\"\napi_key = \"none\"\n"
             "[models.own]\nbase_url = \"https://two.example/v1\"\napi_key = \"mine\"\n"
             "[models.local]\nbase_url = \"http://127.0.0.1:9/v1\"\n"
             "[models.trick]\nbase_url = \"https://one.example.evil/v1\"\n"
             "[models.socket]\nunix_socket = \"/run/x\"\n");
    if (config == NULL)
        return;
    struct config_model model;
    config_model(config, NULL, &model, NULL);
    is_text(model.base_url, "https://one.example/v1", "an address loses its trailing slash");
    key_is(config, NULL, "main", "the main address gets the main key");
    key_is(config, "same", "main", "so does the same origin, written otherwise");
    key_is(config, "none", NULL, "'none' is no key");
    key_is(config, "own", "mine", "a key of its own");
    key_is(config, "local", NULL, "a loopback address may do without");
    const char *const strangers[] = {"plain", "other", "trick", "socket"};
    for (size_t i = 0; i < 4; i++) {
        char *key = NULL;
        struct error error = {""};
        bool refused = config_model_key(config, strangers[i], &key, &error) < 0;
        /* A socket has the address of [api], which is not on this machine. */
        ok(refused && key == NULL, "no key for [models.%s]", strangers[i]);
        ok(strstr(error.text, "main") == NULL, "and the refusal does not tell it: %s", error.text);
    }
    config_free(config);
}

static void environment_keys(void)
{
    setenv("OPENAI_API_KEY", "from-environment", 1);
    struct config *config =
        load("[models.default]\nbase_url = \"https://one.example/v1\"\nmodel = \"m\"\n"
             "[models.local]\nbase_url = \"http://localhost:1/v1\"\n");
    key_is(config, NULL, "from-environment",
        "the key is the default model's where it has the only address");
    key_is(config, "local", NULL, "and of no other");
    config_free(config);
    setenv("TURNSTONE_API_KEY", "", 1);
    config = load("[api]\napi_key = \"file\"\n");
    key_is(config, NULL, "from-environment", "an empty variable does not hide the second one");
    config_free(config);
    setenv("OPENAI_API_KEY", "", 1);
    config = load("[api]\napi_key = \"file\"\n");
    key_is(config, NULL, "file", "nor the file");
    config_free(config);
    unsetenv("OPENAI_API_KEY");
    unsetenv("TURNSTONE_API_KEY");
}

static void sources(void)
{
    char text[1024], name[300];
    snprintf(name, sizeof name, "%s/key", directory);
    FILE *file = fopen(name, "w");
    if (!ok(file != NULL && fputs("  sk-file \r\nsecond line\n", file) >= 0 && fclose(file) == 0,
            "a key file is written"))
        return;
    chmod(name, 0644);
    struct config *config = load("[api]\napi_key_file = \"key\"\n");
    key_is(config, NULL, "sk-file", "the first line of a file beside the configuration, trimmed");
    ok(strstr(warnings, "others can read it") != NULL, "and others can read it");
    ok(strstr(warnings, "sk-file") == NULL, "which is said without the key");
    config_free(config);
    config = load("[api]\napi_key_command = \"echo sk-command; echo noise >&2\"\n");
    key_is(config, NULL, "sk-command", "the output of a command");
    config_free(config);
    config = load("[api]\napi_key_command = \"echo sk-leak; exit 3\"\n");
    key_is(config, NULL, "api_key_command failed with exit code 3", "a command that fails");
    config_free(config);
    config = load("[api]\napi_key_command = \"true\"\n");
    key_is(config, NULL, "api_key_command gives no key", "a command that prints nothing");
    config_free(config);
    config = load("[api]\napi_key_command = \"yes\"\n");
    key_is(config, NULL, "api_key_command prints more than a key", "a command without end");
    config_free(config);
    config = load("[api]\napi_key_command = \"printf 'a\\\\033b'\"\n");
    key_is(
        config, NULL, "api_key_command gives a key with control characters", "control characters");
    config_free(config);
    snprintf(text, sizeof text, "[api]\napi_key_file = \"%s/nothing\"\n", directory);
    config = load(text);
    snprintf(
        text, sizeof text, "api_key_file: open '%s/nothing': No such file or directory", directory);
    key_is(config, NULL, text, "a key file that is not there");
    config_free(config);
    unlink(name);
}

static void fields(void)
{
    static const char text[] =
        "[model]\ntemperature = 0.5\nidle_timeout = 7\nextra_body = { a = 1 }\n"
        "[models.default]\nmodel = \"from-table\"\ntemperature = 0.25\ncontext_window = 4096\n"
        "[models.fast]\nmodel = \"f\"\ntemperature = 1\nextra_body = { b = [true, \"x\"] }\n"
        "base_url = \"http://localhost:2/v1\"\n";
    struct config_model model;
    struct error error = {""};
    struct config *config = load(text);
    config_model(config, NULL, &model, NULL);
    is_text(model.model, "from-table", "[models.default] is used");
    ok(model.temperature == 0.25, "a field of its table");
    ok(model.idle_timeout == 7, "a field of [model] where the table says nothing");
    is_text(model.extra_body, "{\"a\":1}", "extra_body as JSON");
    ok(model.max_tokens == 0 && model.reasoning_effort == NULL, "what nobody set stays unset");
    config_model(config, "fast", &model, NULL);
    is_text(model.extra_body, "{\"b\":[true,\"x\"]}", "a table's extra_body");
    ok(config_model(config, "nope", &model, &error) < 0, "an unknown alias is refused");
    is_text(error.text, "there is no model 'nope', only: default, fast", "naming those there are");
    config_free(config);

    setenv("TURNSTONE_MODEL_TEMPERATURE", "0", 1);
    setenv("TURNSTONE_BASE_URL", "http://localhost:3/v1", 1);
    setenv("TURNSTONE_MODEL", "by-environment", 1);
    config = load(text);
    config_model(config, NULL, &model, NULL);
    is_text(model.model, "by-environment", "the environment overrides a table's model");
    ok(model.temperature == 0, "and a field");
    is_number(model.context_window, 4096, "and leaves the others");
    config_model(config, "fast", &model, NULL);
    ok(model.temperature == 1, "another alias keeps its own");
    is_text(model.model, "f", "and its model");
    config_free(config);
    setenv("TURNSTONE_MODEL", "fast", 1);
    config = load(text);
    config_model(config, NULL, &model, NULL);
    is_text(model.alias, "fast", "a name that is an alias chooses it");
    is_text(model.model, "f", "with its model");
    ok(model.temperature == 0, "and what was set for this run");
    is_text(model.base_url, "http://localhost:2/v1", "but at its own address");
    config_model(config, "default", &model, NULL);
    is_text(model.model, "from-table", "the default one stays what it is");
    config_free(config);
    unsetenv("TURNSTONE_MODEL_TEMPERATURE");
    unsetenv("TURNSTONE_BASE_URL");
    unsetenv("TURNSTONE_MODEL");
    config = load("");
    config_model(config, NULL, &model, NULL);
    ok(isnan(model.temperature) && model.model == NULL, "without a file nothing is set");
    is_text(model.base_url, "http://localhost:8000/v1", "but the address");
    config_free(config);
}

static const char *variable(char **environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    }
    return NULL;
}

static int option_named(const char *name)
{
    for (const struct option_spec *spec = config_options(~0u); spec->name != NULL; spec++) {
        if (strcmp(spec->name, name) == 0)
            return spec->id;
    }
    return -1;
}

static void exported(void)
{
    static const char *const secrets[] = {"OPENAI_API_KEY", "TURNSTONE_API_KEY", "TAVILY_API_KEY",
        "TURNSTONE_TAVILY_KEY", "REDIS_PASSWORD", "TURNSTONE_REDIS_PASSWORD",
        "TURNSTONE_AUTH_TOKEN", "TURNSTONE_OTHER_TOKEN", "TURNSTONE_API_KEY_COMMAND", NULL};
    for (size_t i = 0; secrets[i] != NULL; i++)
        setenv(secrets[i], "s3cret", 1);
    setenv("TURNSTONE_TOOLS_TIMEOUT", "9", 1);
    setenv("OTHER", "kept", 1);
    struct config *config = load("");
    struct error error = {""};
    is_number(config_set_option(config, option_named("tool-timeout"), "60", &error), 0, "a flag");
    is_number(
        config_set_option(config, option_named("skip-permissions"), NULL, &error), 0, "a switch");
    is_number(
        config_set_option(config, option_named("no-verify-tls"), NULL, &error), 0, "a --no- form");
    is_number(
        config_set_option(config, option_named("instructions"), "", &error), 0, "an empty text");
    ok(config_set_option(config, option_named("tool-timeout"), "no", &error) < 0, "a wrong one");
    is_text(error.text, "--tool-timeout must be a whole number from 1 to 86400, not 'no'",
        "is refused");
    char **environment = config_export(config, CONFIG_NO_SECRETS);
    for (size_t i = 0; secrets[i] != NULL; i++)
        ok(variable(environment, secrets[i]) == NULL, "%s is taken out", secrets[i]);
    is_text(variable(environment, "TURNSTONE_TOOLS_TIMEOUT"), "60", "a flag replaces the variable");
    is_text(
        variable(environment, "TURNSTONE_TOOLS_SKIP_PERMISSIONS"), "true", "a switch is handed on");
    is_text(variable(environment, "TURNSTONE_VERIFY_TLS"), "false", "and its opposite");
    is_text(variable(environment, "TURNSTONE_SESSION_INSTRUCTIONS"), "", "and an empty text");
    is_text(variable(environment, "TURNSTONE_CONFIG"), path, "and the file");
    is_text(variable(environment, "OTHER"), "kept", "what is not ours stays");
    environment = config_export(config, CONFIG_MODEL_SECRETS);
    is_text(
        variable(environment, "OPENAI_API_KEY"), "s3cret", "keys stay for the one that needs them");
    is_text(variable(environment, "TURNSTONE_OTHER_TOKEN"), "s3cret",
        "and what its api_key_command may read");
    ok(variable(environment, "TAVILY_API_KEY") == NULL &&
            variable(environment, "REDIS_PASSWORD") == NULL &&
            variable(environment, "TURNSTONE_AUTH_TOKEN") == NULL,
        "not those of others");
    environment = config_export(config, CONFIG_SEARCH_SECRETS);
    is_text(variable(environment, "TAVILY_API_KEY"), "s3cret", "the search key for the search");
    ok(variable(environment, "OPENAI_API_KEY") == NULL &&
            variable(environment, "TURNSTONE_OTHER_TOKEN") == NULL,
        "and nothing more");
    config_free(config);
    for (size_t i = 0; secrets[i] != NULL; i++)
        unsetenv(secrets[i]);
    unsetenv("TURNSTONE_TOOLS_TIMEOUT");
}

int main(void)
{
    if (mkdtemp(directory) == NULL || chdir(directory) < 0)
        return 1;
    setenv("HOME", directory, 1);
    setenv("TURNSTONE_SYSTEM_CONFIG", "/dev/null", 1);
    unsetenv("OPENAI_API_KEY");
    unsetenv("OPENAI_BASE_URL");
    snprintf(path, sizeof path, "%s/config.toml", directory);
    origins();
    environment_keys();
    sources();
    fields();
    exported();
    unlink(path);
    rmdir(directory);
    return tap_done();
}
