/*
 * A script: rules, one JSON object a line, that say how to answer what
 * (ts-mock-script(5)). The first rule that matches and is not used up answers.
 *
 * A rule owns its JSON tree; every text and value in it points there. Unknown
 * keys, wrong types and values out of range are refused when the script is
 * read, so that a test never runs against a script that means something else.
 */
#ifndef TS_MOCK_LLM_SCRIPT_H
#define TS_MOCK_LLM_SCRIPT_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

/* What an answer may do wrong, or differently from others. Names are in script_quirk.c. */
enum quirk {
    /* tool calls */
    QUIRK_NO_INDEX,
    QUIRK_INDEX_ZERO,
    QUIRK_NO_ID,
    QUIRK_EMPTY_ID,
    QUIRK_ID_EVERY_FRAGMENT,
    QUIRK_NAME_EVERY_FRAGMENT,
    QUIRK_NULL_ID_NAME,
    QUIRK_EMPTY_NAME,
    QUIRK_NAME_LAST,
    QUIRK_ARGUMENTS_OBJECT,
    QUIRK_WHOLE_CALLS,
    QUIRK_ONE_DELTA,
    QUIRK_INTERLEAVED,
    /* chunks */
    QUIRK_NULL_CHUNK,
    QUIRK_NULL_CHOICES,
    QUIRK_NO_CHOICES,
    QUIRK_EMPTY_CHOICES,
    QUIRK_NULL_DELTA,
    QUIRK_EMPTY_CONTENT,
    QUIRK_ROLE_EVERY_CHUNK,
    QUIRK_FINISH_WITH_LAST,
    QUIRK_MERGED,
    /* usage */
    QUIRK_USAGE_UNASKED,
    QUIRK_USAGE_WITH_FINISH,
    QUIRK_USAGE_NULL_CHOICES,
    QUIRK_USAGE_EVERY_CHUNK,
    /* lines of the event stream */
    QUIRK_CRLF,
    QUIRK_CR,
    QUIRK_COMMENTS,
    QUIRK_NO_SPACE,
    QUIRK_EVENT_LINES,
    QUIRK_SPLIT_DATA,
    QUIRK_BYTE_ORDER_MARK,
    QUIRK_NO_DONE,
    QUIRK_NO_FINAL_NEWLINE,
    /* the response */
    QUIRK_WHOLE_ANSWER,
    QUIRK_STREAM_ANYWAY,
    QUIRK_RESET,
    QUIRK_COUNT
};

struct synthesis {
    int64_t tokens;     /* how many content chunks */
    double rate;        /* of them a second; 0: as fast as the client reads */
    int64_t token_size; /* bytes of text in each */
    int64_t first_token_delay_ms;
};

struct answer {
    const cJSON *content;   /* a string, or an array of exact pieces; NULL: none */
    const cJSON *reasoning; /* the same */
    const char *reasoning_field;
    const cJSON *tool_calls;
    const cJSON *finish_reason; /* a string, null (sent so) or false (never sent); NULL: by kind */
    const cJSON *usage;         /* an object, or false; NULL: estimated */
    const cJSON *stream_error;  /* an error object in the middle of the stream */
    const cJSON *error;         /* a string or an object: an error response */
    const cJSON *body;          /* a complete JSON body */
    const cJSON *raw;           /* body pieces: strings or {"base64":S} */
    const cJSON *headers;
    const cJSON *quirk_names;
    const cJSON *synthesise;
    const char *content_type;
    bool templates;
    bool disconnect; /* close without a single byte of response */
    bool hang;       /* after the last piece nothing comes any more */
    int64_t status;  /* 0: 200, or 500 with an error */
    int64_t chunk_size;
    int64_t split_bytes;
    int64_t disconnect_after; /* -1: never */
    int64_t delay_ms;
    int64_t first_byte_delay_ms;
    int64_t chunk_delay_ms;
    bool quirks[QUIRK_COUNT];
    struct synthesis synthesis;
};

struct match {
    const char *exact;
    const char *contains;
    const char *regex;
    const char *role;
    const char *model;
    const char *tool;
    const char *body;
    const char *system;
    const char *path;
    const cJSON *header; /* object: name to text that the value contains */
    const cJSON *tools;  /* booleans; NULL: either */
    const cJSON *stream;
    int64_t request; /* 0: any */
    bool compiled;
    regex_t expression;
};

struct rule {
    cJSON *tree;
    unsigned long line;
    bool conditional;
    struct match match;
    int64_t times; /* how often it applies; 0: always */
    int64_t used;
    struct answer answer;
};

struct script {
    struct rule *rules;
    size_t count;
    size_t capacity;
};

/* What an answer is when its rule says nothing. */
void answer_defaults(struct answer *answer);

/* Add the rules of a file. 0, or -1 with a sentence that begins with FILE:LINE. */
int script_load(struct script *script, const char *path, struct error *error);

/* Add one rule from JSON text. 0, or -1 with a sentence. */
int script_add(struct script *script, const char *text, size_t length, unsigned long line,
    struct error *error);
void script_release(struct script *script);

/* Set quirks from an array of names. 0, or -1 with a sentence that names the unknown one. */
int script_quirks(bool quirks[QUIRK_COUNT], const cJSON *list, struct error *error);

#endif
