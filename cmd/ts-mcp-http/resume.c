#include "bridge.h"

#include "base/clock.h"
#include "base/random.h"
#include "common/program.h"

enum {
    WAIT_FIRST_MS = 1000, /* doubled with every attempt in vain */
    WAIT_MOST_MS = 60000,
    ATTEMPTS_MOST = 5, /* in a row, for the answer to a request */
};

static void begin_again(void *context)
{
    post_start(context);
}

static void schedule(struct post *post)
{
    int64_t wait = WAIT_FIRST_MS;
    for (int i = 0; i < post->attempts && wait < WAIT_MOST_MS; i++)
        wait *= 2;
    if (wait > WAIT_MOST_MS)
        wait = WAIT_MOST_MS;
    post->attempts++;
    /* Half of it is chance, so that many clients do not come back together. */
    wait = wait / 2 + (int64_t)(random_number() % (uint64_t)(wait / 2 + 1));
    if (post->events.retry_ms >= 0 && post->attempts == 1)
        wait = post->events.retry_ms < WAIT_MOST_MS ? post->events.retry_ms : WAIT_MOST_MS;
    post->again = (struct loop_timer){.call = begin_again, .context = post};
    loop_timer_set(post->bridge->loop, &post->again, clock_monotonic_ms() + wait);
}

bool resume_later(struct post *post)
{
    bool streamed = post->content == CONTENT_EVENTS || post->resuming;
    bool refused = post->resuming && post->exchange.status >= 400 && post->exchange.status < 500;
    if (!streamed || refused || post->version != NULL || post->events.id[0] == '\0' ||
        post->attempts >= ATTEMPTS_MOST || post->bridge->stage != STAGE_RUNNING)
        return false;
    post->resuming = true;
    schedule(post);
    return true;
}

void listen_ended(struct post *post, const struct failure *failure)
{
    int status = post->exchange.status;
    if (status == 404 && post->bridge->session[0] != '\0') {
        bridge_session_over(post->bridge);
        post_free(post);
    } else if (post->error.text[0] != '\0' || (status >= 300 && status < 500) ||
               (failure == NULL && status < 500 && post->content != CONTENT_EVENTS)) {
        /* 405: it has none. Whatever else is wrong will be the same next time. */
        if (status != 405 && status != 404)
            warn("the server's own stream is done without: %s (HTTP %d)",
                post->error.text[0] != '\0' ? post->error.text : "it is refused", status);
        post_free(post);
    } else {
        schedule(post);
    }
}
