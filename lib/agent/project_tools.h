/*
 * The tools that a project brings along, in its .turnstone/tools.
 *
 * A project is somebody else's: its tools are there only when a person has
 * looked at them and said so (ts-config trust), and as long as they are what
 * they were then. What is trusted, each by path and content (data/trust.h):
 * the definition, its program, and every file that the words of its command
 * name. A changed byte in any of them ends it.
 *
 * A project's tool never takes the name of another one, confines itself by the
 * profile of ts-jail only, and is asked about whatever its definition says.
 */
#ifndef AGENT_PROJECT_TOOLS_H
#define AGENT_PROJECT_TOOLS_H

#include "agent/tooldef.h"
#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

/* The directory of the project's tools, as config_find_above finds it, resolved; path has PATH_MAX
 * bytes. False: there is none. */
bool project_tools_find(const char *project, char *path);

/*
 * Add the project's tools that are trusted. Why others are not there is
 * appended to notes, sentences for a person, each ended by a newline; NULL:
 * nobody wants to know. Nothing in a project can make this fail but a lack of
 * memory: 0, or -1 with a sentence.
 */
int project_tools_add(
    struct tool_set *set, const char *project, struct buffer *notes, struct error *error);

/* Whether a tool of the set may still be run: true for one that is no project's. */
bool project_tool_holds(const struct tool_definition *tool, const char *project);

/*
 * Call use for each file that must be trusted for this tool, until it returns
 * other than 0; returns that. The first is the definition.
 */
int project_tool_files(const struct tool_definition *tool, const char *project,
    int (*use)(void *context, const char *path), void *context);

#endif
