/*
 * Asking a tool's program what a call would do: `PROGRAM prepare`, jailed,
 * read-only, without network, for a second, because it comes before approval.
 */
#ifndef TS_TOOL_PREP_PREVIEW_H
#define TS_TOOL_PREP_PREVIEW_H

#include "agent/tooldef.h"
#include "io/loop.h"

#include <cjson/cJSON.h>

struct preview;

/* How previews are made; the same for all. */
struct preview_setting {
    struct loop *loop;
    const char *project;
    char *const *environment; /* of ts-jail; without secrets */
    bool sandbox_off;     /* the configuration says so: a jail that cannot be built is left out */
    int64_t milliseconds; /* time for one */
};

enum preview_outcome {
    PREVIEW_MADE,       /* answer: what the program printed, an object that the callee owns */
    PREVIEW_FAILED,     /* error says why; the call cannot be run */
    PREVIEW_JAILED_NOT, /* error: why there is no sandbox here; nothing is known of the call */
};

/* The preview is freed when this returns. */
typedef void preview_done(
    void *context, enum preview_outcome outcome, cJSON *answer, const struct error *error);

/* NULL with a sentence. done is called later, never from here, and not after preview_cancel. */
struct preview *preview_start(const struct preview_setting *setting,
    const struct tool_definition *tool, const char *call_id, const cJSON *arguments,
    const cJSON *paths, preview_done *done, void *context, struct error *error);

/* End the program and free the preview. */
void preview_cancel(struct preview *preview);

#endif
