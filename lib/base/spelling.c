#include "base/spelling.h"

#include <stdint.h>
#include <string.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t spelling_distance(const char *one, const char *other)
{
    size_t rows[3][SPELLING_LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    size_t length = strlen(other);
    if (length > SPELLING_LONGEST || strlen(one) > SPELLING_LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        last[j] = j;
    for (size_t i = 1; one[i - 1] != '\0'; i++) {
        now[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t change = last[j - 1] + (one[i - 1] != other[j - 1]);
            now[j] = smaller(change, smaller(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[length];
}

const char *spelling_nearest(const char *wanted, const char *const *names)
{
    const char *found = NULL;
    size_t best = strlen(wanted) / 3 + 2;
    for (; *names != NULL; names++) {
        size_t far = spelling_distance(wanted, *names);
        if (far < best) {
            best = far;
            found = *names;
        }
    }
    return found;
}
