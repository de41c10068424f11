#include "compose_parts.h"

#include "base/utf8.h"
#include "data/json.h"
#include "request.h"

#include <inttypes.h>
#include <string.h>

enum { BYTES_PER_TOKEN = 4 }; /* the usual rule of thumb */

bool has_quirk(const struct composer *composer, enum quirk quirk)
{
    return composer->answer->quirks[quirk];
}

int append_text(
    const struct composer *composer, struct buffer *buffer, const char *text, bool escape)
{
    if (!composer->answer->templates)
        return buffer_append_text(buffer, text);
    return template_expand(buffer, text, composer->values, escape);
}

int append_whole_text(const struct composer *composer, struct buffer *buffer, const cJSON *value)
{
    if (cJSON_IsString(value))
        return append_text(composer, buffer, value->valuestring, false);
    const cJSON *piece;
    cJSON_ArrayForEach(piece, value)
    {
        if (append_text(composer, buffer, piece->valuestring, false) < 0)
            return -1;
    }
    return 0;
}

size_t next_cut(const struct composer *composer, const char *text, size_t length)
{
    size_t at = 0;
    for (int64_t characters = 0; at < length && characters < composer->answer->chunk_size;
         characters++) {
        uint32_t character;
        int size = utf8_decode(text + at, length - at, &character);
        at += size > 0 ? (size_t)size : 1;
    }
    return at;
}

int append_json_text(struct buffer *buffer, const char *text)
{
    return text == NULL ? buffer_append_text(buffer, "null")
                        : json_append_string(buffer, text, strlen(text));
}

int append_finish_reason(const struct composer *composer, struct buffer *buffer, bool *absent)
{
    const struct answer *answer = composer->answer;
    *absent = cJSON_IsFalse(answer->finish_reason);
    if (*absent)
        return 0;
    if (answer->finish_reason != NULL)
        return append_json_text(buffer,
            cJSON_IsString(answer->finish_reason) ? answer->finish_reason->valuestring : NULL);
    bool calls = answer->tool_calls != NULL && answer->tool_calls->child != NULL;
    return append_json_text(buffer, calls ? "tool_calls" : "stop");
}

int append_usage(const struct composer *composer, struct buffer *buffer)
{
    if (cJSON_IsObject(composer->answer->usage))
        return json_append(buffer, composer->answer->usage);
    int64_t prompt = (int64_t)(composer->values->request->raw_length / BYTES_PER_TOKEN) + 1;
    int64_t completion = composer->pieces + composer->plan->tokens;
    return buffer_printf(buffer,
        "{\"prompt_tokens\":%" PRId64 ",\"completion_tokens\":%" PRId64 ",\"total_tokens\":%" PRId64
        "}",
        prompt, completion, prompt + completion);
}
