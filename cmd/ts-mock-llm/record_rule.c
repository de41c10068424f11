#include "record_rule.h"

#include "base/line_reader.h"
#include "base/utf8.h"
#include "data/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_OVERHEAD = 4096 }; /* bytes of a line beside its pieces */

void recorded_rule_init(struct recorded_rule *rule, int64_t number, const char *path)
{
    *rule = (struct recorded_rule){.number = number, .status = 200};
    snprintf(rule->path, sizeof rule->path, "%s", path);
    /* What is longer could not be read back. */
    buffer_init(&rule->pieces, LINE_LIMIT_MODEL - LINE_OVERHEAD);
}

void recorded_rule_release(struct recorded_rule *rule)
{
    buffer_release(&rule->pieces);
}

static int append_base64(struct buffer *buffer, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < length; at += 3) {
        uint32_t bits = (uint32_t)bytes[at] << 16;
        if (at + 1 < length)
            bits |= (uint32_t)bytes[at + 1] << 8;
        if (at + 2 < length)
            bits |= bytes[at + 2];
        const char four[] = {digits[bits >> 18 & 63], digits[bits >> 12 & 63],
            at + 1 < length ? digits[bits >> 6 & 63] : '=',
            at + 2 < length ? digits[bits & 63] : '='};
        if (buffer_append(buffer, four, sizeof four) < 0)
            return -1;
    }
    return 0;
}

/* As text when JSON can hold it; a piece may end inside a character. */
int recorded_rule_add(struct recorded_rule *rule, const char *bytes, size_t length)
{
    struct buffer *pieces = &rule->pieces;
    if (length == 0)
        return 0;
    if (rule->count++ > 0 && buffer_append_byte(pieces, ',') < 0)
        return -1;
    if (utf8_valid(bytes, length) && memchr(bytes, '\0', length) == NULL)
        return json_append_string(pieces, bytes, length);
    if (buffer_append_text(pieces, "{\"base64\":\"") < 0 ||
        append_base64(pieces, (const unsigned char *)bytes, length) < 0)
        return -1;
    return buffer_append_text(pieces, "\"}");
}

static int append_line(const struct recorded_rule *rule, struct buffer *line)
{
    int status;
    if (rule->number > 0) {
        status = buffer_printf(line, "{\"match\":{\"request\":%" PRId64 "}", rule->number);
    } else {
        status = buffer_append_text(line, "{\"match\":{\"path\":");
        if (status == 0)
            status = json_append_string(line, rule->path, strlen(rule->path));
        if (status == 0)
            status = buffer_append_byte(line, '}');
    }
    if (status < 0 || buffer_printf(line, ",\"status\":%ld,\"content_type\":", rule->status) < 0 ||
        json_append_string(line, rule->content_type, strlen(rule->content_type)) < 0)
        return -1;
    if (*rule->retry_after != '\0' &&
        (buffer_append_text(line, ",\"headers\":{\"Retry-After\":") < 0 ||
            json_append_string(line, rule->retry_after, strlen(rule->retry_after)) < 0 ||
            buffer_append_byte(line, '}') < 0))
        return -1;
    if (rule->broken && buffer_printf(line, ",\"disconnect_after\":%ld", rule->count) < 0)
        return -1;
    return buffer_append_text(line, ",\"raw\":[") < 0 ||
                   buffer_append(line, rule->pieces.data, rule->pieces.length) < 0
               ? -1
               : buffer_append_text(line, "]}\n");
}

int recorded_rule_write(struct recorded_rule *rule, int fd, struct error *error)
{
    struct buffer line;
    buffer_init(&line, LINE_LIMIT_MODEL + LINE_OVERHEAD);
    if (append_line(rule, &line) < 0) {
        buffer_release(&line);
        return error_set(error, "%s: the answer is too long for a script", rule->path);
    }
    size_t written = 0;
    while (written < line.length) {
        ssize_t count = write(fd, line.data + written, line.length - written);
        if (count < 0 && errno != EINTR) {
            int status = error_system(error, "write the script");
            buffer_release(&line);
            return status;
        }
        written += count > 0 ? (size_t)count : 0;
    }
    buffer_release(&line);
    return 0;
}
