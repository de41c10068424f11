#include "event.h"

#include "base/buffer.h"
#include "base/utf8.h"
#include "common/program.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    enum event_type type;
    const char *text; /* the member that holds the text */
} kinds[] = {
    {"content", EVENT_CONTENT, "text"},
    {"reasoning", EVENT_REASONING, "text"},
    {"tool_output_chunk", EVENT_TOOL_OUTPUT_CHUNK, "chunk"},
    {"ack", EVENT_ACK, "detail"},
    {"approval_request", EVENT_APPROVAL_REQUEST, NULL},
    {"approval_resolved", EVENT_APPROVAL_RESOLVED, NULL},
    {"cancelled", EVENT_CANCELLED, "message"},
    {"discard", EVENT_DISCARD, NULL},
    {"error", EVENT_ERROR, "message"},
    {"info", EVENT_INFO, "message"},
    {"plan_review", EVENT_PLAN_REVIEW, "content"},
    {"queued", EVENT_QUEUED, NULL},
    {"result", EVENT_RESULT, "text"},
    {"session", EVENT_SESSION, NULL},
    {"state_change", EVENT_STATE_CHANGE, NULL},
    {"status", EVENT_STATUS, NULL},
    {"stream_end", EVENT_STREAM_END, NULL},
    {"tool_info", EVENT_TOOL_INFO, NULL},
    {"tool_result", EVENT_TOOL_RESULT, NULL},
    {"turn_complete", EVENT_TURN_COMPLETE, NULL},
};

int event_parse(struct event *event, const char *line, size_t length, struct error *error)
{
    *event = (struct event){.type = EVENT_OTHER, .id = "", .text = ""};
    event->tree = json_parse_object(line, length, error);
    if (event->tree == NULL)
        return -1;
    const char *type = json_string(event->tree, "type");
    if (type == NULL) {
        event_release(event);
        return error_set(error, "the object has no type");
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(type, kinds[i].name) != 0)
            continue;
        const char *id = json_string(event->tree, "id");
        const char *text = kinds[i].text != NULL ? json_string(event->tree, kinds[i].text) : NULL;
        event->type = kinds[i].type;
        event->id = id != NULL ? id : "";
        event->text = text != NULL ? text : "";
        break;
    }
    return 0;
}

void event_release(struct event *event)
{
    json_free(event->tree);
    event->tree = NULL;
}

static bool is_plain(char byte)
{
    return (byte >= 0x20 && byte < 0x7F) || byte == '\n' || byte == '\t';
}

void text_append(struct buffer *buffer, const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        size_t start = at;
        while (at < length && is_plain(text[at]))
            at++;
        int status = buffer_append(buffer, text + start, at - start);
        start = at;
        while (at < length && !is_plain(text[at]) && text[at] != '\r')
            at++;
        if (status == 0)
            status = utf8_append_visible(buffer, text + start, at - start, true);
        if (at < length && text[at] == '\r') {
            /* At the end of a piece its LF may come with the next one. */
            if (at + 1 < length && text[at + 1] != '\n' && status == 0)
                status = utf8_append_visible(buffer, text + at, 1, true);
            at++;
        }
        if (status < 0)
            die(EXIT_SYSTEM, "keep the text: %s", strerror(errno));
    }
}

void text_append_line(struct buffer *buffer, const char *text)
{
    if (utf8_append_visible(buffer, text, strlen(text), false) < 0)
        die(EXIT_SYSTEM, "keep the text: %s", strerror(errno));
}
