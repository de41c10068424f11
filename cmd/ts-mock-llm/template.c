#include "template.h"

#include "base/buffer.h"
#include "data/json.h"
#include "request.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static const char *const names[] = {
    "last_user", "last_tool_result", "system", "model", "role", "request_number", NULL};

/* The next "{{name}}" in text, or NULL; name and its length without the braces. */
static const char *find(const char *text, const char **name, size_t *length)
{
    for (const char *at = strstr(text, "{{"); at != NULL; at = strstr(at + 1, "{{")) {
        const char *end = at + 2;
        while (isalnum((unsigned char)*end) || *end == '_')
            end++;
        if (end > at + 2 && end[0] == '}' && end[1] == '}') {
            *name = at + 2;
            *length = (size_t)(end - *name);
            return at;
        }
    }
    return NULL;
}

static bool is_name(const char *name, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(name, wanted, length) == 0;
}

static bool is_capture(const char *name, size_t length)
{
    return length == 1 && isdigit((unsigned char)*name);
}

int template_check(const char *text, struct error *error)
{
    const char *name;
    size_t length;
    for (const char *at = find(text, &name, &length); at != NULL; at = find(name, &name, &length)) {
        bool known = is_capture(name, length);
        for (size_t i = 0; names[i] != NULL && !known; i++)
            known = is_name(name, length, names[i]);
        if (!known)
            return error_set(error, "unknown template '{{%.*s}}'", (int)length, name);
    }
    return 0;
}

static int append(struct buffer *buffer, const char *text, size_t length, bool escape)
{
    if (!escape)
        return buffer_append(buffer, text, length);
    struct buffer quoted;
    buffer_init(&quoted, buffer->maximum);
    int status = json_append_string(&quoted, text, length);
    if (status == 0)
        status = buffer_append(buffer, quoted.data + 1, quoted.length - 2);
    buffer_release(&quoted);
    return status;
}

static int append_value(struct buffer *buffer, const char *name, size_t length,
    const struct template_values *values, bool escape)
{
    const struct request *request = values->request;
    if (is_capture(name, length)) {
        regmatch_t found = values->captures[*name - '0'];
        if (found.rm_so < 0)
            return 0;
        return append(
            buffer, request->text + found.rm_so, (size_t)(found.rm_eo - found.rm_so), escape);
    }
    if (is_name(name, length, "request_number"))
        return buffer_printf(buffer, "%" PRId64, request->number);
    const char *text = "";
    if (is_name(name, length, "last_user"))
        text = request->last_user;
    else if (is_name(name, length, "last_tool_result"))
        text = request->last_tool_result;
    else if (is_name(name, length, "system"))
        text = request->system;
    else if (is_name(name, length, "model"))
        text = request->model;
    else if (is_name(name, length, "role"))
        text = request->role;
    return text == NULL ? 0 : append(buffer, text, strlen(text), escape);
}

int template_expand(
    struct buffer *buffer, const char *text, const struct template_values *values, bool escape)
{
    const char *name;
    size_t length;
    for (const char *at = find(text, &name, &length); at != NULL; at = find(text, &name, &length)) {
        if (buffer_append(buffer, text, (size_t)(at - text)) < 0 ||
            append_value(buffer, name, length, values, escape) < 0)
            return -1;
        text = name + length + 2;
    }
    return buffer_append_text(buffer, text);
}
