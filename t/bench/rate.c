/*
 * rate [TEXT]: how fast the lines on stdin that hold TEXT arrive ("type":"content" by default).
 *
 * Counts from the first to the last of them. Prints lines, microseconds and lines a second,
 * tab-separated.
 */
#include "base/line_reader.h"
#include "sample.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *text = argc > 1 ? argv[1] : "\"type\":\"content\"";
    struct line_reader reader;
    int64_t first = 0, last = 0;
    long lines = 0;
    line_reader_init(&reader, STDIN_FILENO, LINE_LIMIT);
    while (!reader.ended) {
        char *line;
        size_t length;
        enum line_status status;
        if (line_reader_fill(&reader) < 0) {
            perror("rate");
            return 1;
        }
        long before = lines;
        while ((status = line_reader_next(&reader, &line, &length)) != LINE_NONE) {
            if (status == LINE_READY && memmem(line, length, text, strlen(text)) != NULL)
                lines++;
        }
        if (lines > before) {
            last = now_us();
            if (before == 0)
                first = last;
        }
    }
    line_reader_release(&reader);
    int64_t duration = last > first ? last - first : 1;
    printf("%ld\t%lld\t%.0f\n", lines, (long long)duration, (double)lines * 1e6 / (double)duration);
    return 0;
}
