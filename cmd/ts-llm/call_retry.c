/* One retry layer: what is tried again, how often, after how long. */
#include "ts-llm/call.h"

#include "base/clock.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

enum {
    BACKOFF_FIRST_MS = 500,
    BACKOFF_MOST_MS = 8000,
    ASKED_WAIT_MOST_MS = 60000, /* a longer Retry-After is an answer, not a pause */
    BROKEN_STREAMS_MOST = 2,    /* retries of attempts that had begun to answer */
};

/* Doubled each time, and spread over its upper half so that clients do not come back together. */
static int64_t backoff(int64_t retries)
{
    int64_t wait_ms = BACKOFF_FIRST_MS;
    while (retries-- > 0 && wait_ms < BACKOFF_MOST_MS)
        wait_ms *= 2;
    if (wait_ms > BACKOFF_MOST_MS)
        wait_ms = BACKOFF_MOST_MS;
    return wait_ms / 2 + (int64_t)(random_number() % (uint64_t)(wait_ms / 2 + 1));
}

static bool worth_another(const struct call *call, const struct failure *failure)
{
    if (!failure->again || call->retries >= call->model.retries)
        return false;
    return !call->answer.began || call->broken_streams < BROKEN_STREAMS_MOST;
}

static void pause_before(struct call *call, int64_t wait_ms)
{
    call->resume_phase = call->phase;
    call->phase = CALL_PAUSING;
    loop_timer_set(call->service->loop, &call->pause, clock_monotonic_ms() + wait_ms);
}

static void report(struct call *call, const struct failure *failure)
{
    char address[2048], text[4096];
    int length = snprintf(
        text, sizeof text, "%s: %s", call_address(call, address, sizeof address), failure->text);
    size_t at = length < 0 ? 0 : (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    const char *name = call_model_name(call);
    if (name != NULL && call->retries > 0)
        snprintf(text + at, sizeof text - at, " (model %.200s, %lld attempts)", name,
            (long long)call->retries + 1);
    else if (name != NULL)
        snprintf(text + at, sizeof text - at, " (model %.200s)", name);
    call_put_error(call, failure, text);
    call_end(call);
}

static bool ask_without_usage(struct call *call, const struct failure *failure)
{
    if (!failure->stream_options_refused || call->usage_dropped || call->phase != CALL_ANSWERING)
        return false;
    call->usage_dropped = true;
    call->facts->without_usage = true;
    request_without_usage(&call->request);
    call_put_info(call, "the server refuses stream_options; asking again without, so the usage "
                        "may be unknown");
    pause_before(call, 0);
    return true;
}

void call_failed(struct call *call, const struct failure *failure)
{
    struct failure told = *failure;
    char address[2048];
    if (ask_without_usage(call, failure))
        return;
    int64_t wait_ms = backoff(call->retries);
    if (call->exchange.retry_after_ms > ASKED_WAIT_MOST_MS) {
        size_t length = strlen(told.text);
        snprintf(told.text + length, sizeof told.text - length, "; it asks to wait %lld s",
            (long long)(call->exchange.retry_after_ms / 1000));
        told.again = false;
    } else if (call->exchange.retry_after_ms >= 0) {
        wait_ms = call->exchange.retry_after_ms + (int64_t)(random_number() % 50);
    }
    if (!worth_another(call, &told)) {
        /* A detected model that is gone may have been replaced: look again the next time. */
        if (told.status == 404 && call->model.model == NULL)
            call->facts->listed = false;
        report(call, &told);
        return;
    }
    if (call->shown)
        call_put_discard(call);
    call->retries++;
    if (call->answer.began)
        call->broken_streams++;
    call_put_info(call, "%s: %s; trying again in %.1f s (%lld of %lld)",
        call_address(call, address, sizeof address), told.text, (double)wait_ms / 1000,
        (long long)call->retries, (long long)call->model.retries);
    pause_before(call, wait_ms);
}
