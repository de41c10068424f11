/*
 * What the model is told before anybody speaks.
 *
 * The system text is the same for the whole session, byte for byte, so that a
 * server's prompt cache keeps it. What changes (place, date, git) goes in front
 * of the first prompt instead.
 */
#ifndef AGENT_SYSTEM_TEXT_H
#define AGENT_SYSTEM_TEXT_H

#include <stdbool.h>

struct buffer;

/* Append the system text; instructions may be NULL. 0, or -1 (errno). */
int system_text_append(struct buffer *buffer, bool tools, const char *instructions);

/* Append one line about directory, date, platform and git branch, and an empty line. 0 or -1. */
int system_text_append_surroundings(struct buffer *buffer, const char *directory);

#endif
