/*
 * The vocabulary of the lines, ts-events(5): making them, and passing them on
 * without parsing and printing them again.
 */
#ifndef DATA_EVENT_H
#define DATA_EVENT_H

#include "data/json.h"

struct buffer;

/* {"type": type}, with "correlation_id" when it is not empty. The caller frees it. NULL: no memory.
 */
cJSON *event_make(const char *type, const char *correlation_id);

/*
 * Append the line with `"key":"value"` put before its final brace. A line that
 * has the key already is appended as it is. value is plain text that needs no
 * escapes (an identifier). 0, or -1 (errno).
 */
int event_append_spliced(
    struct buffer *buffer, const char *line, size_t length, const char *key, const char *value);

#endif
