/* libcurl's transfers on libevent's loop. */
#ifndef TS_MOCK_LLM_CURL_LOOP_H
#define TS_MOCK_LLM_CURL_LOOP_H

#include <curl/curl.h>

struct curl_loop;
struct event_base;

/* done is called once for each transfer that ended by itself, which is then no longer added. */
typedef void curl_loop_done(CURL *transfer, CURLcode result);

/* NULL when memory is short. */
struct curl_loop *curl_loop_new(struct event_base *base, curl_loop_done *done);
void curl_loop_free(struct curl_loop *loop);

/* 0 or -1. */
int curl_loop_add(struct curl_loop *loop, CURL *transfer);
void curl_loop_remove(struct curl_loop *loop, CURL *transfer);

#endif
