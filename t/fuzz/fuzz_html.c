/*
 * HTML: the first byte chooses options. The text is UTF-8 without control
 * bytes, and small memory only makes the page refused.
 */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "data/page.h"

#include <stdint.h>
#include <stdlib.h>

enum { TEXT_MOST = 64 << 20, PATIENCE_MS = 3000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer text;
    struct error error;
    if (size == 0)
        return 0;
    const struct page_options options = {
        .base = (data[0] & 1) != 0 ? "https://example.org/a/b?c" : NULL,
        .without_links = (data[0] & 2) != 0,
        .memory_most = (data[0] & 4) != 0 ? 300 << 10 : 256 << 20,
        .deadline = clock_monotonic_ms() + PATIENCE_MS,
    };
    buffer_init(&text, TEXT_MOST);
    if (page_to_text(&text, (const char *)data + 1, size - 1, &options, &error) < 0) {
        if (error.text[0] == '\0')
            abort();
    } else {
        if (!utf8_valid(text.data, text.length))
            abort();
        for (size_t i = 0; i < text.length; i++) {
            unsigned char byte = (unsigned char)text.data[i];
            if (byte == 0x7F || (byte < ' ' && byte != '\n' && byte != '\t'))
                abort();
        }
    }
    buffer_release(&text);
    return 0;
}
