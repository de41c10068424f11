#include "agent/assembly.h"

#include "base/random.h"
#include "base/utf8.h"
#include "data/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    NOTES_LIMIT = 64 << 10,
    MINTED_ID_SIZE = 10, /* nine characters: some chat templates insist on exactly so many */
};

void assembly_init(struct assembly *assembly)
{
    *assembly = (struct assembly){0};
    buffer_init(&assembly->content, ASSEMBLY_LIMIT);
    buffer_init(&assembly->reasoning, ASSEMBLY_LIMIT);
    buffer_init(&assembly->notes, NOTES_LIMIT);
}

static void release_call(struct assembly_call *call)
{
    free(call->id);
    free(call->name);
    buffer_release(&call->arguments);
}

void assembly_release(struct assembly *assembly)
{
    for (size_t i = 0; i < assembly->call_count; i++)
        release_call(&assembly->calls[i]);
    free(assembly->calls);
    buffer_release(&assembly->content);
    buffer_release(&assembly->reasoning);
    buffer_release(&assembly->notes);
    assembly->calls = NULL;
    assembly->call_count = 0;
}

void assembly_clear(struct assembly *assembly)
{
    assembly_release(assembly);
    assembly_init(assembly);
}

int assembly_add_content(struct assembly *assembly, const char *text, size_t length)
{
    return buffer_append(&assembly->content, text, length);
}

int assembly_add_reasoning(
    struct assembly *assembly, const char *field, const char *text, size_t length)
{
    if (field != NULL)
        assembly->reasoning_field = field;
    return buffer_append(&assembly->reasoning, text, length);
}

void assembly_set_finish_reason(struct assembly *assembly, const char *reason)
{
    if (reason == NULL || *reason == '\0')
        return;
    size_t length = strlen(reason);
    if (length >= sizeof assembly->finish_reason)
        length = utf8_valid_prefix(reason, sizeof assembly->finish_reason - 1);
    memcpy(assembly->finish_reason, reason, length);
    assembly->finish_reason[length] = '\0';
}

void assembly_set_usage(struct assembly *assembly, const cJSON *usage)
{
    struct assembly_usage read = {.known = true};
    if (!json_integer(usage, "prompt_tokens", &read.prompt_tokens) ||
        !json_integer(usage, "completion_tokens", &read.completion_tokens) ||
        read.prompt_tokens < 0 || read.completion_tokens < 0 || read.prompt_tokens > INT32_MAX ||
        read.completion_tokens > INT32_MAX)
        return;
    if (!json_integer(usage, "total_tokens", &read.total_tokens) || read.total_tokens < 0)
        read.total_tokens = read.prompt_tokens + read.completion_tokens;
    assembly->usage = read;
}

int assembly_note(struct assembly *assembly, const char *sentence)
{
    size_t before = assembly->notes.length;
    if ((before > 0 && buffer_append_byte(&assembly->notes, ',') < 0) ||
        json_append_string(&assembly->notes, sentence, strlen(sentence)) < 0) {
        buffer_truncate(&assembly->notes, before);
        return -1;
    }
    return 0;
}

/* Finding the call a fragment belongs to. */

struct fragment {
    const char *id;   /* NULL: absent */
    const char *name; /* NULL: absent */
    const cJSON *arguments;
    int64_t index; /* -1: absent */
    bool bare;     /* neither id nor index, and not the first of its delta */
};

static struct assembly_call *new_call(struct assembly *assembly, int64_t index)
{
    if (assembly->call_count == ASSEMBLY_CALLS_MOST) {
        errno = EMSGSIZE;
        return NULL;
    }
    struct assembly_call *calls =
        realloc(assembly->calls, (assembly->call_count + 1) * sizeof *calls);
    if (calls == NULL)
        return NULL;
    assembly->calls = calls;
    struct assembly_call *call = &calls[assembly->call_count];
    *call = (struct assembly_call){.index = index};
    buffer_init(&call->arguments, ASSEMBLY_LIMIT);
    assembly->open_call = assembly->call_count++;
    return call;
}

