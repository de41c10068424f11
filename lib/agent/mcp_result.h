/*
 * The result of tools/call as text for the model: texts as they are, images
 * and other bytes saved to files and described by type and size, links and
 * embedded resources named, structured content when there is no text.
 */
#ifndef AGENT_MCP_RESULT_H
#define AGENT_MCP_RESULT_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdbool.h>

struct buffer;

/* Where bytes go. */
struct mcp_files {
    const char *prefix;       /* of a file's name: the call's id; made safe here */
    char directory[PATH_MAX]; /* made when first needed, below the user's state directory */
    int count;                /* so far */
};

/*
 * Append the text of result, an object. *failed: the server calls it an error.
 * A file that cannot be written is said in the text. 0, or -1 with a sentence:
 * it is no result, or too long.
 */
int mcp_result_append(struct buffer *text, const cJSON *result, struct mcp_files *files,
    bool *failed, struct error *error);

#endif
