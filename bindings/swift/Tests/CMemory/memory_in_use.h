#ifndef MEMORY_IN_USE_H
#define MEMORY_IN_USE_H

#include <stddef.h>
#if defined(__GLIBC__) || defined(__linux__)
#include <malloc.h>
#endif

/* How many bytes malloc has given out; 0 where it cannot say. */
static inline size_t memory_in_use(void)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    return mallinfo2().uordblks;
#else
    return 0;
#endif
}

#endif
