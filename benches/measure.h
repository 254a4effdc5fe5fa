/* What the benches measure with: clocks in ns, and the median. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static inline double now_ns(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* The CPU of all threads of this process. */
static inline double cpu_ns(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e9
        + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e3;
}

static inline int by_size(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

/* Sorts them. */
static inline double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_size);
    return values[count / 2];
}

#endif
