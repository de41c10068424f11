/*
 * search: lines that match a regular expression, or files by their names, below
 * a directory. What git ignores, binary files and links are left out. Whatever
 * goes wrong on the way costs a note, never what has been found.
 */
#include "agent/line_search.h"
#include "agent/name_filter.h"
#include "agent/tree_walk.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "common/tool_main.h"
#include "io/paths.h"
#include "io/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OUTPUT_LIMIT = 64 << 10, /* bytes of results: about 16,000 tokens */
    MATCHES_PER_FILE = 200,  /* lines */
    MATCHES_LIMIT = 2000,    /* lines, or names */
    LINE_SHOWN_LIMIT = 300,  /* bytes of a line; the match is among them */
    LEAD_SHOWN = 100,        /* of these, before the match */
    CONTEXT_LIMIT = 20,      /* lines before and after */
    FILE_LIMIT = 64 << 20,   /* bytes; only the beginning of a larger file is searched */
    BINARY_PROBE = 64 << 10, /* a NUL among these first bytes: no text */
    TIME_DEFAULT_MS = 20000, /* without a runner's limit */
    TIME_RESERVE_MS = 1000,  /* of the runner's limit, to print what was found */
    PROBLEMS_SHOWN = 5,
};

struct search {
    struct tool_call *call;
    const char *query;
    char path[PATH_MAX];       /* where, resolved */
    char prefix[PATH_MAX + 1]; /* what stands before the paths in the output */
    bool by_name, ignore_case, literal;
    int64_t context;
    int64_t deadline;

    struct line_search *lines; /* NULL: names are globs */
    struct name_filter names, filter;
    bool filtered;

    struct buffer contents; /* of the present file */
    size_t matches, files, binaries, larger, cut_files;
    size_t problems;
    struct buffer notes;
    bool full, timed_out, failed;
};

static bool is_full(struct search *search)
{
    if (search->matches >= MATCHES_LIMIT || search->call->output.length >= OUTPUT_LIMIT)
        search->full = true;
    return search->full;
}

static bool late(struct search *search)
{
    if (clock_monotonic_ms() >= search->deadline || line_search_timed_out(search->lines))
        search->timed_out = true;
    return search->timed_out;
}

static void note_problem(void *context, const char *sentence)
{
    struct search *search = context;
    if (search->problems++ < PROBLEMS_SHOWN)
        buffer_printf(&search->notes, "[%s]\n", sentence);
}

/* Move at back to the beginning of the character it is in. */
static size_t character_start(const char *text, size_t at, size_t least)
{
    for (int step = 0; step < UTF8_MAXIMUM && at > least; step++, at--)
        if (((unsigned char)text[at] & 0xC0) != 0x80)
            break;
    return at;
}

/* The part of a long line that holds the match from focus on. */
static int append_line(struct buffer *output, const char *text, size_t length, size_t focus)
{
    size_t from = 0, to = length;
    if (length > LINE_SHOWN_LIMIT) {
        from = focus > LEAD_SHOWN ? focus - LEAD_SHOWN : 0;
        from = from + LINE_SHOWN_LIMIT > length ? length - LINE_SHOWN_LIMIT : from;
        from = character_start(text, from, 0);
        to = from + LINE_SHOWN_LIMIT < length ? from + LINE_SHOWN_LIMIT : length;
        to = to < length ? character_start(text, to, from) : to;
    }
    if ((from > 0 && buffer_append_text(output, "\xE2\x80\xA6") < 0) ||
        utf8_append_repaired(output, text + from, to - from) < 0 ||
        (to < length && buffer_append_text(output, "\xE2\x80\xA6") < 0))
        return -1;
    return buffer_append_byte(output, '\n');
}

/* One line of output; mark is ':' for a match and '-' for a line around one. */
static int print_line(struct search *search, const char *path, size_t number, char mark,
    const char *text, size_t length, size_t focus)
{
    struct buffer *output = &search->call->output;
    length -= length > 0 && text[length - 1] == '\r';
    if (utf8_append_repaired(output, search->prefix, strlen(search->prefix)) < 0 ||
        utf8_append_repaired(output, path, strlen(path)) < 0 ||
        buffer_printf(output, "%c%zu%c", mark, number, mark) < 0)
        return -1;
    return append_line(output, text, length, focus);
}

