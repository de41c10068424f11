#include "agent/template.h"

#include "base/buffer.h"
#include "data/json.h"

#include <string.h>

enum { HOLE_NAME_SIZE = 128 }; /* bytes of an argument's name, with its NUL */

/* The name in a hole that begins behind '{'; returns what stands behind its '}', NULL: no hole. */
static const char *hole_name(const char *at, char name[HOLE_NAME_SIZE])
{
    size_t length = strcspn(at, "{}[]");
    if (length == 0 || length >= HOLE_NAME_SIZE || at[length] != '}')
        return NULL;
    memcpy(name, at, length);
    name[length] = '\0';
    return at + length + 1;
}

/* A bracket or brace written twice stands for itself. */
static int is_doubled(const char *at)
{
    return strchr("{}[]", at[0]) != NULL && at[1] == at[0];
}

int template_check(const char *template, const cJSON *properties, struct error *error)
{
    int inside = 0;
    for (const char *at = template; *at != '\0'; at++) {
        char name[HOLE_NAME_SIZE];
        if (is_doubled(at)) {
            at++;
        } else if (*at == '{') {
            const char *behind = hole_name(at + 1, name);
            if (behind == NULL)
                return error_set(error, "template '%s': '{' without an argument and '}'", template);
            if (json_get(properties, name) == NULL)
                return error_set(error, "template '%s': there is no argument '%s'", template, name);
            at = behind - 1;
        } else if (*at == '}') {
            return error_set(error, "template '%s': '}' without '{'", template);
        } else if (*at == '[' || *at == ']') {
            if (inside != (*at == ']'))
                return error_set(error, "template '%s': '%c' where none may be", template, *at);
            inside = !inside;
        }
    }
    return inside ? error_set(error, "template '%s': '[' without ']'", template) : 0;
}

static int append_value(struct buffer *buffer, const cJSON *value)
{
    if (value == NULL)
        return 0;
    if (cJSON_IsString(value))
        return buffer_append_text(buffer, value->valuestring);
    return json_append(buffer, value);
}

int template_append(struct buffer *buffer, const char *template, const cJSON *arguments)
{
    size_t section = 0; /* where the present section's output began */
    int complete = 1;
    for (const char *at = template; *at != '\0'; at++) {
        char name[HOLE_NAME_SIZE];
        const char *behind;
        int result = 0;
        if (is_doubled(at)) {
            result = buffer_append_byte(buffer, *at++);
        } else if (*at == '{' && (behind = hole_name(at + 1, name)) != NULL) {
            const cJSON *value = json_get(arguments, name);
            complete = complete && value != NULL;
            result = append_value(buffer, value);
            at = behind - 1;
        } else if (*at == '[') {
            section = buffer->length;
            complete = 1;
        } else if (*at == ']') {
            if (!complete)
                buffer_truncate(buffer, section);
        } else {
            result = buffer_append_byte(buffer, *at);
        }
        if (result < 0)
            return -1;
    }
    return 0;
}
