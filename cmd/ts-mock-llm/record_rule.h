/* A recorded answer as a line of a script. */
#ifndef TS_MOCK_LLM_RECORD_RULE_H
#define TS_MOCK_LLM_RECORD_RULE_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RULE_HEADER_SIZE = 128, RULE_PATH_SIZE = 512 };

struct recorded_rule {
    int64_t number; /* of the chat completion; 0: it is another path's */
    char path[RULE_PATH_SIZE];
    long status;
    char content_type[RULE_HEADER_SIZE];
    char retry_after[RULE_HEADER_SIZE]; /* "": none */
    struct buffer pieces;               /* the elements of "raw" */
    long count;
    bool broken; /* the body died after the last piece */
};

void recorded_rule_init(struct recorded_rule *rule, int64_t number, const char *path);
void recorded_rule_release(struct recorded_rule *rule);

/* One piece of the body. 0, or -1 when there is no room. */
int recorded_rule_add(struct recorded_rule *rule, const char *bytes, size_t length);

/* The whole line, in one write. 0, or -1 with a sentence. */
int recorded_rule_write(struct recorded_rule *rule, int fd, struct error *error);

#endif