/* Walks the lines of a file beside its matches. */
struct cursor {
    const char *text;
    size_t length;
    size_t at;     /* start of a line */
    size_t number; /* of that line, from 1 */
};

static size_t end_of_line(const struct cursor *cursor)
{
    const char *newline = memchr(cursor->text + cursor->at, '\n', cursor->length - cursor->at);
    return newline != NULL ? (size_t)(newline - cursor->text) : cursor->length;
}

static void advance_to(struct cursor *cursor, size_t offset)
{
    const char *end = cursor->text + offset;
    for (const char *at = cursor->text + cursor->at;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        cursor->number++;
    cursor->at = offset;
}

static bool step_back(struct cursor *cursor)
{
    if (cursor->at == 0)
        return false;
    const char *before = cursor->at > 1 ? memrchr(cursor->text, '\n', cursor->at - 1) : NULL;
    cursor->at = before != NULL ? (size_t)(before - cursor->text) + 1 : 0;
    cursor->number--;
    return true;
}

/* Lines from cursor up to offset, at most most of them. */
static int print_context(
    struct search *search, const char *path, struct cursor *cursor, size_t offset, int64_t most)
{
    for (; most > 0 && cursor->at < offset && cursor->at < cursor->length; most--) {
        size_t end = end_of_line(cursor);
        if (print_line(search, path, cursor->number, '-', cursor->text + cursor->at,
                end - cursor->at, 0) < 0)
            return -1;
        cursor->at = end < cursor->length ? end + 1 : end;
        cursor->number++;
    }
    return 0;
}

/* The lines around a match that were not printed yet; printed stands behind the last one that was.
 */
static int print_match(struct search *search, const char *path, const struct line_match *match,
    struct cursor *printed, bool first)
{
    const int64_t context = search->context;
    struct cursor here = *printed;
    if (print_context(search, path, printed, match->line_start, first ? 0 : context) < 0)
        return -1;
    advance_to(&here, match->line_start);
    struct cursor before = here;
    for (int64_t line = 0; line < context && before.at > printed->at; line++)
        step_back(&before);
    if (context > 0 && before.at > printed->at && search->call->output.length > 0 &&
        buffer_append_text(&search->call->output, "--\n") < 0)
        return -1;
    if (print_context(search, path, &before, match->line_start, context) < 0 ||
        print_line(search, path, here.number, ':', here.text + match->line_start,
            match->line_end - match->line_start, match->start - match->line_start) < 0)
        return -1;
    *printed = here;
    printed->at = match->line_end < here.length ? match->line_end + 1 : match->line_end;
    printed->number++;
    return 0;
}

static int search_text(struct search *search, const char *path)
{
    const char *text = search->contents.data;
    const size_t length = search->contents.length;
    struct cursor printed = {.text = text, .length = length, .number = 1};
    struct line_match match;
    size_t count = 0, from = 0;
    while (!late(search) && !is_full(search) &&
           line_search_next(search->lines, text, length, from, &match)) {
        if (count == MATCHES_PER_FILE) {
            search->cut_files++;
            break;
        }
        if (print_match(search, path, &match, &printed, count == 0) < 0)
            return -1;
        count++;
        search->matches++;
        from = match.line_end + 1;
    }
    late(search);
    search->files += count > 0;
    return count > 0 ? print_context(search, path, &printed, length, search->context) : 0;
}

/* Read at most FILE_LIMIT bytes. 1: text, 0: binary, -1 with errno. */
static int read_text(struct search *search, int fd)
{
    struct buffer *contents = &search->contents;
    size_t wanted = BINARY_PROBE;
    buffer_clear(contents);
    for (;;) {
        size_t room = FILE_LIMIT - contents->length;
        wanted = wanted < room ? wanted : room;
        if (wanted == 0) {
            search->larger++;
            return 1;
        }
        if (buffer_reserve(contents, wanted) < 0)
            return -1;
        ssize_t got = read(fd, contents->data + contents->length, wanted);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            return 1;
        if (memchr(contents->data + contents->length, '\0', (size_t)got) != NULL)
            return 0;
        contents->length += (size_t)got;
        wanted = (size_t)1 << 20;
    }
}

/* False: the search is over. */
static bool search_file(struct search *search, const char *path, int fd)
{
    int kind = read_text(search, fd);
    if (kind < 0) {
        struct error error;
        error_system(&error, "read '%s%s'", search->prefix, path);
        note_problem(search, error.text);
    }
    search->binaries += kind == 0;
    if (kind > 0 && search_text(search, path) < 0)
        search->failed = true;
    return !search->failed && !search->full && !search->timed_out;
}

static bool name_matches(const struct search *search, const char *path)
{
    struct line_match match;
    if (search->names.count > 0)
        return name_filter_match(&search->names, path);
    return line_search_next(search->lines, path, strlen(path), 0, &match);
}

static bool visit_name(struct search *search, const char *path, bool is_directory)
{
    struct buffer *output = &search->call->output;
    if (!name_matches(search, path) ||
        (search->filtered && !name_filter_match(&search->filter, path)))
        return true;
    search->matches++;
    if (utf8_append_repaired(output, search->prefix, strlen(search->prefix)) < 0 ||
        utf8_append_visible(output, path, strlen(path), false) < 0 ||
        buffer_append_text(output, is_directory ? "/\n" : "\n") < 0) {
        search->failed = true;
        return false;
    }
    return !is_full(search);
}

static bool visit(
    void *context, const char *path, bool is_directory, int directory, const char *name)
{
    struct search *search = context;
    if (search->by_name)
        return visit_name(search, path, is_directory);
    if (is_directory || (search->filtered && !name_filter_match(&search->filter, path)))
        return true;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        struct error error;
        error_system(&error, "open '%s%s'", search->prefix, path);
        note_problem(search, error.text);
        return true;
    }
    bool more = search_file(search, path, fd);
    close(fd);
    return more;
}

