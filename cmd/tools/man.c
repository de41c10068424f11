/*
 * man: a manual page, or a part of one, as plain text. Where man(1) knows
 * nothing info(1) is asked.
 */
#include "agent/manual.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "common/tool_main.h"
#include "io/process.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PAGE_LIMIT = 8 << 20,   /* bytes of one page; bash's, the longest in use, has 0.4 MiB */
    COMPLAINT_LIMIT = 4096, /* bytes of what a program says on stderr; the rest is dropped */
    NAME_LONGEST = 128,     /* bytes of a page's name */
    SECTION_LONGEST = 8,    /* "3posix" */
    TIME_MS = 10000,        /* without a runner's limit */
    TIME_RESERVE_MS = 500,  /* of the runner's limit, to say what went wrong */
    LONG_PAGE = 150,        /* lines; the headings of a longer page are told in front of it */
    COMMAND_WORDS = 8,
    READ_SIZE = 64 << 10,
};

struct request {
    const char *page, *section, *heading, *pattern;
    int64_t deadline;
};

/* What a program printed. */
struct answer {
    struct buffer output, complaint;
    int status; /* its exit code; -1: it was not run, or was ended by us */
};

static void answer_init(struct answer *answer)
{
    buffer_init(&answer->output, PAGE_LIMIT);
    buffer_init(&answer->complaint, COMPLAINT_LIMIT);
    answer->status = -1;
}

static void answer_release(struct answer *answer)
{
    buffer_release(&answer->output);
    buffer_release(&answer->complaint);
}

/* In PATH, which is the user's, as far as its directories are absolute. */
static bool find_command(char *path, const char *name)
{
    const char *places = getenv("PATH");
    for (const char *at = places != NULL ? places : "/usr/bin:/bin"; *at != '\0';) {
        size_t length = strcspn(at, ":");
        int size = snprintf(path, PATH_MAX, "%.*s/%s", (int)length, at, name);
        if (at[0] == '/' && size < PATH_MAX && access(path, X_OK) == 0)
            return true;
        at += length;
        at += *at == ':';
    }
    return false;
}

/* 80 columns, no hyphens at ends of lines, no formatting, in the language of the names of options.
 */
static char **command_environment(void)
{
    static char path[PATH_MAX + 5];
    static char width[] = "MANWIDTH=80", options[] = "MANOPT=--nh --nj",
                locale[] = "LC_ALL=C.UTF-8", terminal[] = "TERM=dumb", pager[] = "MANPAGER=cat",
                home[PATH_MAX + 5];
    static char *environment[] = {path, width, options, locale, terminal, pager, home, NULL};
    const char *places = getenv("PATH"), *directory = getenv("HOME");
    snprintf(path, sizeof path, "PATH=%s", places != NULL ? places : "/usr/bin:/bin");
    snprintf(home, sizeof home, "HOME=%s", directory != NULL ? directory : "/");
    return environment;
}

/* One read; false: the stream has ended. */
static bool take(int fd, struct buffer *buffer)
{
    char bytes[READ_SIZE];
    ssize_t count = read(fd, bytes, sizeof bytes);
    if (count < 0)
        return errno == EINTR || errno == EAGAIN;
    size_t room = buffer->maximum - buffer->length;
    size_t kept = (size_t)count < room ? (size_t)count : room;
    (void)buffer_append(buffer, bytes, kept);
    return count > 0;
}

/* Until both streams have ended. False: the deadline came first. */
static bool drain(struct answer *answer, int *output, int *complaint, int64_t deadline)
{
    while (*output >= 0 || *complaint >= 0) {
        struct pollfd ready[] = {
            {.fd = *output, .events = POLLIN}, {.fd = *complaint, .events = POLLIN}};
        int64_t left = deadline - clock_monotonic_ms();
        int count = left > 0 ? poll(ready, 2, (int)left) : 0;
        if (count == 0)
            return false;
        if (count < 0)
            continue;
        if (ready[0].revents != 0 && !take(*output, &answer->output))
            close_descriptor(output);
        if (ready[1].revents != 0 && !take(*complaint, &answer->complaint))
            close_descriptor(complaint);
    }
    return true;
}

