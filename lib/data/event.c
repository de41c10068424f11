#include "data/event.h"

#include "base/buffer.h"

#include <string.h>

cJSON *event_make(const char *type, const char *correlation_id)
{
    cJSON *event = cJSON_CreateObject();
    if (event == NULL || json_add_string(event, "type", type) < 0)
        goto failed;
    if (correlation_id != NULL && correlation_id[0] != '\0' &&
        json_add_string(event, "correlation_id", correlation_id) < 0)
        goto failed;
    return event;
failed:
    json_free(event);
    return NULL;
}

static bool has_key(const char *line, size_t length, const char *key)
{
    size_t size = strlen(key);
    const char *at = line;
    const char *end = line + length;
    while ((at = memmem(at, (size_t)(end - at), key, size)) != NULL) {
        if (at > line && at[-1] == '"' && at + size < end && at[size] == '"')
            return true;
        at += size;
    }
    return false;
}

int event_append_spliced(
    struct buffer *buffer, const char *line, size_t length, const char *key, const char *value)
{
    size_t end = length;
    while (end > 0 && line[end - 1] != '}')
        end--;
    if (end < 2 || value[0] == '\0' || has_key(line, length, key))
        return buffer_append(buffer, line, length);
    size_t before = buffer->length;
    const char *comma = line[end - 2] == '{' ? "" : ",";
    if (buffer_append(buffer, line, end - 1) < 0 ||
        buffer_printf(buffer, "%s\"%s\":\"%s\"}", comma, key, value) < 0) {
        buffer_truncate(buffer, before);
        return -1;
    }
    return 0;
}
