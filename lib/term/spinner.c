#include "term/spinner.h"

#include <stdio.h>

const char *spinner_frame(int64_t now, bool unicode)
{
    static const char *const braille[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    static const char *const ascii[] = {"|", "/", "-", "\\"};
    int64_t frame = now / SPINNER_MS;
    return unicode ? braille[frame % 10] : ascii[frame % 4];
}

void duration_words(char *text, size_t size, int64_t milliseconds)
{
    int64_t seconds = milliseconds / 1000;
    if (milliseconds < 0)
        milliseconds = seconds = 0;
    if (seconds < 1)
        snprintf(text, size, "%lld ms", (long long)milliseconds);
    else if (seconds < 10)
        snprintf(text, size, "%.1f s", (double)milliseconds / 1000);
    else if (seconds < 60)
        snprintf(text, size, "%lld s", (long long)seconds);
    else if (seconds < 3600)
        snprintf(
            text, size, "%lld min %02lld s", (long long)(seconds / 60), (long long)(seconds % 60));
    else
        snprintf(text, size, "%lld h %02lld min", (long long)(seconds / 3600),
            (long long)(seconds / 60 % 60));
}

void duration_seconds(char *text, size_t size, int64_t milliseconds)
{
    if (milliseconds < 1000)
        text[0] = '\0';
    else if (milliseconds < 10000)
        snprintf(text, size, "%lld s", (long long)(milliseconds / 1000));
    else
        duration_words(text, size, milliseconds);
}