/* Run a command to its end. 0, or -1 with a sentence. */
static int ask(struct answer *answer, char **words, int64_t deadline, struct error *error)
{
    int output = -1, complaint = -1, their_output = -1, their_complaint = -1;
    struct process process = {.pidfd = -1};
    buffer_clear(&answer->output);
    buffer_clear(&answer->complaint);
    answer->status = -1;
    if (process_pipe(&output, &their_output) < 0 || process_pipe(&complaint, &their_complaint) < 0)
        return error_system(error, "run '%s'", words[0]);
    const struct spawn spawn = {
        .path = words[0],
        .argv = words,
        .environment = command_environment(),
        .directory = "/", /* a page's name must not find a file of the project */
        .descriptors = {SPAWN_NULL, their_output, their_complaint},
        .descriptor_count = 3,
        .group = SPAWN_OWN_GROUP,
    };
    int result = process_spawn(&process, &spawn, error);
    close_descriptor(&their_output);
    close_descriptor(&their_complaint);
    if (result == 0 && (!drain(answer, &output, &complaint, deadline) ||
                           !process_wait(&process, deadline, &answer->status))) {
        process_signal_group(&process, SIGKILL);
        process_kill(&process);
        result = error_set(error, "'%s' did not end in time", words[0]);
    }
    close_descriptor(&output);
    close_descriptor(&complaint);
    return result;
}

/* Arguments. */

/* A name, never an option or a path. */
static int check_page(const char *page, struct error *error)
{
    size_t length = strlen(page);
    if (length == 0)
        return error_set(error, "argument 'page' is empty");
    if (length > NAME_LONGEST)
        return error_set(error, "argument 'page' is longer than %d bytes", NAME_LONGEST);
    for (const char *at = page; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("._+:@[-", *at) == NULL)
            return error_set(error,
                "'%s' is no name of a page: letters, digits and . _ + - : @ [ make one", page);
    }
    return page[0] == '-' ? error_set(error, "'%s' is no name of a page: it begins with '-'", page)
                          : 0;
}

/* "3", "3p", "1ssl". */
static int check_section(const char *section, struct error *error)
{
    size_t length = strlen(section);
    bool good = length > 0 && length <= SECTION_LONGEST && section[0] >= '1' && section[0] <= '9';
    for (size_t i = 1; i < length; i++)
        good = good && islower((unsigned char)section[i]);
    return good ? 0
                : error_set(error,
                      "'%s' is no section: a digit from 1 to 9, and lower-case letters or nothing "
                      "behind it",
                      section);
}

static int read_request(struct request *request, const struct tool_call *call, struct error *error)
{
    *request = (struct request){.page = NULL};
    if (tool_text(call, "page", &request->page, error) < 0 ||
        tool_optional_text(call, "section", &request->section, error) < 0 ||
        tool_optional_text(call, "heading", &request->heading, error) < 0 ||
        tool_optional_text(call, "pattern", &request->pattern, error) < 0 ||
        check_page(request->page, error) < 0)
        return -1;
    const char **optional[] = {&request->section, &request->heading, &request->pattern};
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++) {
        if (*optional[i] != NULL && **optional[i] == '\0')
            *optional[i] = NULL;
    }
    if (request->section != NULL && check_section(request->section, error) < 0)
        return -1;
    int64_t now = clock_monotonic_ms();
    int64_t limit = call->deadline > 0 ? call->deadline - TIME_RESERVE_MS : now + TIME_MS;
    request->deadline = limit > now ? limit : now + 1;
    return 0;
}

/* Finding the page. */

