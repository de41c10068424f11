/* The addresses of a model's server: what is asked, and what may be shown to people. */
#ifndef TS_LLM_ENDPOINT_H
#define TS_LLM_ENDPOINT_H

#include "base/error.h"

#include <stdbool.h>

struct endpoint {
    char *base; /* as shown: without user, password and query */
    char *chat; /* .../chat/completions */
    char *chat_shown;
    char *models; /* .../models */
    char *models_shown;
    bool loopback; /* the host is this machine */
};

/* A query in base_url (an API version, say) stays behind the path. 0, or -1 with a sentence. */
int endpoint_init(struct endpoint *endpoint, const char *base_url, struct error *error);
void endpoint_release(struct endpoint *endpoint);

#endif
