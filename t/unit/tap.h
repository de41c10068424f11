/* The least a TAP producer needs: is, ok, and a count at the end. */
#ifndef T_UNIT_TAP_H
#define T_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failures;

__attribute__((unused, format(printf, 2, 3))) static bool ok(bool truth, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    printf("%sok %d - ", truth ? "" : "not ", ++tap_count);
    vprintf(format, values);
    printf("\n");
    va_end(values);
    if (!truth)
        tap_failures++;
    return truth;
}

__attribute__((unused)) static bool is_text(const char *got, const char *wanted, const char *name)
{
    bool same = got != NULL && wanted != NULL ? strcmp(got, wanted) == 0 : got == wanted;
    ok(same, "%s", name);
    if (!same)
        fprintf(stderr, "# got    '%s'\n# wanted '%s'\n", got != NULL ? got : "(null)",
            wanted != NULL ? wanted : "(null)");
    return same;
}

__attribute__((unused)) static bool is_number(long long got, long long wanted, const char *name)
{
    bool same = ok(got == wanted, "%s", name);
    if (!same)
        fprintf(stderr, "# got    %lld\n# wanted %lld\n", got, wanted);
    return same;
}

__attribute__((unused)) static int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failures > 0 ? 1 : 0;
}

#endif