/* What a model writes for a file name is a glob, unless it can only be an expression. */
static bool looks_like_glob(const char *query)
{
    return strpbrk(query, "*?") != NULL && strpbrk(query, "\\^$|(+") == NULL &&
           strstr(query, ".*") == NULL && strstr(query, ".?") == NULL;
}

/* An expression that is none is looked for as it stands: "foo(" is a common query. */
static int compile(struct search *search, struct error *error)
{
    struct error reason;
    if (search->by_name && looks_like_glob(search->query) && !search->ignore_case)
        return name_filter_init(&search->names, search->query, error);
    search->lines = line_search_new(
        search->query, search->literal, search->ignore_case, search->deadline, &reason);
    if (search->lines == NULL && !search->literal) {
        buffer_printf(&search->notes,
            "[the query is no regular expression (%s): searched for as plain text]\n", reason.text);
        search->lines =
            line_search_new(search->query, true, search->ignore_case, search->deadline, &reason);
    }
    return search->lines == NULL ? error_set(error, "query: %s", reason.text) : 0;
}

/* Paths are printed from the working directory, as the model knows them. */
static void set_prefix(struct search *search)
{
    char here[PATH_MAX];
    const char *path = search->path;
    size_t length = 0;
    if (getcwd(here, sizeof here) != NULL && paths_inside(path, here)) {
        length = strlen(here);
        length += path[length] == '/' && length > 1;
    }
    bool slash = path[length] != '\0' && strcmp(path + length, "/") != 0;
    snprintf(search->prefix, sizeof search->prefix, "%s%s", path + length, slash ? "/" : "");
}

static int read_arguments(struct search *search, struct error *error)
{
    const struct tool_call *call = search->call;
    const char *mode = "content", *glob = NULL;
    if (tool_text(call, "query", &search->query, error) < 0 ||
        tool_path(call, "path", ".", search->path, error) < 0 ||
        tool_optional_text(call, "mode", &mode, error) < 0 ||
        tool_optional_text(call, "glob", &glob, error) < 0 ||
        tool_optional_boolean(call, "ignore_case", &search->ignore_case, error) < 0 ||
        tool_optional_integer(call, "context", 0, CONTEXT_LIMIT, &search->context, error) < 0)
        return -1;
    if (*search->query == '\0')
        return error_set(error, "argument 'query' is empty");
    search->by_name = strcmp(mode, "name") == 0;
    if (!search->by_name && strcmp(mode, "content") != 0)
        return error_set(error, "argument 'mode' must be content or name, not '%s'", mode);
    search->filtered = glob != NULL && *glob != '\0';
    if (search->filtered && name_filter_init(&search->filter, glob, error) < 0)
        return -1;
    int64_t now = clock_monotonic_ms();
    search->deadline = now + TIME_DEFAULT_MS;
    if (call->deadline > 0)
        search->deadline = call->deadline - now > 2 * TIME_RESERVE_MS
                               ? call->deadline - TIME_RESERVE_MS
                               : now + (call->deadline - now) / 2;
    return compile(search, error);
}

