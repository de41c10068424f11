#include "agent/file_change.h"

#include "io/atomic_file.h"
#include "io/regular_file.h"

#include <errno.h>
#include <string.h>

enum {
    PREVIEW_LINES = 2000, /* a person will not read more before deciding */
    DISPLAY_LINES = 400,  /* of what has been done */
    BINARY_PROBE = 64 << 10,
};

int file_change_load(
    struct file_change *change, const struct tool_call *call, bool must_exist, struct error *error)
{
    char hash[READ_GUARD_HASH_SIZE];
    memset(change, 0, sizeof *change);
    buffer_init(&change->before, FILE_CHANGE_LIMIT);
    buffer_init(&change->after, FILE_CHANGE_LIMIT);
    if (tool_path(call, "path", NULL, change->path, error) < 0)
        return -1;
    change->exists = regular_file_read(change->path, &change->before, &change->status, error) == 0;
    if (!change->exists && (must_exist || errno != ENOENT))
        return -1;
    read_guard_hash(change->before.data, change->before.length, hash);
    change->known = read_guard_ask(call->state_directory, change->path, hash);
    return 0;
}

void file_change_release(struct file_change *change)
{
    buffer_release(&change->before);
    buffer_release(&change->after);
}

int file_change_permitted(const struct file_change *change, bool whole, struct error *error)
{
    if (!change->exists)
        return 0;
    switch (change->known) {
    case READ_GUARD_UNREAD:
        return error_set(error, "'%s' has not been read yet: read it first", change->path);
    case READ_GUARD_CHANGED:
        return error_set(
            error, "'%s' has been changed since it was read: read it again", change->path);
    case READ_GUARD_PART:
        return whole ? error_set(error,
                           "'%s' has only been read in part: read all of it before replacing it, "
                           "or use edit_file",
                           change->path)
                     : 0;
    case READ_GUARD_FREE:
    case READ_GUARD_WHOLE:
        break;
    }
    return 0;
}

static bool binary(const struct buffer *text)
{
    size_t probe = text->length < BINARY_PROBE ? text->length : BINARY_PROBE;
    return memchr(text->data, '\0', probe) != NULL;
}

static int print_diff(struct file_change *change, struct buffer *output, size_t line_limit)
{
    struct diff_text before = {change->before.data, change->before.length};
    struct diff_text after = {change->after.data, change->after.length};
    if (binary(&change->before)) {
        before.length = 0;
        if (buffer_printf(
                output, "(replaces a binary file of %zu bytes)\n", change->before.length) < 0)
            return -1;
    }
    return diff_unified(output, before, after, line_limit, &change->counts);
}

/* Very long lines can fill the buffer before the lines are counted: then fewer are shown. */
static int print_diff_within(struct file_change *change, struct buffer *output, size_t line_limit)
{
    size_t length = output->length;
    for (; line_limit > 0; line_limit /= 4) {
        if (print_diff(change, output, line_limit) == 0)
            return 0;
        if (errno != EMSGSIZE)
            return -1;
        buffer_truncate(output, length);
    }
    change->counts.cut = true;
    return buffer_append_text(output, "(too long to show)\n");
}

int file_change_preview(
    struct file_change *change, struct tool_preview *preview, struct error *error)
{
    if (print_diff_within(change, &preview->text, PREVIEW_LINES) < 0)
        return error_system(error, "show the change of '%s'", change->path);
    preview->truncated |= change->counts.cut;
    return 0;
}

int file_change_save(struct file_change *change, struct tool_call *call, struct error *error)
{
    char hash[READ_GUARD_HASH_SIZE];
    const struct buffer *after = &change->after;
    int written =
        change->exists
            ? atomic_file_replace(change->path, after->data, after->length, &change->status, error)
            : atomic_file_create(change->path, after->data, after->length, error);
    if (written < 0)
        return -1;
    read_guard_hash(after->data, after->length, hash);
    /* The file is written: a note that fails costs one more reading, and is no failure. */
    bool whole = !change->exists || change->known != READ_GUARD_PART;
    if (read_guard_note(call->state_directory, change->path, hash, whole, error) < 0)
        read_guard_forget(call->state_directory, change->path);

    struct buffer display;
    buffer_init(&display, TOOL_PREVIEW_LIMIT);
    if (print_diff_within(change, &display, DISPLAY_LINES) == 0)
        tool_display(call, display.data, display.length);
    buffer_release(&display);
    return 0;
}
