/*
 * One tool call, from what the model wrote to an item that can be shown,
 * decided and run: name, arguments, schema, paths, header, preview.
 */
#ifndef TS_TOOL_PREP_ITEM_H
#define TS_TOOL_PREP_ITEM_H

#include "agent/repair.h"
#include "agent/tooldef.h"
#include "base/buffer.h"
#include "agent/scope.h"

#include <cjson/cJSON.h>

/* What all items are made with. */
struct item_setting {
    const struct tool_set *tools;
    const struct scope *scope;
    double timeout; /* seconds, where neither the call nor the tool says */
};

struct item {
    char *call_id;
    char *name;
    const struct tool_definition *tool; /* NULL: there is none */
    cJSON *arguments;                   /* repaired, checked, paths resolved */
    cJSON *paths;                       /* a list of the resolved paths */
    struct repair repair;
    bool outside;
    bool secret;
    bool has_error;
    struct buffer error;  /* what the model is told when the call cannot run */
    struct buffer shown;  /* the paths as a person reads them, one for each argument */
    struct buffer header; /* what stands behind "NAME: " */
    struct buffer preview;
    char *approval_label; /* NULL: the name */
    bool preview_cut;     /* the tool's answer says that it does not show all */
};

/* call is one element of a batch. Ends the program when memory is short, as all here do. */
void item_init(struct item *item, const struct item_setting *setting, const cJSON *call);
void item_release(struct item *item);

/* The call cannot run, and why: shown to the person as well as to the model. */
void item_fail(struct item *item, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Where no program can say what the call is: its arguments as they are, and why. */
void item_show_arguments(struct item *item, const char *reason);

/* Take over what the tool's program answered to `prepare`. */
void item_take_answer(struct item *item, const cJSON *answer);

/* The item as it goes to ts-approve, its preview cut at preview_limit bytes. */
cJSON *item_line(const struct item *item, const struct item_setting *setting, size_t preview_limit);

#endif
