/*
 * The programs that the web tools run: ts-fetch and ts-html, each under
 * ts-jail in a sandbox of its own, and the model.
 */
#ifndef CMD_COMMON_WEB_H
#define CMD_COMMON_WEB_H

#include "agent/tool.h"
#include "base/buffer.h"
#include "data/config.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    WEB_SHOWN_MOST = 50000, /* characters of a page that reach a model: head and tail */
    WEB_TEXT_MOST = 64 << 20,
};

struct web_request {
    const char *url;
    bool trusted;       /* a person configured it */
    const char *post;   /* JSON to send; NULL: GET */
    const char *header; /* a line that may hold a secret; NULL: none */
};

struct web_answer {
    cJSON *line;        /* what ts-fetch says of it; owned */
    struct buffer text; /* owned */
};

void web_answer_init(struct web_answer *answer);
void web_answer_release(struct web_answer *answer);

/* The configuration, or NULL with a sentence. */
struct config *web_config(struct error *error);

/* Get an answer, whatever its status. 0, or -1 with a sentence. */
int web_fetch(struct config *config, const struct web_request *request, int64_t deadline,
    struct web_answer *answer, struct error *error);

/* Replace HTML by its text. 0, or -1 with a sentence. */
int web_read_html(struct config *config, const char *base, int64_t deadline, struct buffer *text,
    struct error *error);

/* Have the model answer a question about a text. 0, or -1 with a sentence. */
int web_ask_model(struct tool_call *call, struct config *config, const char *system,
    const char *user, int64_t deadline, struct buffer *answer, struct error *error);

/*
 * Append text from outside between marks that it cannot know, behind a sentence
 * that says what it is; what is over WEB_SHOWN_MOST is cut from its middle. 0, or -1 (errno).
 */
int web_append_marked(struct buffer *output, const char *what, const struct buffer *text);

/* Text without the white space around it, in a copy the caller frees; NULL: no memory. */
char *web_trimmed(const char *text);

#endif
