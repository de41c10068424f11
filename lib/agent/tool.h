/*
 * One call of a tool program, seen from inside: its arguments, its output, the
 * lines it may send to whoever runs it (tooldef(5)).
 *
 * A tool is a program that is started as `NAME prepare` or `NAME run` with its
 * arguments, one JSON object, on stdin. Its main is one table and one line:
 *
 *     static int run(struct tool_call *call, struct error *error)
 *     {
 *         const char *path = NULL;
 *         if (tool_text(call, "path", &path, error) < 0)
 *             return -1;
 *         return buffer_printf(&call->output, "%s\n", path) < 0 ? error_system(...) : 0;
 *     }
 *     static const struct tool tool = {.name = "pwd", .purpose = "...", .run = run};
 *     int main(int argc, char **argv) { return tool_main(&tool, argc, argv); }
 *
 * tool_main is in cmd/common/tool_main.h, since only cmd/ prints and exits.
 * What a call needs is judged before: paths arrive absolute and resolved. By
 * hand (no TS_CALL_ID) a relative path works too; tool_path sees to both.
 */
#ifndef AGENT_TOOL_H
#define AGENT_TOOL_H

#include "base/buffer.h"
#include "base/error.h"
#include "data/json.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    TOOL_ARGUMENTS_LIMIT =
        16 << 20,                   /* bytes of JSON: a line may be 8 MiB, escapes undone grow it */
    TOOL_OUTPUT_LIMIT = 16 << 20,   /* bytes a tool collects; ts-tool-exec cuts far earlier */
    TOOL_DETAILS_LIMIT = 64 << 10,  /* bytes behind an error's sentence */
    TOOL_PREVIEW_LIMIT = 256 << 10, /* bytes of a preview: a person reads it */
};

struct tool_call {
    const char *name;            /* the tool's */
    cJSON *arguments;            /* owned; an object */
    const char *state_directory; /* TS_STATE_DIR; NULL: run by hand, nothing is remembered */
    const char *call_id;         /* TS_CALL_ID; NULL: run by hand */
    int event_fd;                /* TS_EVENT_FD; -1: nobody listens */
    int64_t deadline;            /* clock_monotonic_ms by which the runner ends us; 0: none */
    struct buffer output;        /* owned; written to stdout when run returns */
    struct buffer details;       /* owned; lines that follow the error's sentence */
};

/* What `prepare` answers; everything may stay empty. */
struct tool_preview {
    struct buffer header;       /* replaces the header of the definition */
    struct buffer text;         /* what a person sees before deciding */
    struct buffer warning;      /* one line of caution */
    bool truncated;             /* text is not all that will be done */
    const char *approval_label; /* not owned; NULL: the tool's name */
};

struct tool {
    const char *name;
    const char *purpose; /* one line for --help */
    /* Look, change nothing, fill the preview. 0, or -1: this call cannot work. NULL: no preview. */
    int (*prepare)(struct tool_call *call, struct tool_preview *preview, struct error *error);
    /* Do it. 0 or a program's exit code; -1: failed, with a sentence for the model. */
    int (*run)(struct tool_call *call, struct error *error);
};

/* Read the arguments from fd to its end, and the environment. 0, or -1 with a sentence. */
int tool_call_init(struct tool_call *call, const char *name, int fd, struct error *error);
void tool_call_release(struct tool_call *call);

void tool_preview_init(struct tool_preview *preview);
void tool_preview_release(struct tool_preview *preview);

/* Append the JSON object that `prepare` prints; failure: the error's sentence, or NULL. 0 or -1. */
int tool_preview_print(struct buffer *buffer, const struct tool_call *call,
    const struct tool_preview *preview, const char *failure);

/*
 * Typed look-up of arguments. Each returns 0, or -1 with a sentence that names
 * the argument and what it must be. null counts as absent. Texts belong to the
 * call.
 */
bool tool_has(const struct tool_call *call, const char *key);
/* Required; may be empty. */
int tool_text(
    const struct tool_call *call, const char *key, const char **text, struct error *error);
/* Absent: *text stays as it is. */
int tool_optional_text(
    const struct tool_call *call, const char *key, const char **text, struct error *error);
/* Absent: *number stays as it is. */
int tool_optional_integer(const struct tool_call *call, const char *key, int64_t least,
    int64_t most, int64_t *number, struct error *error);
int tool_optional_boolean(
    const struct tool_call *call, const char *key, bool *truth, struct error *error);

/*
 * A path argument, absolute, ready for open_resolved: as it came in a call
 * that was judged, resolved from the working directory when run by hand.
 * Absent: fallback, which NULL makes an error. path has PATH_MAX bytes.
 */
int tool_path(const struct tool_call *call, const char *key, const char *fallback, char *path,
    struct error *error);

/*
 * A line to the runner: what a person gets instead of the output. Nothing happens when nobody
 * listens; a listener that has gone is no error.
 */
void tool_display(struct tool_call *call, const char *text, size_t length);

/* The same: what goes on, for a person who waits. */
void tool_progress(struct tool_call *call, const char *text, size_t length);

/* The same: what a call of the model cost, for the accounts. */
void tool_usage(struct tool_call *call, const cJSON *usage);

#endif
