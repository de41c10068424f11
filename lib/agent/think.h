/*
 * Tells reasoning from answer when a model marks its reasoning inside the text:
 * <think>...</think> or <reasoning>...</reasoning>, cut anywhere by the stream.
 *
 * An open tag counts only where the answer begins (white space before it
 * allowed), so that prose and code may speak of the tags; with THINK_ALWAYS it
 * counts everywhere. Any close tag ends any block; tags are case-sensitive.
 * Only what may still become a tag is held back; everything else leaves at
 * once, in order, and nothing is lost.
 */
#ifndef AGENT_THINK_H
#define AGENT_THINK_H

#include <stdbool.h>
#include <stddef.h>

enum think_mode { THINK_AUTO, THINK_ALWAYS, THINK_NEVER };
enum think_kind { THINK_CONTENT, THINK_REASONING };

enum { THINK_TAG_MAXIMUM = 12 }; /* strlen("</reasoning>") */

/* A piece of text, never empty, valid only during the call. Return -1 to stop. */
typedef int think_text(void *context, enum think_kind kind, const char *text, size_t length);

struct think_splitter {
    enum think_mode mode;
    bool inside;       /* in a reasoning block */
    bool answer_began; /* visible text was seen: in THINK_AUTO no open tag counts any more */
    char held[THINK_TAG_MAXIMUM]; /* the beginning of what may be a tag */
    size_t held_length;
};

void think_init(struct think_splitter *splitter, enum think_mode mode);

/* 0, or -1 when the callback said stop. */
int think_feed(struct think_splitter *splitter, const char *text, size_t length, think_text *call,
    void *context);

/*
 * Hand out what is held back, as the kind it arrived as: at the end, and before
 * anything that comes by another way (a tool call, a reasoning field).
 */
int think_flush(struct think_splitter *splitter, think_text *call, void *context);

/* The server separates reasoning itself: in THINK_AUTO, tags are plain text from now on. */
void think_server_separates(struct think_splitter *splitter);

#endif
