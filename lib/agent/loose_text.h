/*
 * Lines of a text as somebody would remember them: what models get wrong when
 * they quote a file is taken out of a second copy of each line, its key.
 *
 * A key has no indentation and no white space at its end; runs of white space
 * (also no-break spaces) are one space; typographic quotes, dashes and the
 * ellipsis are ASCII; the line ending is gone. Lines that have the same key
 * are loosely equal. The text is not copied and must outlive this.
 */
#ifndef AGENT_LOOSE_TEXT_H
#define AGENT_LOOSE_TEXT_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loose_line {
    const char *text;
    size_t length; /* without its ending */
    size_t indent; /* bytes of spaces and tabs at the front; all of a blank line */
    size_t ending; /* bytes of "\n" or "\r\n"; 0: the text ends without one */
    size_t key_start, key_length;
    uint64_t hash; /* of the key */
};

struct loose_text {
    struct loose_line *lines; /* owned */
    size_t count;
    struct buffer keys; /* owned */
};

/* 0, or -1 when memory is short. */
int loose_text_init(struct loose_text *loose, const char *text, size_t length);
void loose_text_release(struct loose_text *loose);

const char *loose_key(const struct loose_text *loose, const struct loose_line *line);
bool loose_equal(const struct loose_text *one, const struct loose_line *line,
    const struct loose_text *other, const struct loose_line *other_line);

/* Where in the line's text the byte of its key at this offset came from. */
size_t loose_origin(const struct loose_line *line, size_t key_offset);

#endif