static bool is_blank(const struct buffer *text)
{
    return strspn(text->data, " \t\r\n") == text->length;
}

/* What man was asked, as a person writes it: printf(3). */
static const char *title(const struct request *request)
{
    static char text[NAME_LONGEST + SECTION_LONGEST + 3];
    snprintf(text, sizeof text, request->section != NULL ? "%s(%s)" : "%s", request->page,
        request->section);
    return text;
}

/* 1: the answer holds the page; 0: there is none; -1 with a sentence. */
static int ask_man(
    const struct request *request, char *program, struct answer *answer, struct error *error)
{
    char option[] = "-s", end[] = "--";
    char *words[COMMAND_WORDS] = {program};
    size_t count = 1;
    if (request->section != NULL) {
        words[count++] = option;
        words[count++] = (char *)request->section;
    }
    words[count++] = end;
    words[count] = (char *)request->page;
    if (ask(answer, words, request->deadline, error) < 0)
        return -1;
    if (!is_blank(&answer->output))
        return 1;
    /* man-db says 16, mandoc 5, others 1: what it says tells a page that is not there from a
     * fault. */
    static const char *const absent[] = {"No manual entry", "No entry", "nothing appropriate"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        if (strstr(answer->complaint.data, absent[i]) != NULL)
            return 0;
    }
    if (answer->status == 0 || answer->status == 16 || answer->status == 5)
        return 0;
    return error_set(error, "'%s' failed with exit code %d%s%.*s", program, answer->status,
        is_blank(&answer->complaint) ? "" : ": ", (int)strcspn(answer->complaint.data, "\n"),
        answer->complaint.data);
}

/* info shows its table of contents for what it does not know: it is asked for the place first. */
static int ask_info(
    const struct request *request, char *program, struct answer *answer, struct error *error)
{
    char where[] = "--where", end[] = "--", nodes[] = "--subnodes", option[] = "--output=-";
    char *page = (char *)request->page;
    char *locate[] = {program, where, end, page, NULL};
    char *show[] = {program, nodes, option, end, page, NULL};
    if (ask(answer, locate, request->deadline, error) < 0)
        return -1;
    if (is_blank(&answer->output) || answer->output.data[0] != '/')
        return 0;
    if (ask(answer, show, request->deadline, error) < 0)
        return -1;
    return is_blank(&answer->output) ? 0 : 1;
}

/* The sections in which man has a page of this name: " (there is printf.1)", or nothing. */
static void find_elsewhere(
    const struct request *request, char *program, struct answer *answer, struct buffer *note)
{
    char all[] = "-aw", end[] = "--";
    char *words[] = {program, all, end, (char *)request->page, NULL};
    if (request->section == NULL || ask(answer, words, request->deadline, NULL) < 0)
        return;
    for (const char *at = answer->output.data; *at == '/';) {
        size_t length = strcspn(at, "\n");
        const char *name = memrchr(at, '/', length);
        length -= (size_t)(name + 1 - at);
        const char *packed = memmem(name + 1, length, ".gz", 3);
        int shown = packed != NULL ? (int)(packed - name - 1) : (int)length;
        (void)buffer_printf(
            note, "%s%.*s", note->length == 0 ? "; there is " : ", ", shown, name + 1);
        at = name + 1 + length;
        at += *at == '\n';
    }
}

static int not_found(const struct request *request, char *program, bool has_info,
    struct answer *answer, struct error *error)
{
    struct buffer elsewhere;
    buffer_init(&elsewhere, COMPLAINT_LIMIT);
    if (program == NULL)
        error_set(error,
            has_info ? "man is not installed (Debian: man-db), and info has no page '%s'"
                     : "neither man nor info is installed here (Debian: man-db); '%s' cannot be "
                       "looked up",
            request->page);
    else {
        find_elsewhere(request, program, answer, &elsewhere);
        error_set(error, "there is no manual page %s%s%s", title(request), elsewhere.data,
            has_info ? ", and no info page" : "");
    }
    buffer_release(&elsewhere);
    return -1;
}

