/*
 * Headers and previews of a call as a line with holes, tooldef(5).
 *
 *     {path}                   the argument, a text as it is, other values as JSON
 *     [ from line {offset}]    shown only when every argument in it is given
 *     {{ }} [[ ]]              the characters themselves
 *
 * Sections do not nest. What comes out is plain text that may hold anything
 * the model wrote: whoever shows it makes control bytes visible.
 */
#ifndef AGENT_TEMPLATE_H
#define AGENT_TEMPLATE_H

#include "base/error.h"

#include <cjson/cJSON.h>

struct buffer;

/* Check the form, and that every hole names one of properties (a schema's). 0, or -1. */
int template_check(const char *template, const cJSON *properties, struct error *error);

/* Append a checked template filled from arguments; what is absent is left out. 0, or -1 (errno). */
int template_append(struct buffer *buffer, const char *template, const cJSON *arguments);

#endif
