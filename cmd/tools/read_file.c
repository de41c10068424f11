/*
 * read_file: lines of a text file with their numbers, for a model that wants
 * to edit it next. The file is read as a stream, once: a range costs a range's
 * memory, and the hash of the whole goes to the read guard.
 *
 * What cannot be seen in the lines is said behind them, once: CRLF, bytes that
 * are no text, lines that were cut, where to go on.
 */
#include "agent/line_list.h"
#include "agent/read_guard.h"
#include "base/utf8.h"
#include "common/tool_main.h"
#include "io/regular_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    SHOWN_LIMIT = 64 << 10,   /* bytes of lines in one answer: about 16,000 tokens */
    LINE_SHOWN_LIMIT = 4096,  /* bytes shown of one line */
    BINARY_PROBE = 64 << 10,  /* a NUL among these first bytes: no text */
    GUARDED_LIMIT = 32 << 20, /* bytes; larger files cannot be edited, so need no hash */
    SCAN_LIMIT = 1 << 30,     /* bytes looked through for a range or a number of lines */
    LINE_ROOM = LINE_SHOWN_LIMIT + UTF8_MAXIMUM,
};

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

struct reading {
    const char *path;
    struct tool_call *call;
    size_t first, last; /* wanted lines, from 1; last SIZE_MAX: to the end */

    SHA2_CTX hash;
    bool hashing;
    size_t scanned;  /* bytes */
    bool whole_scan; /* the end of the file was reached */

    char line[LINE_ROOM]; /* the beginning of the present line */
    size_t held;
    size_t length;     /* of the present line so far */
    char previous;     /* the last byte of the present line */
    size_t number;     /* complete lines so far */
    size_t shown_last; /* last line that was shown; 0: none */
    bool full;         /* the answer has no more room */
    bool last_unended; /* the file does not end with a newline */

    struct line_list crlf, lone_cr, repaired, cut;
    size_t crlf_lines, lf_lines; /* among the shown */
};

static bool wanted(const struct reading *reading, size_t number)
{
    return number >= reading->first && number <= reading->last && !reading->full;
}

/* The line without its ending goes to the answer, exactly, but for what no text can hold. */
static int show_line(struct reading *reading, bool ended)
{
    struct buffer *output = &reading->call->output;
    size_t number = reading->number;
    size_t length = reading->held;
    const char *text = reading->line;
    bool crlf = ended && reading->previous == '\r' && reading->length > 0;
    if (output->length + length + 16 > SHOWN_LIMIT && reading->shown_last > 0) {
        reading->full = true;
        return 0;
    }
    if (ended && crlf) {
        line_list_add(&reading->crlf, number);
        reading->crlf_lines++;
    } else if (ended) {
        reading->lf_lines++;
    }
    size_t visible = reading->length - (crlf ? 1 : 0);
    bool cut = visible > LINE_SHOWN_LIMIT;
    length = cut ? LINE_SHOWN_LIMIT : visible;
    if (cut) {
        size_t whole = utf8_valid_prefix(text, length);
        length = length - whole < UTF8_MAXIMUM ? whole : length;
        line_list_add(&reading->cut, number);
    }
    if (number == 1 && length >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0) {
        text += 3;
        length -= 3;
    }
    if (memchr(text, '\r', length) != NULL)
        line_list_add(&reading->lone_cr, number);
    if (buffer_printf(output, "%4zu\t", number) < 0)
        return -1;
    size_t before = output->length;
    if (utf8_append_repaired(output, text, length) < 0)
        return -1;
    bool repaired = !utf8_valid(text, length);
    for (char *nul = output->data + before;
         (nul = memchr(nul, '\0', output->length - (size_t)(nul - output->data))) != NULL;) {
        *nul = '?';
        repaired = true;
    }
    if (repaired)
        line_list_add(&reading->repaired, number);
    reading->shown_last = number;
    return buffer_append_text(output, cut ? "\xE2\x80\xA6\n" : "\n");
}

static int end_line(struct reading *reading, bool ended)
{
    reading->number++;
    int result = wanted(reading, reading->number) ? show_line(reading, ended) : 0;
    reading->held = 0;
    reading->length = 0;
    reading->previous = '\0';
    return result;
}

static int take_block(struct reading *reading, const char *bytes, size_t length)
{
    const char *end = bytes + length;
    while (bytes < end) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t part = (size_t)((newline != NULL ? newline : end) - bytes);
        if (wanted(reading, reading->number + 1)) {
            size_t room = LINE_ROOM - reading->held;
            size_t kept = part < room ? part : room;
            memcpy(reading->line + reading->held, bytes, kept);
            reading->held += kept;
        }
        reading->length += part;
        if (part > 0)
            reading->previous = bytes[part - 1];
        bytes += part;
        if (newline == NULL)
            break;
        bytes++;
        if (end_line(reading, true) < 0)
            return -1;
    }
    return 0;
}

static bool enough(const struct reading *reading)
{
    if (reading->scanned >= SCAN_LIMIT)
        return true;
    return !reading->hashing && (reading->full || reading->number >= reading->last);
}

static int scan(struct reading *reading, int fd, off_t size, struct error *error)
{
    static char block[BINARY_PROBE];
    while (!enough(reading)) {
        ssize_t got = read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_system(error, "read '%s'", reading->path);
        if (got == 0) {
            reading->whole_scan = true;
            reading->last_unended = reading->length > 0;
            return reading->last_unended && end_line(reading, false) < 0
                       ? error_system(error, "read '%s'", reading->path)
                       : 0;
        }
        if (reading->scanned == 0 && memchr(block, '\0', (size_t)got) != NULL)
            return error_set(error, "read '%s': binary, %lld bytes", reading->path,
                (long long)(size > got ? size : got));
        reading->scanned += (size_t)got;
        if (reading->scanned > GUARDED_LIMIT)
            reading->hashing = false;
        if (reading->hashing)
            SHA256Update(&reading->hash, (const uint8_t *)block, (size_t)got);
        if (take_block(reading, block, (size_t)got) < 0)
            return error_system(error, "read '%s'", reading->path);
    }
    return 0;
}

