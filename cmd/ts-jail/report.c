#include "report.h"

#include "base/buffer.h"
#include "data/json.h"

#include <string.h>
#include <unistd.h>

enum { REPORT_LIMIT = 64 << 10 };

/* One write: a line is far shorter than what a pipe takes at once. */
static int write_line(int fd, struct buffer *line)
{
    int result = buffer_append_byte(line, '\n');
    if (result == 0 && write(fd, line->data, line->length) < 0)
        result = -1;
    buffer_release(line);
    return result;
}

int report_started(int fd)
{
    struct buffer line;
    if (fd < 0)
        return 0;
    buffer_init(&line, REPORT_LIMIT);
    buffer_append_text(&line, "{\"type\":\"jail\",\"status\":\"started\"}");
    return write_line(fd, &line);
}

void report_exited(int fd, const struct ending *ending)
{
    struct buffer line;
    if (fd < 0)
        return;
    buffer_init(&line, REPORT_LIMIT);
    buffer_printf(
        &line, "{\"type\":\"jail\",\"status\":\"exited\",\"exit_code\":%d", ending->exit_code);
    if (ending->signal > 0)
        buffer_printf(&line, ",\"signal\":%d", ending->signal);
    buffer_printf(&line, ",\"timed_out\":%s,\"killed\":%d}", ending->timed_out ? "true" : "false",
        ending->killed);
    write_line(fd, &line);
}

void report_failed(int fd, const char *message)
{
    struct buffer line;
    if (fd < 0)
        return;
    buffer_init(&line, REPORT_LIMIT);
    buffer_append_text(&line, "{\"type\":\"jail\",\"status\":\"failed\",\"message\":");
    json_append_string(&line, message, strlen(message));
    buffer_append_byte(&line, '}');
    write_line(fd, &line);
}
