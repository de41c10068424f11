/*
 * Find the lines of a text that match a Perl-compatible regular expression.
 *
 * The text may be any bytes: what is no UTF-8 matches nothing but is stepped
 * over. Lines are found by searching large pieces, not line by line. An
 * expression that backtracks without end is given up on for that line, and
 * counted, so that a search always ends.
 */
#ifndef AGENT_LINE_SEARCH_H
#define AGENT_LINE_SEARCH_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line_search;

struct line_match {
    size_t line_start, line_end; /* the line's bytes, without its newline */
    size_t start, end;           /* the first match in it */
};

/* NULL with a sentence that says what is wrong with the expression and where. The deadline
 * (clock_monotonic_ms) ends line_search_next when an expression is given up on again and again. */
struct line_search *line_search_new(
    const char *expression, bool literal, bool ignore_case, int64_t deadline, struct error *error);
void line_search_free(struct line_search *search);

/*
 * The next matching line at or behind from, which is the start of a line.
 * false: there is none.
 */
bool line_search_next(struct line_search *search, const char *text, size_t length, size_t from,
    struct line_match *match);

/* Whether the deadline did; false and 0 for a search of NULL. */
bool line_search_timed_out(const struct line_search *search);

/* Lines given up on so far. */
size_t line_search_given_up(const struct line_search *search);

#endif