static int note_lines(
    struct buffer *output, const char *before, const struct line_list *list, const char *behind)
{
    if (list->ranges == 0)
        return 0;
    if (buffer_append_text(output, before) < 0 || line_list_print(list, output) < 0)
        return -1;
    return buffer_append_text(output, behind);
}

static int append_notes(struct reading *reading, bool byte_order_mark)
{
    struct buffer *output = &reading->call->output;
    int result = 0;
    if (reading->scanned == 0 && reading->whole_scan)
        return buffer_append_text(output, "(empty file)\n");
    if (byte_order_mark && reading->first == 1)
        result |= buffer_append_text(output, "[the file begins with a byte order mark]\n");
    if (reading->crlf_lines > 0 && reading->lf_lines == 0)
        result |= buffer_append_text(output, "[lines end with CRLF]\n");
    else
        result |=
            note_lines(output, "[line ", &reading->crlf, ": ends with CRLF, others with LF]\n");
    result |= note_lines(output, "[line ", &reading->lone_cr, ": carriage return inside]\n");
    result |= note_lines(output, "[line ", &reading->repaired,
        ": bytes that are no UTF-8 text, shown as \xEF\xBF\xBD or ?]\n");
    result |= note_lines(output, "[line ", &reading->cut, ": cut, too long to show whole]\n");
    if (reading->last_unended && reading->shown_last == reading->number)
        result |= buffer_append_text(output, "[no newline at the end of the file]\n");
    if (reading->full && reading->whole_scan)
        result |= buffer_printf(output, "[%zu lines in all: go on with offset %zu]\n",
            reading->number, reading->shown_last + 1);
    else if (reading->full)
        result |= buffer_printf(
            output, "[more follows: go on with offset %zu]\n", reading->shown_last + 1);
    return result < 0 ? -1 : 0;
}

static void display(struct reading *reading)
{
    char text[128];
    const char *plural = reading->number == 1 ? "" : "s";
    if (reading->shown_last == 0)
        snprintf(text, sizeof text, "empty file");
    else if (reading->first == 1 && reading->shown_last == reading->number && reading->whole_scan)
        snprintf(text, sizeof text, "%zu line%s", reading->number, plural);
    else if (reading->whole_scan)
        snprintf(text, sizeof text, "lines %zu-%zu of %zu", reading->first, reading->shown_last,
            reading->number);
    else
        snprintf(text, sizeof text, "lines %zu-%zu", reading->first, reading->shown_last);
    tool_display(reading->call, text, strlen(text));
}

static int remember(struct reading *reading, struct error *error)
{
    char hash[READ_GUARD_HASH_SIZE];
    if (!reading->hashing || !reading->whole_scan)
        return 0;
    SHA256End(&reading->hash, hash);
    bool whole =
        reading->first == 1 && reading->shown_last == reading->number && reading->cut.ranges == 0;
    return read_guard_note(reading->call->state_directory, reading->path, hash, whole, error);
}

static int finish(struct reading *reading, struct error *error)
{
    if (reading->shown_last == 0 && reading->scanned > 0) {
        if (!reading->whole_scan)
            return error_set(error,
                "'%s' is too large to count lines in: line %zu is not among "
                "the first %zu (%d bytes)",
                reading->path, reading->first, reading->number, SCAN_LIMIT);
        return error_set(error, "line %zu is past the end of '%s', which has %zu line%s",
            reading->first, reading->path, reading->number, reading->number == 1 ? "" : "s");
    }
    return remember(reading, error);
}

/* A byte order mark is no part of line 1 for whoever edits it, but must be known. */
static bool begins_with_mark(int fd)
{
    char mark[3];
    return pread(fd, mark, sizeof mark, 0) == 3 && memcmp(mark, BYTE_ORDER_MARK, 3) == 0;
}

static int run(struct tool_call *call, struct error *error)
{
    static struct reading reading;
    static char path[PATH_MAX];
    int64_t offset = 1, limit = 0;
    struct stat status;
    if (tool_path(call, "path", NULL, path, error) < 0 ||
        tool_optional_integer(call, "offset", 1, INT64_MAX / 4, &offset, error) < 0 ||
        tool_optional_integer(call, "limit", 1, INT64_MAX / 4, &limit, error) < 0)
        return -1;
    reading.call = call;
    reading.path = path;
    reading.first = (size_t)offset;
    reading.last = limit > 0 ? (size_t)(offset + limit - 1) : SIZE_MAX;
    int fd = regular_file_open(path, &status, error);
    if (fd < 0) {
        read_guard_forget(call->state_directory, path);
        return -1;
    }
    SHA256Init(&reading.hash);
    reading.hashing = status.st_size <= GUARDED_LIMIT;
    int result = scan(&reading, fd, status.st_size, error);
    bool mark = begins_with_mark(fd);
    close(fd);
    if (result == 0)
        result = finish(&reading, error);
    if (result < 0) {
        read_guard_forget(call->state_directory, path);
        buffer_clear(&call->output);
        return -1;
    }
    if (append_notes(&reading, mark) < 0)
        return error_system(error, "print '%s'", path);
    display(&reading);
    return 0;
}

static const struct tool tool = {
    .name = "read_file",
    .purpose = "shows lines of a text file with their numbers",
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&tool, argc, argv);
}