static bool brings_arguments(const struct fragment *fragment)
{
    return cJSON_IsObject(fragment->arguments) ||
           (cJSON_IsString(fragment->arguments) && fragment->arguments->valuestring[0] != '\0');
}

/* A fragment that has no id of its own: does it open a call behind this one? */
static bool begins_next(const struct assembly_call *call, const struct fragment *fragment)
{
    if (fragment->name == NULL || call->name == NULL)
        return false;
    bool same_name = strcmp(call->name, fragment->name) == 0;
    if (call->whole)
        return !same_name || brings_arguments(fragment);
    return call->arguments.length == 0 && !same_name;
}

/* A name at a further place, where arguments are to follow, when this call has all of its own. */
static bool opens_at_index(const struct assembly_call *call, const struct fragment *fragment)
{
    return call->whole && fragment->name != NULL && call->index >= 0 &&
           fragment->index > call->index;
}

/* The newest call at an index. */
static struct assembly_call *at_index(struct assembly *assembly, int64_t index)
{
    for (size_t i = assembly->call_count; index >= 0 && i > 0; i--) {
        if (assembly->calls[i - 1].index == index)
            return &assembly->calls[i - 1];
    }
    return NULL;
}

static struct assembly_call *find_by_id(struct assembly *assembly, const struct fragment *fragment)
{
    for (size_t i = assembly->call_count; i > 0; i--) {
        struct assembly_call *call = &assembly->calls[i - 1];
        if (call->id == NULL || strcmp(call->id, fragment->id) != 0)
            continue;
        /* A server that gives every call the same id. */
        if (call->index != fragment->index &&
            (begins_next(call, fragment) || opens_at_index(call, fragment)))
            return NULL;
        return call;
    }
    /* An id that comes late, for a call begun without one. */
    struct assembly_call *call = at_index(assembly, fragment->index);
    if (call == NULL && fragment->index < 0 && assembly->call_count > 0)
        call = &assembly->calls[assembly->open_call];
    if (call != NULL && call->id == NULL && !begins_next(call, fragment))
        return call;
    return NULL;
}

static struct assembly_call *find_call(struct assembly *assembly, const struct fragment *fragment)
{
    struct assembly_call *call = NULL;
    if (fragment->id != NULL) {
        call = find_by_id(assembly, fragment);
    } else if (fragment->index >= 0) {
        call = at_index(assembly, fragment->index);
    } else if (assembly->call_count > 0) {
        call = &assembly->calls[assembly->open_call];
    }
    if (call != NULL && fragment->id == NULL &&
        (begins_next(call, fragment) || (fragment->bare && fragment->name != NULL)))
        call = NULL;
    return call != NULL ? call : new_call(assembly, fragment->index);
}

/* Filling it. */

static void track(struct assembly_call *call, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char byte = text[i];
        if (call->escaped) {
            call->escaped = false;
        } else if (call->in_string) {
            call->escaped = byte == '\\';
            call->in_string = byte != '"';
        } else if (byte == '"') {
            call->in_string = true;
        } else if (byte == '{' || byte == '[') {
            call->depth++;
        } else if (byte == '}' || byte == ']') {
            call->depth--;
            call->whole = call->depth == 0;
        }
    }
}

static int add_bytes(
    struct assembly *assembly, struct assembly_call *call, const char *text, size_t length)
{
    if (length > ASSEMBLY_LIMIT - assembly->call_bytes) {
        errno = EMSGSIZE;
        return -1;
    }
    if (buffer_append(&call->arguments, text, length) < 0)
        return -1;
    assembly->call_bytes += length;
    track(call, text, length);
    return 0;
}

