/* One request to a session process. The end of the connection, however it comes about, cancels. */
#include "mcp.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/line_reader.h"
#include "data/json.h"
#include "io/line_writer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int ask_connect(const char *path, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(error, "connect to '%s': the path is too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        error_system(error, "connect to '%s'", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static int send_line(int fd, const cJSON *line, int64_t deadline, struct error *error)
{
    struct buffer text;
    struct line_writer writer;
    buffer_init(&text, ANSWER_LIMIT);
    line_writer_init(&writer, fd);
    int result = json_append(&text, line) < 0 ||
                         line_writer_put(&writer, text.data, text.length) < 0 ||
                         line_writer_drain(&writer, deadline) < 0
                     ? error_system(error, "ask the MCP session")
                     : 0;
    line_writer_release(&writer);
    buffer_release(&text);
    return result;
}

/* Whether there is something to read before the deadline. */
static bool readable(int fd, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - clock_monotonic_ms();
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int count = left > 0 ? poll(&ready, 1, left < 1000000 ? (int)left : 1000000) : 0;
        if (count > 0)
            return true;
        if (left <= 0 || (count < 0 && errno != EINTR))
            return false;
    }
}

/* The answer, or NULL when the line was something else. */
static cJSON *take_line(
    char *line, size_t length, void (*progress)(void *context, const char *message), void *context)
{
    cJSON *tree = json_parse_object(line, length, NULL);
    const char *type = json_string(tree, "type");
    const char *message = json_string(tree, "message");
    if (type != NULL && strcmp(type, "progress") != 0)
        return tree;
    if (type != NULL && message != NULL && progress != NULL)
        progress(context, message);
    json_free(tree);
    return NULL;
}

cJSON *ask(int fd, const cJSON *line, double seconds,
    void (*progress)(void *context, const char *message), void *context, struct error *error)
{
    int64_t deadline = clock_monotonic_ms() + (int64_t)(seconds * 1000);
    struct line_reader reader;
    cJSON *answer = NULL;
    if (send_line(fd, line, deadline, error) < 0)
        return NULL;
    line_reader_init(&reader, fd, ANSWER_LIMIT);
    error_set(error, "the MCP session did not answer within %g s", seconds);
    while (answer == NULL && readable(fd, deadline)) {
        char *text;
        size_t length;
        enum line_status status;
        if (line_reader_fill(&reader) < 0 && errno != EINTR && errno != EAGAIN) {
            error_system(error, "read the answer of the MCP session");
            break;
        }
        while (
            answer == NULL && (status = line_reader_next(&reader, &text, &length)) != LINE_NONE) {
            if (status == LINE_READY)
                answer = take_line(text, length, progress, context);
        }
        if (answer == NULL && reader.ended) {
            error_set(error, "the MCP session ended before it answered");
            break;
        }
    }
    line_reader_release(&reader);
    return answer;
}
