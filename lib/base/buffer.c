#include "base/buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

static char shared_empty[1];

void buffer_init(struct buffer *buffer, size_t maximum)
{
    buffer->data = shared_empty;
    buffer->length = 0;
    buffer->capacity = 0;
    buffer->maximum = maximum;
}

void buffer_release(struct buffer *buffer)
{
    if (buffer->capacity > 0)
        free(buffer->data);
    buffer_init(buffer, buffer->maximum);
}

void buffer_clear(struct buffer *buffer)
{
    buffer_truncate(buffer, 0);
}

int buffer_reserve(struct buffer *buffer, size_t extra)
{
    if (extra > buffer->maximum || buffer->length > buffer->maximum - extra) {
        errno = EMSGSIZE;
        return -1;
    }
    size_t needed = buffer->length + extra + 1;
    if (needed <= buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_CAPACITY;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    char *grown = realloc(buffer->capacity > 0 ? buffer->data : NULL, capacity);
    if (grown == NULL) {
        errno = ENOMEM;
        return -1;
    }
    grown[buffer->length] = '\0';
    buffer->data = grown;
    buffer->capacity = capacity;
    return 0;
}

int buffer_append(struct buffer *buffer, const char *bytes, size_t length)
{
    if (length == 0)
        return 0;
    if (buffer_reserve(buffer, length) < 0)
        return -1;
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    return 0;
}

int buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

int buffer_append_byte(struct buffer *buffer, char byte)
{
    return buffer_append(buffer, &byte, 1);
}

int buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        return -1;
    if (buffer_reserve(buffer, (size_t)length) < 0)
        return -1;
    if (length > 0)
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    buffer->length += (size_t)length;
    return 0;
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = buffer_vprintf(buffer, format, arguments);
    va_end(arguments);
    return result;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    if (length == 0)
        return;
    if (length >= buffer->length) {
        buffer_clear(buffer);
        return;
    }
    memmove(buffer->data, buffer->data + length, buffer->length - length);
    buffer_truncate(buffer, buffer->length - length);
}

void buffer_truncate(struct buffer *buffer, size_t length)
{
    buffer->length = length;
    if (buffer->capacity > 0)
        buffer->data[length] = '\0';
}

char *buffer_take(struct buffer *buffer)
{
    if (buffer->capacity == 0 && buffer_reserve(buffer, 0) < 0)
        return NULL;
    char *data = buffer->data;
    buffer_init(buffer, buffer->maximum);
    return data;
}
