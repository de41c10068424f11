#include "agent/line_search.h"

#include "base/clock.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 256 << 10,          /* bytes searched at once */
    LINE_LIMIT_BYTES = 1 << 20, /* only the beginning of a longer line is searched */
    MATCH_LIMIT = 2000000,      /* steps in one piece, about 20 ms */
    HEAP_LIMIT_KIB = 32 << 10,
    STACK_LEAST = 32 << 10, /* bytes of the compiled matcher's own stack */
    STACK_MOST = 1 << 20,
};

struct line_search {
    pcre2_code *code;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    pcre2_match_data *data;
    int64_t deadline;
    size_t given_up;
    bool timed_out;
};

static int compile(struct line_search *search, const char *expression, bool literal,
    bool ignore_case, struct error *error)
{
    int code = 0;
    PCRE2_SIZE offset = 0;
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
    options |= literal ? PCRE2_LITERAL : PCRE2_MULTILINE | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
    options |= ignore_case ? PCRE2_CASELESS : 0;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL)
        return error_set(error, "compile '%s': no memory", expression);
    pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    search->code = pcre2_compile(
        (PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED, options, &code, &offset, context);
    pcre2_compile_context_free(context);
    if (search->code != NULL)
        return 0;
    PCRE2_UCHAR reason[128];
    pcre2_get_error_message(code, reason, sizeof reason);
    return error_set(error, "%s at byte %zu", (const char *)reason, (size_t)offset);
}

struct line_search *line_search_new(
    const char *expression, bool literal, bool ignore_case, int64_t deadline, struct error *error)
{
    struct line_search *search = calloc(1, sizeof *search);
    if (search == NULL) {
        error_system(error, "search");
        return NULL;
    }
    search->deadline = deadline;
    if (compile(search, expression, literal, ignore_case, error) < 0) {
        line_search_free(search);
        return NULL;
    }
    (void)pcre2_jit_compile(search->code, PCRE2_JIT_COMPLETE); /* slower without, not wrong */
    search->context = pcre2_match_context_create(NULL);
    search->stack = pcre2_jit_stack_create(STACK_LEAST, STACK_MOST, NULL);
    search->data = pcre2_match_data_create(1, NULL);
    if (search->context == NULL || search->data == NULL) {
        error_set(error, "search: no memory");
        line_search_free(search);
        return NULL;
    }
    pcre2_set_match_limit(search->context, MATCH_LIMIT);
    pcre2_set_heap_limit(search->context, HEAP_LIMIT_KIB);
    if (search->stack != NULL)
        pcre2_jit_stack_assign(search->context, NULL, search->stack);
    return search;
}

void line_search_free(struct line_search *search)
{
    if (search == NULL)
        return;
    pcre2_match_data_free(search->data);
    pcre2_jit_stack_free(search->stack);
    pcre2_match_context_free(search->context);
    pcre2_code_free(search->code);
    free(search);
}

/* 1: found, 0: not, -1: given up. Offsets are from text. */
static int match_within(
    struct line_search *search, const char *text, size_t length, size_t *start, size_t *end)
{
    int result =
        pcre2_match(search->code, (PCRE2_SPTR)text, length, 0, 0, search->data, search->context);
    if (result == PCRE2_ERROR_NOMATCH)
        return 0;
    if (result < 0)
        return -1;
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(search->data);
    *start = offsets[0];
    *end = offsets[1] > offsets[0] ? offsets[1] : offsets[0];
    return 1;
}

static size_t line_end(const char *text, size_t length, size_t at)
{
    const char *newline = memchr(text + at, '\n', length - at);
    return newline != NULL ? (size_t)(newline - text) : length;
}

static bool match_line(struct line_search *search, const char *text, struct line_match *match)
{
    size_t length = match->line_end - match->line_start;
    int found = match_within(search, text + match->line_start,
        length < LINE_LIMIT_BYTES ? length : LINE_LIMIT_BYTES, &match->start, &match->end);
    search->given_up += found < 0;
    search->timed_out = found < 0 && clock_monotonic_ms() >= search->deadline;
    match->start += match->line_start;
    match->end += match->line_start;
    return found > 0;
}

/* Where a piece beginning at from ends: behind a newline, or at the end of the text. */
static size_t piece_end(const char *text, size_t length, size_t from)
{
    if (length - from <= PIECE)
        return length;
    const char *newline = memrchr(text + from, '\n', PIECE);
    size_t end = newline != NULL ? (size_t)(newline - text) : line_end(text, length, from + PIECE);
    return end < length ? end + 1 : length;
}

/* Line by line: for a piece that is too much for the expression. */
static bool next_by_lines(struct line_search *search, const char *text, size_t end, size_t *from,
    struct line_match *match)
{
    while (*from < end) {
        match->line_start = *from;
        match->line_end = line_end(text, end, *from);
        *from = match->line_end + 1;
        if (match_line(search, text, match))
            return true;
        if (search->timed_out)
            break;
    }
    return false;
}

/*
 * A match found in a piece shows which line to look at; it may reach over the
 * line's end, so the line decides for itself.
 */
static bool next_in_piece(struct line_search *search, const char *text, size_t end, size_t *from,
    struct line_match *match)
{
    while (*from < end) {
        size_t start = 0, stop = 0;
        int found = match_within(search, text + *from, end - *from, &start, &stop);
        if (found < 0)
            return next_by_lines(search, text, end, from, match);
        if (found == 0)
            break;
        start += *from;
        if (start >= end && text[end - 1] == '\n')
            break; /* the empty text behind the last newline is no line */
        const char *before = start > *from ? memrchr(text + *from, '\n', start - *from) : NULL;
        match->line_start = before != NULL ? (size_t)(before - text) + 1 : *from;
        match->line_end = line_end(text, end, start);
        *from = match->line_end + 1;
        if (match_line(search, text, match))
            return true;
    }
    *from = end;
    return false;
}

bool line_search_next(struct line_search *search, const char *text, size_t length, size_t from,
    struct line_match *match)
{
    while (from < length && !search->timed_out) {
        size_t end = piece_end(text, length, from);
        if (next_in_piece(search, text, end, &from, match))
            return true;
        from = from < end ? end : from;
    }
    return false;
}

bool line_search_timed_out(const struct line_search *search)
{
    return search != NULL && search->timed_out;
}

size_t line_search_given_up(const struct line_search *search)
{
    return search != NULL ? search->given_up : 0;
}
