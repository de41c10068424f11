#include "audit.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "call.h"
#include "command.h"
#include "data/json.h"
#include "io/paths.h"
#include "io/process.h"
#include "result.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ARGUMENTS_MOST = 16 << 10, /* bytes of the arguments as JSON; longer ones are cut */
    TEXT_MOST = 1 << 10,       /* bytes of an id, a name, a reason */
    ARGUMENTS_LIMIT = 128 << 20,
    LINE_MOST = 256 << 10,
};

/* Where. */

static int find_path(struct audit *audit, const struct config *config, struct error *error)
{
    char own[PATH_MAX], here[PATH_MAX];
    const char *database = config_text(config, "store.path");
    if (database == NULL)
        return paths_user(audit->path, sizeof audit->path, PATHS_DATA, "audit.ndjson", error);
    if (getcwd(here, sizeof here) == NULL)
        here[0] = '\0';
    if (paths_resolve(own, sizeof own, here, database, error) < 0)
        return -1;
    int directory = (int)(strrchr(own, '/') - own);
    if (snprintf(audit->path, sizeof audit->path, "%.*s/audit.ndjson", directory, own) >=
        (int)sizeof audit->path)
        return error_set(error, "path too long: '%s'", own);
    return 0;
}

/* A directory that somebody chose stays as it is. */
static int make_directory(const struct audit *audit, struct error *error)
{
    char directory[PATH_MAX], own[PATH_MAX];
    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(audit->path, '/') - audit->path),
        audit->path);
    bool ours =
        paths_user(own, sizeof own, PATHS_DATA, "", NULL) == 0 && strcmp(own, directory) == 0;
    if (!ours && access(directory, F_OK) == 0)
        return 0;
    return paths_make_private(directory, error);
}

int audit_init(struct audit *audit, const struct config *config, struct error *error)
{
    extern char **environ;
    const char *session = getenv("TS_SESSION_ID"), *parent = getenv("TS_PARENT_SESSION");
    *audit = (struct audit){.session = session != NULL ? session : "", .parent_session = parent};
    if (redact_init(&audit->redactor, environ) < 0 ||
        redact_add(&audit->redactor, config_text(config, "api.api_key")) < 0 ||
        redact_add(&audit->redactor, config_text(config, "api.tavily_key")) < 0)
        return error_system(error, "remember what must not be logged");
    return find_path(audit, config, error);
}

void audit_release(struct audit *audit)
{
    redact_release(&audit->redactor);
}

/* Lines. */

/* Opened for every line: the file may be moved away while we live. */
static int open_log(const struct audit *audit, struct error *error)
{
    struct stat status;
    if (make_directory(audit, error) < 0)
        return -1;
    int fd =
        open(audit->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return error_system(error, "open '%s'", audit->path);
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return error_set(error, "'%s' is no regular file", audit->path);
    }
    if ((status.st_mode & 0077) != 0)
        (void)fchmod(fd, 0600); /* somebody else's file: as they want it */
    return fd;
}

