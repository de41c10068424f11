/*
 * Rows of text in aligned columns on stdout, for the lists that people read.
 *
 * On a terminal the last column is cut at its edge; elsewhere everything is
 * printed. Control bytes are made visible. Memory running short ends the
 * program.
 */
#ifndef CMD_COMMON_COLUMNS_H
#define CMD_COMMON_COLUMNS_H

#include <stddef.h>

enum { COLUMNS_MOST = 8 };

struct columns {
    size_t count; /* cells of a row */
    char **cells; /* owned */
    size_t filled;
    size_t room;
};

/* The heading is the first row. */
void columns_init(struct columns *columns, size_t count, const char *const *heading);
void columns_release(struct columns *columns);

/* A row, copied. NULL and "" are shown as "-". */
void columns_add(struct columns *columns, const char *const *cells);

void columns_print(const struct columns *columns);

/* The rows; where there is none behind the heading, a sentence on stderr instead. */
void columns_print_or_say(const struct columns *columns, const char *nothing);

/* Text on stdout with control bytes made visible; newlines stay newlines, with indent behind each.
 */
void columns_print_text(const char *text, size_t length, const char *indent);

#endif
