/* Lines as every stage reads them: in pieces, bounded, parsed strictly. */
#include "base/line_reader.h"
#include "data/json.h"

#include <stdint.h>
#include <stdlib.h>

enum { LIMIT = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct line_reader reader;
    size_t piece = size > 0 ? 1 + data[0] % 64 : 1;
    line_reader_init(&reader, -1, LIMIT);
    for (size_t at = 0; at < size; at += piece) {
        size_t length = size - at < piece ? size - at : piece;
        if (line_reader_feed(&reader, (const char *)data + at, length) < 0)
            break;
        char *line;
        enum line_status status;
        while ((status = line_reader_next(&reader, &line, &length)) != LINE_NONE) {
            if (status == LINE_TOO_LONG)
                continue;
            if (length > LIMIT || line[length] != '\0')
                abort();
            json_free(json_parse_object(line, length, NULL));
        }
    }
    line_reader_release(&reader);
    return 0;
}