/* What a writer left that was killed, or had no room, must not spoil this line. */
static bool ends_in_part(int fd)
{
    char last;
    off_t size = lseek(fd, 0, SEEK_END);
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int append(const struct audit *audit, struct buffer *line, struct error *error)
{
    int fd = open_log(audit, error);
    if (fd < 0)
        return -1;
    const char *bytes = line->data;
    size_t length = line->length;
    if (!ends_in_part(fd)) {
        bytes++; /* every line is built with a newline before it */
        length--;
    }
    ssize_t wrote;
    do {
        wrote = write(fd, bytes, length);
    } while (wrote < 0 && errno == EINTR);
    if (wrote >= 0 && (size_t)wrote < length)
        errno = ENOSPC;
    int result = wrote == (ssize_t)length ? 0 : error_system(error, "write '%s'", audit->path);
    close_descriptor(&fd);
    return result;
}

static int put_text(
    const struct audit *audit, struct buffer *line, const char *key, const char *text, size_t most)
{
    struct buffer clean;
    if (text == NULL)
        return 0;
    buffer_init(&clean, ARGUMENTS_LIMIT);
    size_t length = strnlen(text, most * 4);
    int result = redact_append(&audit->redactor, text, length, &clean);
    if (result == 0 && clean.length > most) {
        size_t whole = utf8_valid_prefix(clean.data, most);
        buffer_truncate(&clean, most - whole < UTF8_MAXIMUM ? whole : most);
    }
    if (result == 0 && (buffer_printf(line, ",\"%s\":", key) < 0 ||
                           json_append_string(line, clean.data, clean.length) < 0))
        result = -1;
    buffer_release(&clean);
    return result;
}

/* An object; what is too long, its beginning as a text, and how long it was. */
static int put_arguments(const struct audit *audit, struct buffer *line, const cJSON *arguments)
{
    struct buffer text;
    cJSON *clean = arguments != NULL ? cJSON_Duplicate(arguments, true) : cJSON_CreateObject();
    if (clean == NULL)
        return -1;
    buffer_init(&text, ARGUMENTS_LIMIT);
    int result = redact_tree(&audit->redactor, clean) < 0 || json_append(&text, clean) < 0 ? -1 : 0;
    json_free(clean);
    if (result == 0 && text.length <= ARGUMENTS_MOST) {
        result = buffer_printf(line, ",\"arguments\":%s", text.data);
    } else if (result == 0) {
        size_t whole = utf8_valid_prefix(text.data, ARGUMENTS_MOST);
        if (buffer_append_text(line, ",\"arguments\":") < 0 ||
            json_append_string(line, text.data, whole) < 0 ||
            buffer_printf(line, ",\"arguments_bytes\":%zu", text.length) < 0)
            result = -1;
    }
    buffer_release(&text);
    return result;
}

static int begin(
    const struct audit *audit, const struct call *call, const char *event, struct buffer *line)
{
    char now[CLOCK_UTC_SIZE];
    clock_utc_now(now, sizeof now);
    buffer_init(line, LINE_MOST);
    if (buffer_printf(line, "\n{\"type\":\"audit\",\"event\":\"%s\",\"time\":\"%s\"", event, now) <
            0 ||
        put_text(audit, line, "session_id", audit->session, TEXT_MOST) < 0 ||
        put_text(audit, line, "parent_session", audit->parent_session, TEXT_MOST) < 0 ||
        put_text(audit, line, "call_id", call->id, TEXT_MOST) < 0 ||
        put_text(audit, line, "batch_id", call->batch_id, TEXT_MOST) < 0)
        return -1;
    return put_text(audit, line, "name", call->name, TEXT_MOST);
}

/* Ends the line, writes it, and frees it. built is -1 when it could not be made. */
static int finish(const struct audit *audit, struct buffer *line, int built, struct error *error)
{
    int result;
    if (built < 0 || buffer_append_text(line, "}\n") < 0)
        result = error_system(error, "make a line for '%s'", audit->path);
    else
        result = append(audit, line, error);
    buffer_release(line);
    return result;
}

static const char *sandbox_of(const struct call *call)
{
    if (call->tool == NULL)
        return "off";
    if (call->tool->sandbox == TOOL_SANDBOX_SELF)
        return "self";
    return command_jailed(call) ? "workspace" : "off";
}

static int put_decision(const struct audit *audit, struct buffer *line, const struct call *call)
{
    static const char *const members[] = {"decision", "decided_by", "rule", "reason", "feedback"};
    if (put_arguments(audit, line, json_object(call->item, "arguments")) < 0)
        return -1;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (put_text(audit, line, members[i], json_string(call->item, members[i]), TEXT_MOST) < 0)
            return -1;
    }
    return put_text(audit, line, "directory", call->setting->project, PATH_MAX);
}

int audit_before(struct audit *audit, const struct call *call, struct error *error)
{
    struct buffer line;
    int built = begin(audit, call, "before", &line);
    if (built == 0)
        built = put_decision(audit, &line, call);
    if (built == 0)
        built =
            buffer_printf(&line, ",\"sandbox\":\"%s\",\"pid\":%d", sandbox_of(call), (int)getpid());
    return finish(audit, &line, built, error);
}

int audit_denied(struct audit *audit, const struct call *call, struct error *error)
{
    struct buffer line;
    int built = begin(audit, call, "denied", &line);
    if (built == 0)
        built = put_decision(audit, &line, call);
    return finish(audit, &line, built, error);
}

int audit_after(struct audit *audit, const struct call *call, const struct outcome *outcome,
    struct error *error)
{
    struct buffer line;
    int built = begin(audit, call, "after", &line);
    if (built == 0)
        built = buffer_printf(&line, ",\"status\":\"%s\"", outcome->status);
    if (built == 0 && outcome->exit_code >= 0)
        built = buffer_printf(&line, ",\"exit_code\":%d", outcome->exit_code);
    if (built == 0)
        built = buffer_printf(&line, ",\"duration_ms\":%" PRId64 ",\"output_bytes\":%" PRIu64,
            call->started > 0 ? clock_monotonic_ms() - call->started : 0,
            call->output.total + call->complaint.total);
    if (built == 0 && call->output.spill_path[0] != '\0')
        built = put_text(audit, &line, "spill_path", call->output.spill_path, PATH_MAX);
    return finish(audit, &line, built, error);
}
