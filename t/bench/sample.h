/* Durations of one thing done many times, and what they say. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { SAMPLES_MOST = 10000 };

static inline int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int compare_samples(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* The value below which percent of the samples lie; sorts them. */
static inline int64_t percentile(int64_t *samples, int count, int percent)
{
    qsort(samples, (size_t)count, sizeof samples[0], compare_samples);
    return samples[(count - 1) * percent / 100];
}

#endif
