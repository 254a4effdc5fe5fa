/*
 * For LD_PRELOAD: every folder is on the kind of file system that $KIND names (a number in hex; none: what it is), and each
 * fsync takes 30 ms more, as on a slow disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

static void spoil(struct statfs *found)
{
    const char *kind = getenv("KIND");

    if (kind != NULL && *kind != '\0')
        found->f_type = (long)strtoul(kind, NULL, 16);
}

int fstatfs(int fd, struct statfs *found)
{
    int (*real)(int, struct statfs *) = (int (*)(int, struct statfs *))dlsym(RTLD_NEXT, "fstatfs");
    int result = real(fd, found);

    spoil(found);
    return result;
}

int fstatfs64(int fd, struct statfs64 *found)
{
    return fstatfs(fd, (struct statfs *)found);
}

static int slowly(const char *name, int fd)
{
    static const struct timespec pause = {0, 30000000};
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);

    (void)nanosleep(&pause, NULL);
    return real(fd);
}

int fsync(int fd)
{
    return slowly("fsync", fd);
}

int fdatasync(int fd)
{
    return slowly("fdatasync", fd);
}
