/*
 * Reading the arguments of a tool call as models really write them.
 *
 * Strict JSON comes first. What is damaged in a way that has one reading is
 * put right: line breaks and other control characters in strings, a backslash
 * before a character that needs none, trailing commas, closing brackets that
 * are missing or too many, single quotes, names without quotes, True, False
 * and None, a code fence around it, text behind it, an object that was quoted
 * once more. Everything else is refused; above all a text that ends inside a
 * string, because half a command is another command.
 *
 * A call that was repaired is a guess: it is marked, shown, and never runs
 * without somebody's word.
 */
#ifndef AGENT_REPAIR_H
#define AGENT_REPAIR_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum { REPAIR_NOTE_SIZE = 256 };

struct repair {
    bool repaired;
    char note[REPAIR_NOTE_SIZE]; /* what was put right: fragments with commas between them */
};

/*
 * The arguments as an object, which the caller frees (json_free). An empty text
 * is an empty object. bare_key is the argument that a text which is no JSON at
 * all becomes; NULL: no argument suffices alone, and such a text is refused.
 * NULL with a sentence for the model when the text cannot be read.
 */
cJSON *repair_arguments(const char *text, size_t length, const char *bare_key,
    struct repair *repair, struct error *error);

#endif
