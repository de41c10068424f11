/*
 * One call of a decided batch: the tool's program under ts-jail, what it
 * prints, and the one tool_result that comes of it, whatever happens.
 */
#ifndef TS_TOOL_EXEC_CALL_H
#define TS_TOOL_EXEC_CALL_H

#include "agent/scope.h"
#include "agent/tooldef.h"
#include "audit.h"
#include "base/line_reader.h"
#include "capture.h"
#include "common/jailed_child.h"
#include "common/stage.h"
#include "data/config.h"
#include "nested.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

enum sandbox_mode { MODE_AUTO, MODE_ALWAYS, MODE_OFF };

/* What all calls are run with. */
struct setting {
    struct stage *stage;
    struct audit *audit;
    struct config *config;
    struct tool_set tools;
    const char *project;         /* absolute, resolved */
    const char *state_directory; /* of the conversation */
    enum sandbox_mode mode;
    double timeout;     /* seconds, for a call that says nothing */
    size_t truncation;  /* characters; 0: by the room there is */
    const char **roots; /* further writable directories, absolute; ends with NULL */
    struct scope scope; /* what is off limits */
    int64_t memory;     /* MiB; these three for ts-jail */
    int64_t processes;
    int64_t file_size;
};

enum { ERROR_FLOOR = 2048 }; /* characters that a failure may always say */

enum call_stage { CALL_WAITING, CALL_RUNNING, CALL_DONE };

/* Why a running call is ended before its time. */
enum call_end { END_NONE, END_CANCELLED, END_INTERRUPTED };

/* The tool's descriptors, besides its arguments on 0. */
enum stream {
    STREAM_OUTPUT = 1,
    STREAM_COMPLAINT = 2,
    STREAM_EVENTS = 3, /* TS_EVENT_FD */
    STREAM_ANSWERS = 4,
    STREAM_JAIL = 5, /* of ts-jail alone: its status lines */
    STREAM_COUNT
};

struct call {
    const struct setting *setting;
    const cJSON *item; /* of the batch's tree */
    const char *id;
    const char *name;
    const char *batch_id;               /* NULL: none was given */
    const struct tool_definition *tool; /* NULL: there is none */
    bool denied;
    size_t most;  /* characters of output that its limit can be */
    size_t limit; /* characters of output; set when it has ended */
    bool scarce;  /* that is what is left of the context, not what the user chose */
    size_t used;  /* characters of its result */

    enum call_stage stage;
    enum call_end end;
    bool logged; /* that it begins; so its end must be too */
    struct jailed_child child;
    int answers; /* our end of the tool's STREAM_ANSWERS; -1: none */
    struct line_writer answer_writer;
    bool jailed;
    int64_t started; /* clock_monotonic_ms */
    double timeout;
    struct loop_timer timer; /* ts-jail has the same deadline; this one is for ts-jail itself */
    bool overdue;

    struct capture output;
    struct capture complaint;
    struct line_reader events;
    struct nested nested;  /* calls that it makes itself */
    struct buffer display; /* what a person gets instead of the output */
    struct buffer jail;    /* status lines */
    struct buffer line;    /* of output, not yet a whole chunk */
    size_t shown;          /* bytes of chunks */
    size_t said;           /* bytes of progress */

    void (*share)(void *context, struct call *call); /* sets limit and scarce */
    void (*done)(void *context, struct call *call);  /* the result has been put out */
    void *context;
};

void call_init(struct call *call, const struct setting *setting, const cJSON *item);
void call_release(struct call *call);

/* Start it, or put its result out at once when it is not to run. */
void call_start(struct call *call);

/* End it: a running one is killed and its result follows, a waiting one has its result at once. */
void call_stop(struct call *call, enum call_end end);

/* Whether the two must not run at the same time. */
bool call_conflicts(const struct call *call, const struct call *other);

/* Hand a line to the tool on its fd 4. */
void call_answer(struct call *call, const char *line, size_t length);

#endif