static int find_page(const struct request *request, struct answer *answer, struct error *error)
{
    char man[PATH_MAX], info[PATH_MAX];
    bool has_man = find_command(man, "man") || find_command(man, "mman");
    bool has_info = request->section == NULL && find_command(info, "info");
    int found = has_man ? ask_man(request, man, answer, error) : 0;
    if (found == 0 && has_info)
        found = ask_info(request, info, answer, error);
    if (found == 0)
        return not_found(request, has_man ? man : NULL, has_info, answer, error);
    return found < 0 ? -1 : 0;
}

/* Showing it. */

static int no_heading(
    const struct request *request, const struct manual *manual, struct error *error)
{
    struct buffer names;
    buffer_init(&names, COMPLAINT_LIMIT);
    if (manual_append_names(manual, &names) < 0)
        buffer_clear(&names);
    error_set(error, "%s has no heading '%s'; its headings are: %s", title(request),
        request->heading, names.data);
    buffer_release(&names);
    return -1;
}

static int show(const struct request *request, const struct manual *manual, struct tool_call *call,
    struct error *error)
{
    size_t start = 0, end = manual->length, found = 0;
    struct buffer *output = &call->output;
    if (request->heading != NULL) {
        const struct manual_heading *heading = manual_find(manual, request->heading);
        if (heading == NULL)
            return no_heading(request, manual, error);
        start = heading->start;
        end = heading->end;
    }
    if (request->pattern != NULL) {
        if (manual_append_matches(
                manual, start, end, request->pattern, request->deadline, output, &found, error) < 0)
            return -1;
        return found > 0 ? 0
                         : error_set(error, "%s%s%s has no line that matches '%s'", title(request),
                               request->heading != NULL ? " under " : "",
                               request->heading != NULL ? request->heading : "", request->pattern);
    }
    while (end >= start + 2 && manual->text[end - 1] == '\n' && manual->text[end - 2] == '\n')
        end--;
    bool tell = request->heading == NULL && manual->lines > LONG_PAGE && manual->count > 0;
    if ((tell &&
            (buffer_printf(output, "[%zu lines; 'heading' shows one of: ", manual->lines) < 0 ||
                manual_append_names(manual, output) < 0 ||
                buffer_append_text(output, "; 'pattern' shows paragraphs]\n") < 0)) ||
        utf8_append_repaired(output, manual->text + start, end - start) < 0)
        return error_system(error, "keep the page");
    return 0;
}

static void tell_person(const struct request *request, struct tool_call *call)
{
    char text[NAME_LONGEST + 100];
    size_t lines = 0;
    for (const char *at = call->output.data; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    int length =
        snprintf(text, sizeof text, "%s: %zu line%s", title(request), lines, lines == 1 ? "" : "s");
    tool_display(call, text, (size_t)length);
}

static int run(struct tool_call *call, struct error *error)
{
    struct request request;
    struct answer answer;
    struct manual manual = {.count = 0};
    struct buffer text;
    if (read_request(&request, call, error) < 0)
        return -1;
    answer_init(&answer);
    buffer_init(&text, PAGE_LIMIT + 1);
    int result = find_page(&request, &answer, error);
    if (result == 0 && (manual_append_plain(&text, answer.output.data, answer.output.length) < 0 ||
                           manual_read(&manual, text.data, text.length) < 0))
        result = error_system(error, "read the page");
    if (result == 0)
        result = show(&request, &manual, call, error);
    if (result == 0)
        tell_person(&request, call);
    manual_release(&manual);
    buffer_release(&text);
    answer_release(&answer);
    return result;
}

static const struct tool man = {
    .name = "man",
    .purpose = "shows a manual page, or a part of one, as plain text",
    .run = run,
};

int main(int argc, char **argv)
{
    return tool_main(&man, argc, argv);
}
