/*
 * Lines of HTTP headers, "Name: value". Their values may be secrets: they are
 * wiped when they are released, and no error repeats one.
 */
#ifndef TS_MCP_HTTP_HEADERS_H
#define TS_MCP_HTTP_HEADERS_H

#include "agent/redact.h"
#include "base/error.h"

#include <stddef.h>

enum {
    HEADERS_MOST = 96,
    HEADER_VALUE_MOST = 8 << 10, /* bytes; servers refuse longer ones */
};

/* Zeroed when empty. */
struct headers {
    char *lines[HEADERS_MOST + 1]; /* owned; ends with NULL */
    size_t count;
};

void headers_release(struct headers *headers);

/* 0, or -1 with a sentence: no memory, no room, or no header can hold the value. */
int headers_add(struct headers *headers, const char *name, const char *value, struct error *error);

/* The same for any text: what no header can hold goes as "=?base64?...?=" (MCP, 2026-07-28). */
int headers_add_encoded(
    struct headers *headers, const char *name, const char *value, struct error *error);

/*
 * Take those of TS_MCP_HEADERS, a JSON object of texts, out of the environment;
 * the redactor learns their values. 0, or -1 with a sentence.
 */
int headers_from_environment(
    struct headers *headers, struct redactor *redactor, struct error *error);

#endif
