/*
 * write_file: create a file, or replace all of one that was read before. What
 * a model cannot have seen in the lines of read_file is kept: CRLF where every
 * line had it, and a byte order mark.
 */
#include "agent/file_change.h"
#include "agent/line_endings.h"
#include "common/tool_main.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

static bool begins_with_mark(const char *text, size_t length)
{
    return length >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0;
}

static bool keeps_crlf(const struct file_change *change, const char *content, size_t length)
{
    struct line_endings old = line_endings_count(change->before.data, change->before.length);
    struct line_endings new = line_endings_count(content, length);
    return old.crlf > 0 && old.lf == 0 && new.crlf == 0 && new.lf > 0;
}

static int load(struct file_change *change, const struct tool_call *call, struct error *error)
{
    const char *content = NULL;
    if (file_change_load(change, call, false, error) < 0 ||
        tool_text(call, "content", &content, error) < 0)
        return -1;
    size_t length = strlen(content);
    bool mark = begins_with_mark(change->before.data, change->before.length) &&
                !begins_with_mark(content, length);
    if ((mark && buffer_append_text(&change->after, BYTE_ORDER_MARK) < 0) ||
        (keeps_crlf(change, content, length)
                ? line_endings_append(&change->after, content, length, true)
                : buffer_append(&change->after, content, length)) < 0)
        return error_system(error, "hold the new content of '%s'", change->path);
    return 0;
}

static int describe(struct file_change *change, struct tool_preview *preview, struct error *error)
{
    if (!change->exists)
        buffer_printf(&preview->text, "new file, %zu bytes\n", change->after.length);
    else if (change->known != READ_GUARD_WHOLE)
        preview->approval_label = "overwrite_file";
    if (change->exists && change->known == READ_GUARD_UNREAD)
        buffer_printf(&preview->warning, "'%s' exists and has not been read", change->path);
    if (change->exists && change->known == READ_GUARD_CHANGED)
        buffer_printf(&preview->warning, "'%s' has been changed since it was read", change->path);
    return file_change_preview(change, preview, error);
}

static int prepare(struct tool_call *call, struct tool_preview *preview, struct error *error)
{
    static struct file_change change;
    int result = load(&change, call, error);
    if (result == 0)
        result = describe(&change, preview, error);
    file_change_release(&change);
    return result;
}

static int write_it(struct file_change *change, struct tool_call *call, struct error *error)
{
    if (file_change_permitted(change, true, error) < 0 || file_change_save(change, call, error) < 0)
        return -1;
    const char *path = change->path;
    if (!change->exists)
        return buffer_printf(&call->output, "created %s: %zu lines, %zu bytes\n", path,
            change->counts.added, change->after.length);
    if (change->counts.added == 0 && change->counts.removed == 0)
        return buffer_printf(&call->output, "wrote %s: nothing has changed\n", path);
    return buffer_printf(&call->output, "overwrote %s: %zu lines removed, %zu added\n", path,
        change->counts.removed, change->counts.added);
}

static int run(struct tool_call *call, struct error *error)
{
    static struct file_change change;
    int result = load(&change, call, error);
    if (result == 0)
        result = write_it(&change, call, error);
    file_change_release(&change);
    return result;
}

static const struct tool tool = {
    .name = "write_file",
    .purpose = "creates a file, or replaces one that was read",
    .prepare = prepare,
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&tool, argc, argv);
}