static int add_arguments(
    struct assembly *assembly, struct assembly_call *call, const cJSON *arguments)
{
    if (cJSON_IsString(arguments))
        return add_bytes(assembly, call, arguments->valuestring, strlen(arguments->valuestring));
    if (!cJSON_IsObject(arguments) || call->whole)
        return 0;
    struct buffer text;
    buffer_init(&text, ASSEMBLY_LIMIT);
    int result = json_append(&text, arguments);
    if (result == 0)
        result = add_bytes(assembly, call, text.data, text.length);
    buffer_release(&text);
    return result;
}

static int replace_text(struct assembly *assembly, char **text, const char *with)
{
    size_t length = strlen(with);
    if (*text != NULL && strcmp(*text, with) == 0)
        return 0;
    if (length > ASSEMBLY_LIMIT - assembly->call_bytes) {
        errno = EMSGSIZE;
        return -1;
    }
    char *copy = strdup(with);
    if (copy == NULL)
        return -1;
    assembly->call_bytes += length;
    free(*text);
    *text = copy;
    return 0;
}

static int add_fragment(struct assembly *assembly, const struct fragment *fragment)
{
    struct assembly_call *call = find_call(assembly, fragment);
    if (call == NULL)
        return -1;
    assembly->open_call = (size_t)(call - assembly->calls);
    if (fragment->id != NULL && replace_text(assembly, &call->id, fragment->id) < 0)
        return -1;
    if (fragment->name != NULL && replace_text(assembly, &call->name, fragment->name) < 0)
        return -1;
    return add_arguments(assembly, call, fragment->arguments);
}

static const char *present(const char *text, size_t limit)
{
    return text != NULL && *text != '\0' && strlen(text) <= limit ? text : NULL;
}

int assembly_add_calls(struct assembly *assembly, const cJSON *calls)
{
    const cJSON *delta;
    bool first = true;
    if (!cJSON_IsArray(calls))
        return 0;
    cJSON_ArrayForEach(delta, calls)
    {
        const cJSON *function = json_object(delta, "function");
        struct fragment fragment = {
            .id = present(json_string(delta, "id"), ASSEMBLY_ID_LIMIT),
            .name = present(json_string(function, "name"), ASSEMBLY_LIMIT),
            .arguments = json_get(function, "arguments"),
            .index = -1,
        };
        if (!json_integer(delta, "index", &fragment.index) || fragment.index < 0)
            fragment.index = -1;
        fragment.bare = !first && fragment.id == NULL && fragment.index < 0;
        first = false;
        bool empty = fragment.id == NULL && fragment.name == NULL && !brings_arguments(&fragment);
        if (!empty && add_fragment(assembly, &fragment) < 0)
            return -1;
    }
    return 0;
}

/* The end. */

static void drop_call(struct assembly *assembly, size_t at)
{
    release_call(&assembly->calls[at]);
    memmove(&assembly->calls[at], &assembly->calls[at + 1],
        (assembly->call_count - at - 1) * sizeof assembly->calls[0]);
    assembly->call_count--;
}

static void trim(char *text)
{
    static const char space[] = " \t\r\n";
    size_t lead = strspn(text, space);
    size_t length = strlen(text + lead);
    memmove(text, text + lead, length + 1);
    while (length > 0 && strchr(space, text[length - 1]) != NULL)
        text[--length] = '\0';
}

static bool cut_off(const struct assembly *assembly, size_t at)
{
    const struct assembly_call *call = &assembly->calls[at];
    if (call->arguments.length == 0)
        return at + 1 == assembly->call_count;
    return json_check(call->arguments.data, call->arguments.length, NULL) < 0;
}

static int drop_unusable(struct assembly *assembly)
{
    bool length_reached = strcmp(assembly->finish_reason, "length") == 0;
    for (size_t i = assembly->call_count; i > 0; i--) {
        struct assembly_call *call = &assembly->calls[i - 1];
        char note[160];
        if (call->name != NULL)
            trim(call->name);
        if (length_reached && cut_off(assembly, i - 1))
            snprintf(note, sizeof note, "the token limit cut the call of %.60s off; it is dropped",
                call->name != NULL ? call->name : "a tool");
        else if (call->name == NULL || call->name[0] == '\0')
            snprintf(note, sizeof note, "a tool call without a name is dropped");
        else
            continue;
        if (assembly_note(assembly, note) < 0)
            return -1;
        drop_call(assembly, i - 1);
    }
    return 0;
}

