/* Synthesised tokens: a block of frames that is sent over and over. */
#include "compose_parts.h"

enum {
    FRAMES_FAST = 256, /* frames in a block that is sent as fast as it is taken */
    FRAMES_SLOW = 16,  /* and at a rate: thousands of such streams may be open */
};

/* What synthesised text is cut from; FRAMES_FAST characters, so that it goes on without a seam. */
static const char prose[] =
    "the quick brown fox jumps over the lazy dog while forty two small programs talk to each "
    "other in plain lines and nobody has to wait for long because every one of them does a "
    "single thing well and then hands on what it knows to the next in the pipe, and so on; ";

static int add_frame(struct composer *composer, size_t number)
{
    size_t size = (size_t)composer->answer->synthesis.token_size;
    struct buffer text, json;
    buffer_init(&text, PLAN_BYTES_LIMIT);
    buffer_init(&json, PLAN_BYTES_LIMIT);
    int status = buffer_append_text(&text, "{\"content\":\"");
    for (size_t i = 0; status == 0 && i < size; i++)
        status = buffer_append_byte(&text, prose[(number * size + i) % FRAMES_FAST]);
    if (status == 0)
        status = buffer_append_text(&text, "\"}");
    if (status == 0)
        status = append_chunk(composer, &json, text.data, NULL);
    if (status == 0)
        status = append_event(composer, &composer->plan->block, json.data);
    buffer_release(&text);
    buffer_release(&json);
    return status;
}

int make_tokens(struct composer *composer)
{
    _Static_assert(sizeof prose > FRAMES_FAST, "the prose is too short");
    struct plan *plan = composer->plan;
    const struct synthesis *synthesis = &composer->answer->synthesis;
    plan->tokens_before = plan->count;
    plan->tokens = synthesis->tokens;
    plan->rate = synthesis->rate;
    plan->first_token_delay_ms = synthesis->first_token_delay_ms;
    size_t frames = synthesis->rate > 0 ? FRAMES_SLOW : FRAMES_FAST;
    for (size_t i = 0; i < frames; i++)
        if (add_frame(composer, i) < 0)
            return -1;
    plan->frame_size = plan->block.length / frames;
    return 0;
}
