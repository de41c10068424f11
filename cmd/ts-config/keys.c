/* keys: the table of keys for people, for programs, and for turnstone.toml(5). */
#include "common/program.h"
#include "data/json.h"
#include "ts_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *type_name(const struct config_key *key)
{
    static const char *const names[] = {
        [CONFIG_TEXT] = "string",
        [CONFIG_SECRET] = "secret",
        [CONFIG_PATH] = "path",
        [CONFIG_INTEGER] = "integer",
        [CONFIG_NUMBER] = "number",
        [CONFIG_BOOLEAN] = "boolean",
        [CONFIG_LIST] = "list",
        [CONFIG_TABLE] = "table",
    };
    return names[key->type];
}

static const char *or_dash(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : "-";
}

static void print_plain(void)
{
    printf("%-34s  %-8s  %-26s  %-28s  %s\n", "KEY", "TYPE", "DEFAULT", "FLAG", "ENVIRONMENT");
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        char flag[64] = "-";
        if (key->flag != NULL)
            snprintf(flag, sizeof flag, "--%s", key->flag);
        printf("%-34s  %-8s  %-26s  %-28s  %s%s%s\n", key->name, type_name(key),
            or_dash(key->fallback), flag, or_dash(key->environment),
            key->environment_2 != NULL ? " " : "",
            key->environment_2 != NULL ? key->environment_2 : "");
    }
}

/* JSON. */

static int add_key(cJSON *object, const struct config_key *key)
{
    if (json_add_string(object, "name", key->name) < 0 ||
        json_add_string(object, "type", type_name(key)) < 0 ||
        json_add_string(object, "default", key->fallback) < 0 ||
        json_add_string(object, "choices", key->choices) < 0 ||
        json_add_string(object, "flag", key->flag) < 0 ||
        json_add_string(object, "environment", key->environment) < 0 ||
        json_add_string(object, "environment_2", key->environment_2) < 0 ||
        json_add_boolean(object, "project", key->project) < 0 ||
        json_add_boolean(object, "later", key->later) < 0 ||
        json_add_string(object, "replaced_by", key->replaced_by) < 0 ||
        json_add_string(object, "help", key->help) < 0)
        return -1;
    if (key->least >= key->most)
        return 0;
    return json_add_number(object, "least", key->least) < 0
               ? -1
               : json_add_number(object, "most", key->most);
}

static void print_json(void)
{
    cJSON *list = cJSON_CreateArray();
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        cJSON *object = cJSON_CreateObject();
        if (list == NULL || object == NULL || add_key(object, key) < 0 ||
            !cJSON_AddItemToArray(list, object))
            die(EXIT_SYSTEM, "out of memory");
    }
    char *text = cJSON_PrintUnformatted(list);
    if (text == NULL || puts(text) < 0)
        die(EXIT_SYSTEM, "print the keys: %s", strerror(errno));
    free(text);
    json_free(list);
}

/* Mdoc. */

/* A text in an mdoc line: nothing in it may be taken as a request or an escape. */
static void put_mdoc(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", stdout);
        else
            putchar(*text);
    }
}

/* One argument of a macro: in quotes, so that blanks and punctuation stay in it. */
static void put_argument(const char *text)
{
    fputs(" \"", stdout);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputs("\\(dq", stdout);
        else
            put_mdoc((const char[]){*text, '\0'});
    }
    putchar('"');
}

static void put_sentence(const char *text)
{
    char first = text[0];
    if (first >= 'a' && first <= 'z')
        first = (char)(first - 'a' + 'A');
    putchar(first);
    put_mdoc(text + 1);
    fputs(".\n", stdout);
}

static void put_choices(const char *choices)
{
    printf("One of");
    for (const char *word = choices; *word != '\0';) {
        size_t size = strcspn(word, " ");
        printf("%s\n.Ql %.*s", word == choices ? "" : " ,", (int)size, word);
        word += size;
        word += strspn(word, " ");
    }
    printf(" .\n");
}

static void put_limits(const struct config_key *key)
{
    if (key->least < key->most)
        printf("From %.12g to %.12g.\n", key->least, key->most);
    if (key->choices != NULL)
        put_choices(key->choices);
    if (key->fallback != NULL && key->fallback[0] != '\0') {
        printf("Default:\n.Ql");
        put_argument(key->fallback);
        printf(" .\n");
    }
}

static void put_names(const struct config_key *key)
{
    if (key->flag != NULL) {
        printf("Flag:\n.Fl -%s", key->flag);
        if (key->type == CONFIG_BOOLEAN)
            printf(" , Fl -no-%s", key->flag);
        printf(" .\n");
    }
    if (key->environment != NULL) {
        printf("Environment:\n.Ev %s", key->environment);
        if (key->environment_2 != NULL)
            printf(" ,\n.Ev %s", key->environment_2);
        printf(" .\n");
    }
    if (key->project)
        printf("A project's file may set it.\n");
    if (key->later)
        printf("For later programs: checked, without effect yet.\n");
    if (key->replaced_by != NULL) {
        printf("Accepted with a warning and not used:\n");
        put_mdoc(key->replaced_by);
        printf(".\n");
    }
}

static void put_model_keys(void)
{
    printf(".Ss \\(lBmodels.\\fIALIAS\\fP\\(rB\n.Bl -tag -width Ds\n");
    for (const struct config_model_key *key = config_model_keys; key->name != NULL; key++)
        printf(".It Ic %s\nLike\n.Ic %s .\n", key->name, key->like);
    printf(".El\n");
}

static void print_mdoc(void)
{
    char section[32] = "";
    for (const struct config_key *key = config_keys; key->name != NULL; key++) {
        size_t length = strcspn(key->name, ".");
        if (key->name[length] == '\0')
            continue; /* [models] has a text of its own */
        if (strlen(section) != length || strncmp(section, key->name, length) != 0) {
            if (section[0] != '\0')
                printf(".El\n");
            if (strcmp(section, "model") == 0)
                put_model_keys();
            snprintf(section, sizeof section, "%.*s", (int)length, key->name);
            printf(".Ss \\(lB%s\\(rB\n.Bl -tag -width Ds\n", section);
        }
        printf(".It Ic %s Pq %s\n", key->name + length + 1, type_name(key));
        put_sentence(key->help);
        put_limits(key);
        put_names(key);
    }
    printf(".El\n");
}

int list_keys(const struct request *request)
{
    if (request->mdoc)
        print_mdoc();
    else if (request->json)
        print_json();
    else
        print_plain();
    return EXIT_DONE;
}
