/*
 * edit_file: one or several replacements in a file that was read before; all
 * of them or none. prepare shows the diff that run will make.
 */
#include "agent/edit.h"
#include "agent/file_change.h"
#include "common/tool_main.h"

#include <string.h>

enum {
    EDITS_LIMIT = 100,        /* in one call */
    REMARKS_LIMIT = 64 << 10, /* bytes on what was not matched exactly */
};

/* What the edits did. */
struct outcome {
    struct edit_result first;
    size_t edits;
    size_t replaced;
    struct buffer remarks; /* owned */
};

static int read_pair(const cJSON *object, struct edit *edit, struct error *error)
{
    edit->old_text = json_string(object, "old_string");
    edit->new_text = json_string(object, "new_string");
    if (edit->old_text == NULL)
        return error_set(error, "argument 'old_string' is missing");
    if (edit->new_text == NULL)
        return error_set(
            error, "argument 'new_string' is missing: give an empty text to delete old_string");
    return 0;
}

static int apply(struct file_change *change, const struct edit *edit, struct outcome *outcome,
    struct tool_call *call, struct error *error)
{
    struct edit_result result;
    if (edit_apply(&change->after, edit, &result, &outcome->remarks, &call->details, error) < 0)
        return -1;
    if (outcome->edits++ == 0)
        outcome->first = result;
    outcome->replaced += result.replaced;
    return 0;
}

static int apply_each(struct file_change *change, struct edit *common, struct outcome *outcome,
    struct tool_call *call, struct error *error)
{
    const cJSON *edits = json_array(call->arguments, "edits");
    const cJSON *item = NULL;
    int count = cJSON_GetArraySize(edits);
    if (!cJSON_IsArray(edits))
        return error_set(error, "argument 'edits' must be a list");
    if (count < 1 || count > EDITS_LIMIT)
        return error_set(error, "argument 'edits' must hold 1 to %d edits", EDITS_LIMIT);
    if (tool_has(call, "old_string") || tool_has(call, "new_string"))
        return error_set(error, "give either edits, or old_string and new_string");
    int number = 0;
    cJSON_ArrayForEach(item, edits)
    {
        number++;
        if (read_pair(item, common, error) < 0 || apply(change, common, outcome, call, error) < 0)
            return error_prefix(error, "edit %d of %d (nothing was changed): ", number, count);
    }
    return 0;
}

static int make_edits(struct file_change *change, struct outcome *outcome, struct tool_call *call,
    struct error *error)
{
    struct edit edit = {.near = tool_has(call, "near_line")};
    if (tool_optional_integer(call, "near_line", INT64_MIN, INT64_MAX, &edit.near_line, error) <
            0 ||
        tool_optional_boolean(call, "replace_all", &edit.all, error) < 0)
        return -1;
    if (buffer_append(&change->after, change->before.data, change->before.length) < 0)
        return error_system(error, "edit '%s'", change->path);
    int result = 0;
    if (tool_has(call, "edits"))
        result = apply_each(change, &edit, outcome, call, error);
    else if ((result = read_pair(call->arguments, &edit, error)) == 0)
        result = apply(change, &edit, outcome, call, error);
    return result < 0 ? error_prefix(error, "edit '%s': ", change->path) : 0;
}

/* permitted is asked for at run only: a call before this one may still read the file. */
static int edit_in_memory(struct file_change *change, struct outcome *outcome,
    struct tool_call *call, bool guarded, struct error *error)
{
    buffer_init(&outcome->remarks, REMARKS_LIMIT);
    if (file_change_load(change, call, true, error) < 0 ||
        (guarded && file_change_permitted(change, false, error) < 0))
        return -1;
    return make_edits(change, outcome, call, error);
}

static int prepare(struct tool_call *call, struct tool_preview *preview, struct error *error)
{
    static struct file_change change;
    struct outcome outcome = {0};
    int result = edit_in_memory(&change, &outcome, call, false, error);
    if (result == 0 &&
        buffer_append(&preview->text, outcome.remarks.data, outcome.remarks.length) < 0)
        result = error_system(error, "show the change");
    if (result == 0)
        result = file_change_preview(&change, preview, error);
    if (result == 0 && outcome.remarks.length > 0)
        buffer_append_text(&preview->warning, "old_string was not matched exactly");
    buffer_release(&outcome.remarks);
    file_change_release(&change);
    return result;
}

static int report(
    const struct file_change *change, const struct outcome *outcome, struct buffer *output)
{
    if (buffer_printf(output,
            "edited %s at line %zu: %zu replacement%s, %zu lines removed, "
            "%zu added\n",
            change->path, outcome->first.line, outcome->replaced, outcome->replaced == 1 ? "" : "s",
            change->counts.removed, change->counts.added) < 0)
        return -1;
    return buffer_append(output, outcome->remarks.data, outcome->remarks.length);
}

static int run(struct tool_call *call, struct error *error)
{
    static struct file_change change;
    struct outcome outcome = {0};
    int result = edit_in_memory(&change, &outcome, call, true, error);
    if (result == 0)
        result = file_change_save(&change, call, error);
    if (result == 0 && report(&change, &outcome, &call->output) < 0)
        result = error_system(error, "report the change");
    buffer_release(&outcome.remarks);
    file_change_release(&change);
    return result;
}

static const struct tool tool = {
    .name = "edit_file",
    .purpose = "replaces texts in a file that was read",
    .prepare = prepare,
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&tool, argc, argv);
}
