/*
 * spawn RUNS COMMAND [ARG...]: how long it takes to start COMMAND and see it end.
 *
 * stdin and stdout of the command are /dev/null. Prints p50 and p90 in microseconds and the
 * largest resident set in KiB, tab-separated. A command that fails ends the measurement.
 */
#include "io/process.h"
#include "sample.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int64_t samples[SAMPLES_MOST];

static int run_once(char **command)
{
    struct spawn spawn = {
        .path = command[0],
        .argv = command,
        .descriptors = {SPAWN_NULL, SPAWN_NULL, STDERR_FILENO},
        .descriptor_count = 3,
    };
    struct process process = {0};
    struct error error;
    int status = 0;
    if (process_spawn(&process, &spawn, &error) < 0) {
        fprintf(stderr, "spawn: %s\n", error.text);
        return -1;
    }
    if (!process_wait(&process, -1, &status) || status != 0) {
        fprintf(stderr, "spawn: '%s' ended with %d\n", command[0], status);
        return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int runs = argc > 2 ? atoi(argv[1]) : 0;
    if (runs < 1 || runs > SAMPLES_MOST) {
        fprintf(stderr, "usage: spawn RUNS /path/of/COMMAND [ARG...]\n");
        return 2;
    }
    if (run_once(argv + 2) < 0) /* not counted: it fills the page cache */
        return 1;
    for (int i = 0; i < runs; i++) {
        int64_t start = now_us();
        if (run_once(argv + 2) < 0)
            return 1;
        samples[i] = now_us() - start;
    }
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    printf("%lld\t%lld\t%ld\n", (long long)percentile(samples, runs, 50),
        (long long)percentile(samples, runs, 90), usage.ru_maxrss);
    return 0;
}
