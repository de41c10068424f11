#include "curl_loop.h"

#include <event2/event.h>
#include <stdlib.h>

struct curl_loop {
    struct event_base *base;
    CURLM *multi;
    struct event *timer;
    curl_loop_done *done;
};

static void report_done(struct curl_loop *loop)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(loop->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *transfer = message->easy_handle;
        CURLcode result = message->data.result;
        curl_multi_remove_handle(loop->multi, transfer);
        loop->done(transfer, result);
    }
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
    struct curl_loop *loop = context;
    int running;
    int mask =
        ((what & EV_READ) ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(loop->multi, fd, mask, &running);
    report_done(loop);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct curl_loop *loop = context;
    int running;
    curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    report_done(loop);
}

static int watch_socket(CURL *transfer, curl_socket_t fd, int what, void *context, void *watched)
{
    (void)transfer;
    struct curl_loop *loop = context;
    if (watched != NULL)
        event_free(watched);
    curl_multi_assign(loop->multi, fd, NULL);
    if (what == CURL_POLL_REMOVE)
        return 0;
    int events = EV_PERSIST | ((what & CURL_POLL_IN) ? EV_READ : 0) |
                 ((what & CURL_POLL_OUT) ? EV_WRITE : 0);
    struct event *event = event_new(loop->base, fd, (short)events, on_socket, loop);
    if (event == NULL || event_add(event, NULL) < 0) {
        if (event != NULL)
            event_free(event);
        return -1;
    }
    curl_multi_assign(loop->multi, fd, event);
    return 0;
}

static int set_timer(CURLM *multi, long milliseconds, void *context)
{
    (void)multi;
    struct curl_loop *loop = context;
    if (milliseconds < 0)
        return evtimer_del(loop->timer);
    struct timeval time = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    return evtimer_add(loop->timer, &time);
}

struct curl_loop *curl_loop_new(struct event_base *base, curl_loop_done *done)
{
    struct curl_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return NULL;
    loop->base = base;
    loop->done = done;
    loop->multi = curl_multi_init();
    loop->timer = evtimer_new(base, on_timer, loop);
    if (loop->multi == NULL || loop->timer == NULL) {
        curl_loop_free(loop);
        return NULL;
    }
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    return loop;
}

void curl_loop_free(struct curl_loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->multi != NULL)
        curl_multi_cleanup(loop->multi);
    if (loop->timer != NULL)
        event_free(loop->timer);
    free(loop);
}

int curl_loop_add(struct curl_loop *loop, CURL *transfer)
{
    return curl_multi_add_handle(loop->multi, transfer) == CURLM_OK ? 0 : -1;
}

void curl_loop_remove(struct curl_loop *loop, CURL *transfer)
{
    curl_multi_remove_handle(loop->multi, transfer);
}
