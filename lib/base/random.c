#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static void random_bytes(unsigned char *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = getrandom(bytes + done, size - done, 0);
        if (got > 0)
            done += (size_t)got;
        else if (errno != EINTR)
            abort(); /* a kernel without getrandom: an id that can be guessed is worse */
    }
}

void random_hex(char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i + 1 < size; i++) {
        if (i % 16 == 0) {
            uint64_t bits = random_number();
            for (size_t k = i; k < i + 16 && k + 1 < size; k++, bits >>= 4)
                text[k] = digits[bits & 15];
        }
    }
    if (size > 0)
        text[size - 1] = '\0';
}

uint64_t random_number(void)
{
    uint64_t number;
    random_bytes((unsigned char *)&number, sizeof number);
    return number;
}
