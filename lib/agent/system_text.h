/*
 * What the model is told before anybody speaks.
 *
 * The system text is the same for the whole session, byte for byte, so that a
 * server's prompt cache keeps it. What changes (place, date, git) goes in front
 * of the first prompt instead.
 */
#ifndef AGENT_SYSTEM_TEXT_H
#define AGENT_SYSTEM_TEXT_H

#include "base/error.h"

#include <stdbool.h>

struct buffer;

/* Append the system text; instructions may be NULL. 0, or -1 (errno). */
int system_text_append(struct buffer *buffer, bool tools, const char *instructions);

/* What an agent that another conversation started is told besides. */
enum system_text_agent { SYSTEM_TEXT_TASK, SYSTEM_TEXT_PLAN };

/* Append an agent's part behind the system text. 0, or -1 (errno). */
int system_text_append_agent(struct buffer *buffer, enum system_text_agent agent);

/* Append one line about directory, date, platform and git branch, and an empty line. 0 or -1. */
int system_text_append_surroundings(struct buffer *buffer, const char *directory);

/*
 * Append what the directory's AGENTS.md says, when there is one, with a heading
 * and an empty line. Returns the bytes taken from it, 0 when there is none, or
 * -1 with a sentence (unreadable, no regular file). A long one is cut, and says so.
 */
long system_text_append_project(struct buffer *buffer, const char *directory, struct error *error);

#endif
