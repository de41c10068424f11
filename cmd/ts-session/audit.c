/*
 * audit: the last lines of the log that ts-tool-exec keeps beside the database.
 *
 * The log may be large, and is written to while it is read: it is read once,
 * from its beginning, and only as many lines are kept as are shown. A line that
 * is no JSON, as a full disk may leave one, is shown as what it is.
 */
#include "base/buffer.h"
#include "base/line_reader.h"
#include "io/process.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The lines that are shown, a ring. */
struct tail {
    char **lines;
    size_t size;
    size_t count; /* all that were kept, also those that others took the place of */
};

static void keep(struct tail *tail, const char *line, size_t length)
{
    char **place = &tail->lines[tail->count++ % tail->size];
    free(*place);
    *place = strndup(line, length);
    if (*place == NULL)
        die(EXIT_SYSTEM, "out of memory");
}

/* Whether a line is of the session, or of an agent of it. */
static bool belongs(const char *line, size_t length, const char *session_id)
{
    if (session_id == NULL)
        return true;
    if (memmem(line, length, session_id, strlen(session_id)) == NULL)
        return false;
    cJSON *tree = json_parse_object(line, length, NULL);
    const char *own = json_string(tree, "session_id");
    const char *parent = json_string(tree, "parent_session");
    bool is = (own != NULL && strcmp(own, session_id) == 0) ||
              (parent != NULL && strcmp(parent, session_id) == 0);
    json_free(tree);
    return is;
}

static void read_log(int fd, const char *path, const char *session_id, struct tail *tail)
{
    struct line_reader reader;
    line_reader_init(&reader, fd, LINE_LIMIT);
    while (!reader.ended) {
        char *line = NULL;
        size_t length = 0;
        if (line_reader_fill(&reader) < 0 && errno != EINTR)
            die(EXIT_SYSTEM, "read '%s': %s", path, strerror(errno));
        for (;;) {
            enum line_status status = line_reader_next(&reader, &line, &length);
            if (status == LINE_NONE)
                break;
            if (status == LINE_TOO_LONG)
                warn("'%s': line %lu is too long", path, reader.number);
            else if (length > 0 && belongs(line, length, session_id))
                keep(tail, line, length);
        }
    }
    line_reader_release(&reader);
}

static const char *or_dash(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : "-";
}

/* How it went, in a few words. */
static void outcome(const cJSON *tree, const char *event, char *text, size_t size)
{
    int64_t duration = 0, code = 0;
    if (strcmp(event, "after") != 0) {
        const char *rule = json_string(tree, "rule");
        snprintf(text, size, "%s by %s%s%s", or_dash(json_string(tree, "decision")),
            or_dash(json_string(tree, "decided_by")), rule != NULL ? ": " : "",
            rule != NULL ? rule : "");
        return;
    }
    json_integer(tree, "duration_ms", &duration);
    int length = snprintf(
        text, size, "%s in %" PRId64 " ms", or_dash(json_string(tree, "status")), duration);
    if (json_integer(tree, "exit_code", &code) && length > 0 && (size_t)length < size)
        snprintf(text + length, size - (size_t)length, ", exit %" PRId64, code);
}

static void add_row(struct columns *columns, const char *line)
{
    cJSON *tree = json_parse_object(line, strlen(line), NULL);
    if (tree == NULL) {
        const char *const cells[] = {"?", NULL, NULL, NULL, NULL, line};
        columns_add(columns, cells);
        return;
    }
    char how[256];
    const char *event = or_dash(json_string(tree, "event"));
    outcome(tree, event, how, sizeof how);
    cJSON *arguments = json_get(tree, "arguments");
    char *what = arguments != NULL ? cJSON_PrintUnformatted(arguments) : NULL;
    const char *const cells[] = {json_string(tree, "time"), json_string(tree, "session_id"), event,
        json_string(tree, "name"), how, what};
    columns_add(columns, cells);
    free(what);
    json_free(tree);
}

static void print_tail(const struct request *request, const struct tail *tail)
{
    static const char *const heading[] = {
        "TIME", "SESSION", "EVENT", "TOOL", "OUTCOME", "ARGUMENTS"};
    struct columns columns;
    size_t first = tail->count > tail->size ? tail->count - tail->size : 0;
    columns_init(&columns, 6, heading);
    for (size_t i = first; i < tail->count; i++) {
        if (request->json)
            puts(tail->lines[i % tail->size]);
        else
            add_row(&columns, tail->lines[i % tail->size]);
    }
    if (!request->json)
        columns_print_or_say(&columns, "no tool was run yet");
    columns_release(&columns);
}

static void log_path(const struct request *request, char *path, size_t size)
{
    snprintf(path, size, "%s", store_path(request->store));
    char *slash = strrchr(path, '/');
    size_t directory = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    snprintf(path + directory, size - directory, "audit.ndjson");
}

int show_audit(const struct request *request)
{
    char path[PATH_MAX + sizeof "audit.ndjson"];
    struct store_session session = {0};
    struct tail tail = {.size = (size_t)(request->limit > 0 ? request->limit : AUDIT_DEFAULT)};
    if (request->operands[0] != NULL)
        require_session(request, request->operands[0], &session);
    log_path(request, path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno != ENOENT)
        die(EXIT_SYSTEM, "open '%s': %s", path, strerror(errno));
    tail.lines = calloc(tail.size, sizeof *tail.lines);
    if (tail.lines == NULL)
        die(EXIT_SYSTEM, "out of memory");
    if (fd >= 0)
        read_log(fd, path, session.session_id, &tail);
    close_descriptor(&fd);
    print_tail(request, &tail);
    for (size_t i = 0; i < tail.size; i++)
        free(tail.lines[i]);
    free(tail.lines);
    store_session_release(&session);
    return EXIT_DONE;
}
