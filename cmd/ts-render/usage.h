/* "[12,345 / 131,072 tokens (9%)] · high": what a status event says about the context window. */
#ifndef TS_RENDER_USAGE_H
#define TS_RENDER_USAGE_H

#include "data/json.h"

#include <stdbool.h>

struct buffer;

/* Replace the line; it becomes empty when the event has no figures. */
void usage_line(struct buffer *line, const cJSON *status, bool unicode);

#endif