static int search_single(struct search *search, int fd)
{
    char *slash = strrchr(search->prefix, '/');
    if (slash != NULL && slash[1] == '\0')
        *slash = '\0';
    search_file(search, "", fd);
    return 0;
}

static int go(struct search *search, struct error *error)
{
    struct stat status;
    set_prefix(search);
    int fd = regular_file_open(search->path, &status, error);
    if (fd >= 0) {
        int result = search->by_name ? error_set(error,
                                           "'%s' is a file: search for names in a "
                                           "directory",
                                           search->path)
                                     : search_single(search, fd);
        close(fd);
        return result;
    }
    if (errno != EISDIR)
        return -1;
    struct tree_walk walk = {
        .visit = visit,
        .problem = note_problem,
        .context = search,
        .deadline = search->deadline,
    };
    int result = tree_walk(&walk, search->path, error);
    search->timed_out |= walk.timed_out;
    return result;
}

static int append_notes(struct search *search)
{
    struct buffer *output = &search->call->output;
    size_t given_up = line_search_given_up(search->lines);
    int result = 0;
    if (search->matches == 0)
        result |= buffer_append_text(output, "(no matches)\n");
    if (search->full)
        result |= buffer_printf(output,
            "[stopped after %zu matches, there may be more: narrow the query, path or glob]\n",
            search->matches);
    if (search->timed_out)
        result |= buffer_append_text(output, "[out of time: not everything was searched]\n");
    if (search->cut_files > 0)
        result |= buffer_printf(output, "[%zu file%s more than %d matches: the rest is left out]\n",
            search->cut_files, search->cut_files == 1 ? " has" : "s have", MATCHES_PER_FILE);
    if (search->larger > 0)
        result |= buffer_printf(output,
            "[%zu file%s larger than %d MiB: only the beginning was "
            "searched]\n",
            search->larger, search->larger == 1 ? " is" : "s are", FILE_LIMIT >> 20);
    if (given_up > 0)
        result |= buffer_printf(output, "[%zu line%s left out: the query takes too long on them]\n",
            given_up, given_up == 1 ? " was" : "s were");
    if (search->binaries > 0 && search->matches == 0)
        result |= buffer_printf(output, "[binary files left out: %zu]\n", search->binaries);
    result |= buffer_append(output, search->notes.data, search->notes.length);
    if (search->problems > PROBLEMS_SHOWN)
        result |=
            buffer_printf(output, "[and %zu more problems]\n", search->problems - PROBLEMS_SHOWN);
    return result < 0 ? -1 : 0;
}

static void display(const struct search *search)
{
    char text[128];
    const char *more = search->full || search->timed_out ? " (stopped early)" : "";
    if (search->matches == 0)
        snprintf(text, sizeof text, "no matches%s", more);
    else if (search->by_name)
        snprintf(text, sizeof text, "%zu name%s%s", search->matches,
            search->matches == 1 ? "" : "s", more);
    else
        snprintf(text, sizeof text, "%zu match%s in %zu file%s%s", search->matches,
            search->matches == 1 ? "" : "es", search->files, search->files == 1 ? "" : "s", more);
    tool_display(search->call, text, strlen(text));
}

static int run(struct tool_call *call, struct error *error)
{
    static struct search search;
    search.call = call;
    buffer_init(&search.contents, FILE_LIMIT);
    buffer_init(&search.notes, TOOL_DETAILS_LIMIT);
    int result = read_arguments(&search, error);
    if (result == 0)
        result = go(&search, error);
    if (result == 0 && (search.failed || append_notes(&search) < 0))
        result = error_system(error, "print what was found");
    if (result == 0)
        display(&search);
    line_search_free(search.lines);
    name_filter_release(&search.names);
    name_filter_release(&search.filter);
    buffer_release(&search.contents);
    buffer_release(&search.notes);
    return result;
}

static const struct tool tool = {
    .name = "search",
    .purpose = "finds lines by a regular expression, or files by name",
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&tool, argc, argv);
}
