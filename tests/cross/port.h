/* What the scenario needs of a system: a library that is loaded, threads, and a clock. */
#ifndef PORT_H
#define PORT_H

#ifdef _WIN32

#include <windows.h>

typedef HANDLE port_thread;
#define PORT_THREAD(name, argument) static DWORD WINAPI name(void *argument)
#define PORT_THREAD_END return 0

#ifdef LOADED
static void *port_load(const char *path)
{
    return (void *)LoadLibraryA(path);
}

static void *port_symbol(void *library, const char *name)
{
    FARPROC found = GetProcAddress((HMODULE)library, name);
    void *symbol;

    memcpy(&symbol, &found, sizeof symbol);
    return symbol;
}

static void port_unload(void *library)
{
    (void)FreeLibrary((HMODULE)library);
}
#endif

static port_thread port_start(DWORD(WINAPI *work)(void *), void *argument)
{
    return CreateThread(NULL, 0, work, argument, 0, NULL);
}

static void port_join(port_thread thread)
{
    (void)WaitForSingleObject(thread, INFINITE);
    (void)CloseHandle(thread);
}

static void port_sleep_ms(unsigned ms)
{
    Sleep(ms);
}

static long long port_now_ms(void)
{
    LARGE_INTEGER now, each;

    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&each);
    return now.QuadPart * 1000 / each.QuadPart;
}

#else

#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

typedef pthread_t port_thread;
#define PORT_THREAD(name, argument) static void *name(void *argument)
#define PORT_THREAD_END return NULL

#ifdef LOADED
static void *port_load(const char *path)
{
    return dlopen(path, RTLD_NOW);
}

static void *port_symbol(void *library, const char *name)
{
    return dlsym(library, name);
}

static void port_unload(void *library)
{
    (void)dlclose(library);
}
#endif

static port_thread port_start(void *(*work)(void *), void *argument)
{
    port_thread thread;

    if (pthread_create(&thread, NULL, work, argument) != 0)
        exit(2);
    return thread;
}

static void port_join(port_thread thread)
{
    (void)pthread_join(thread, NULL);
}

static void port_sleep_ms(unsigned ms)
{
    struct timespec left = { ms / 1000, (long)(ms % 1000) * 1000000L };

    while (nanosleep(&left, &left) != 0)
        ;
}

static long long port_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
#endif
