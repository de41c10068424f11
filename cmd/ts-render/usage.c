#include "usage.h"

#include "base/buffer.h"
#include "base/utf8.h"
#include "paint.h"

#include <string.h>

static void print_number(struct buffer *line, int64_t number)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
            painted(buffer_append_byte(line, ','));
        painted(buffer_append_byte(line, digits[i]));
    }
}

void usage_line(struct buffer *line, const cJSON *status, bool unicode)
{
    int64_t used, window;
    double percent;
    const char *effort = json_string(status, "effort");
    buffer_clear(line);
    if (!json_integer(status, "total_tokens", &used))
        return;
    painted(buffer_append_byte(line, '['));
    print_number(line, used);
    if (json_integer(status, "context_window", &window) && window > 0) {
        if (!json_number(status, "pct", &percent))
            percent = 100.0 * (double)used / (double)window;
        painted(buffer_append_text(line, " / "));
        print_number(line, window);
        painted(buffer_printf(line, " tokens (%.0f%%)", percent));
    } else {
        painted(buffer_append_text(line, " tokens"));
    }
    painted(buffer_append_byte(line, ']'));
    if (effort != NULL && *effort != '\0' && strcmp(effort, "medium") != 0) {
        painted(buffer_append_text(line, unicode ? " · " : " "));
        painted(utf8_append_visible(line, effort, strlen(effort), false));
    }
}
