/*
 * Any bytes as an event stream: no crash, and the same events and the same
 * answer wherever the stream is cut. The first byte says where.
 */
#include "agent/answer.h"
#include "base/buffer.h"
#include "data/sse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TRACE_LIMIT = 16 << 20 };

struct trace {
    struct answer answer;
    struct buffer text; /* kind and text of what came out */
    enum answer_status status;
};

static int note_text(void *context, enum think_kind kind, const char *text, size_t length)
{
    struct trace *trace = context;
    buffer_append_byte(&trace->text, kind == THINK_CONTENT ? 'c' : 'r');
    return buffer_append(&trace->text, text, length);
}

static int take_event(void *context, const char *payload, size_t length, bool error_event)
{
    struct trace *trace = context;
    struct error error;
    trace->status = answer_payload(&trace->answer, payload, length, error_event, &error);
    return trace->status == ANSWER_MORE ? 0 : -1;
}

/* In pieces of piece bytes, each in memory of its own so that a read beyond it is seen. */
static void run(struct trace *trace, const uint8_t *data, size_t size, size_t piece)
{
    struct sse_reader reader;
    int result = 0;
    trace->status = ANSWER_MORE;
    buffer_init(&trace->text, TRACE_LIMIT);
    answer_init(&trace->answer, THINK_ALWAYS, note_text, trace);
    sse_init(&reader, TRACE_LIMIT, take_event, trace);
    for (size_t at = 0; at < size && result == 0; at += piece) {
        size_t length = piece < size - at ? piece : size - at;
        char *copy = malloc(length);
        memcpy(copy, data + at, length);
        result = sse_feed(&reader, copy, length, NULL);
        free(copy);
    }
    if (result == 0)
        sse_end(&reader, NULL);
    answer_finish(&trace->answer, NULL);
    sse_release(&reader);
}

static void release(struct trace *trace)
{
    answer_release(&trace->answer);
    buffer_release(&trace->text);
}

static void must_be_same(const struct buffer *one, const struct buffer *other)
{
    if (one->length != other->length || memcmp(one->data, other->data, one->length) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace whole, cut;
    if (size < 2)
        return 0;
    run(&whole, data + 1, size - 1, size);
    run(&cut, data + 1, size - 1, data[0] % 32 + (size_t)1);
    if (whole.status != cut.status ||
        whole.answer.assembly.call_count != cut.answer.assembly.call_count)
        abort();
    must_be_same(&whole.text, &cut.text);
    must_be_same(&whole.answer.assembly.content, &cut.answer.assembly.content);
    must_be_same(&whole.answer.assembly.reasoning, &cut.answer.assembly.reasoning);
    release(&whole);
    release(&cut);
    return 0;
}
