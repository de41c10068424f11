/*
 * A growable run of bytes with a maximum from the moment it is made.
 *
 * The buffer owns its bytes. data is never NULL and always has a NUL behind
 * the last byte, so it can be used as a string when it holds no NUL itself.
 * Pointers into it are valid until the next call that adds.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>

struct buffer {
    char *data;
    size_t length;
    size_t capacity; /* bytes allocated; 0 while data is the shared empty string */
    size_t maximum;  /* length never exceeds this */
};

void buffer_init(struct buffer *buffer, size_t maximum);
void buffer_release(struct buffer *buffer);

/* Forget the contents, keep the memory. */
void buffer_clear(struct buffer *buffer);

/*
 * All of these return 0, or -1 with errno ENOMEM (no memory) or EMSGSIZE (the
 * maximum would be passed); the contents are then unchanged.
 */
int buffer_append(struct buffer *buffer, const char *bytes, size_t length);
int buffer_append_text(struct buffer *buffer, const char *text);
int buffer_append_byte(struct buffer *buffer, char byte);
int buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Room for at least extra more bytes behind the last one, to be filled by hand. */
int buffer_reserve(struct buffer *buffer, size_t extra);

/* Drop bytes from the front. */
void buffer_consume(struct buffer *buffer, size_t length);

/* Shorten to length, which must not be beyond the present one. */
void buffer_truncate(struct buffer *buffer, size_t length);

/* Hand the bytes over: the caller frees them. The buffer is empty afterwards. NULL: no memory. */
char *buffer_take(struct buffer *buffer);

#endif
