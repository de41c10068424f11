#include "script.h"

#include <string.h>

static const char *const names[QUIRK_COUNT] = {
    [QUIRK_NO_INDEX] = "no_index",
    [QUIRK_INDEX_ZERO] = "index_zero",
    [QUIRK_NO_ID] = "no_id",
    [QUIRK_EMPTY_ID] = "empty_id",
    [QUIRK_ID_EVERY_FRAGMENT] = "id_every_fragment",
    [QUIRK_NAME_EVERY_FRAGMENT] = "name_every_fragment",
    [QUIRK_NULL_ID_NAME] = "null_id_name",
    [QUIRK_EMPTY_NAME] = "empty_name",
    [QUIRK_NAME_LAST] = "name_last",
    [QUIRK_ARGUMENTS_OBJECT] = "arguments_object",
    [QUIRK_WHOLE_CALLS] = "whole_calls",
    [QUIRK_ONE_DELTA] = "one_delta",
    [QUIRK_INTERLEAVED] = "interleaved",
    [QUIRK_NULL_CHUNK] = "null_chunk",
    [QUIRK_NULL_CHOICES] = "null_choices",
    [QUIRK_NO_CHOICES] = "no_choices",
    [QUIRK_EMPTY_CHOICES] = "empty_choices",
    [QUIRK_NULL_DELTA] = "null_delta",
    [QUIRK_EMPTY_CONTENT] = "empty_content",
    [QUIRK_ROLE_EVERY_CHUNK] = "role_every_chunk",
    [QUIRK_FINISH_WITH_LAST] = "finish_with_last",
    [QUIRK_MERGED] = "merged",
    [QUIRK_USAGE_UNASKED] = "usage_unasked",
    [QUIRK_USAGE_WITH_FINISH] = "usage_with_finish",
    [QUIRK_USAGE_NULL_CHOICES] = "usage_null_choices",
    [QUIRK_USAGE_EVERY_CHUNK] = "usage_every_chunk",
    [QUIRK_CRLF] = "crlf",
    [QUIRK_CR] = "cr",
    [QUIRK_COMMENTS] = "comments",
    [QUIRK_NO_SPACE] = "no_space",
    [QUIRK_EVENT_LINES] = "event_lines",
    [QUIRK_SPLIT_DATA] = "split_data",
    [QUIRK_BYTE_ORDER_MARK] = "byte_order_mark",
    [QUIRK_NO_DONE] = "no_done",
    [QUIRK_NO_FINAL_NEWLINE] = "no_final_newline",
    [QUIRK_WHOLE_ANSWER] = "whole_answer",
    [QUIRK_STREAM_ANYWAY] = "stream_anyway",
    [QUIRK_RESET] = "reset",
};

int script_quirks(bool quirks[QUIRK_COUNT], const cJSON *list, struct error *error)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item))
            return error_set(error, "'quirks' must be an array of names");
        size_t found = 0;
        while (found < QUIRK_COUNT && strcmp(names[found], item->valuestring) != 0)
            found++;
        if (found == QUIRK_COUNT)
            return error_set(error, "unknown quirk '%s'", item->valuestring);
        quirks[found] = true;
    }
    return 0;
}
