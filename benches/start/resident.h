/* What is resident of this process, in KB: all of it, and what no file is behind. */
#include <stdio.h>
#include <stdlib.h>

struct resident {
    long all, own;
};

static struct resident resident(void)
{
    struct resident found = {0, 0};
    char line[256];
    FILE *file = fopen("/proc/self/smaps_rollup", "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "Rss: %ld", &found.all);
        (void)sscanf(line, "Anonymous: %ld", &found.own);
    }
    if (file == NULL || found.all == 0) {
        fprintf(stderr, "no /proc/self/smaps_rollup\n");
        exit(1);
    }
    (void)fclose(file);
    return found;
}