static bool id_taken(const struct assembly *assembly, size_t before, const char *id)
{
    for (size_t i = 0; i < before; i++) {
        if (strcmp(assembly->calls[i].id, id) == 0)
            return true;
    }
    return false;
}

static int settle_ids(struct assembly *assembly)
{
    for (size_t i = 0; i < assembly->call_count; i++) {
        struct assembly_call *call = &assembly->calls[i];
        char minted[MINTED_ID_SIZE];
        if (call->id != NULL && !id_taken(assembly, i, call->id))
            continue;
        random_hex(minted, sizeof minted);
        char *copy = strdup(minted);
        if (copy == NULL)
            return -1;
        free(call->id);
        call->id = copy;
    }
    return 0;
}

int assembly_finish(struct assembly *assembly)
{
    if (drop_unusable(assembly) < 0 || settle_ids(assembly) < 0)
        return -1;
    for (size_t i = 0; i < assembly->call_count; i++) {
        struct buffer *arguments = &assembly->calls[i].arguments;
        if (strspn(arguments->data, " \t\r\n") == arguments->length) {
            buffer_clear(arguments);
            if (buffer_append_text(arguments, "{}") < 0)
                return -1;
        }
    }
    if (assembly->call_count > 0 && strcmp(assembly->finish_reason, "stop") == 0)
        assembly_set_finish_reason(assembly, "tool_calls");
    return 0;
}

static int write_call(const struct assembly_call *call, struct buffer *out)
{
    if (buffer_append_text(out, "{\"id\":") < 0 ||
        json_append_string(out, call->id, strlen(call->id)) < 0 ||
        buffer_append_text(out, ",\"type\":\"function\",\"function\":{\"name\":") < 0 ||
        json_append_string(out, call->name, strlen(call->name)) < 0 ||
        buffer_append_text(out, ",\"arguments\":") < 0 ||
        json_append_string(out, call->arguments.data, call->arguments.length) < 0)
        return -1;
    return buffer_append_text(out, "}}");
}

static int write_calls(const struct assembly *assembly, struct buffer *out)
{
    if (buffer_append_text(out, ",\"tool_calls\":[") < 0)
        return -1;
    for (size_t i = 0; i < assembly->call_count; i++) {
        if ((i > 0 && buffer_append_byte(out, ',') < 0) || write_call(&assembly->calls[i], out) < 0)
            return -1;
    }
    return buffer_append_byte(out, ']');
}

static int write_member(struct buffer *out, const char *key, const struct buffer *text)
{
    if (buffer_append_text(out, key) < 0)
        return -1;
    return json_append_string(out, text->data, text->length);
}

int assembly_write_message(const struct assembly *assembly, struct buffer *out)
{
    if (buffer_append_text(out, "{\"role\":\"assistant\"") < 0)
        return -1;
    if (assembly->content.length == 0) {
        if (buffer_append_text(out, ",\"content\":null") < 0)
            return -1;
    } else if (write_member(out, ",\"content\":", &assembly->content) < 0) {
        return -1;
    }
    if (assembly->reasoning.length > 0) {
        if (write_member(out, ",\"reasoning\":", &assembly->reasoning) < 0)
            return -1;
        if (assembly->reasoning_field != NULL &&
            buffer_printf(out, ",\"reasoning_field\":\"%s\"", assembly->reasoning_field) < 0)
            return -1;
    }
    if (assembly->call_count > 0 && write_calls(assembly, out) < 0)
        return -1;
    return buffer_append_byte(out, '}');
}
