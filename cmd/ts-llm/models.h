/*
 * What a server's list of models (GET /models) tells: which model to use when
 * none is configured, and how large its context window is.
 *
 * The window is no part of the standard answer. vLLM tells max_model_len,
 * llama.cpp meta.n_ctx (older ones only n_ctx_train, the most it could be),
 * others context_length, context_window or max_context_length.
 */
#ifndef TS_LLM_MODELS_H
#define TS_LLM_MODELS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODELS_BODY_LIMIT = 8 << 20 }; /* bytes of a list; a router's has hundreds of models */

/* What was learnt about an alias, kept for the life of the process. */
struct model_facts {
    struct model_facts *next;
    char *alias;
    char *name;             /* NULL: not detected */
    int64_t context_window; /* 0: not told */
    bool listed;            /* the server was asked */
    bool without_usage;     /* the server objects to stream_options */
};

/* Those of an alias, made when there are none yet. NULL: no memory. */
struct model_facts *models_facts(struct model_facts **list, const char *alias);
void models_free(struct model_facts *list);

/*
 * Read a list. wanted: the configured model, or NULL for the first one listed.
 * Sets facts' name (when wanted is NULL) and window; returns the number of
 * models, or -1 with a sentence: no list, or no models in it.
 */
long models_read(struct model_facts *facts, const char *wanted, const char *body, size_t length,
    struct error *error);

#endif
