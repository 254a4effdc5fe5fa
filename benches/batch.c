/*
 * Many keys over TLS: b2_authorize_many beside libcurl's multi interface with kept connections and json-c, each in a process of
 * its own that is forked for it, in turn.
 *
 *   batch ROUNDS KEYS CONNECTIONS [SANDBOX_PID]
 *
 * Key IDs and keys are those of benches/cache.c. The environment has realm and certificates, as benches/bundle.sh sets them.
 * Prints rates, the client's CPU for each key, and how much of a core the sandbox used meanwhile.
 */
#define _GNU_SOURCE
#include <b2auth.h>
#include <curl/curl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "response.h"

enum { MOST_ROUNDS = 32, MOST_CONNECTIONS = 64 };

struct pair {
    char id[28], key[36];
};

/* What a program keeps of a session. */
struct kept {
    char *account, *api, *download, *token;
};

struct result {
    double wall, cpu, sandbox;
};

static struct pair *pairs;
static int count, connections;
static long sandbox_pid;

static void fail(const char *what)
{
    fprintf(stderr, "batch: %s\n", what);
    exit(1);
}

/* The sandbox's CPU so far; 0 if nobody said which process it is. */
static double sandbox_cpu(void)
{
    char path[64], line[1024], *rest;
    unsigned long user = 0, system = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%ld/stat", sandbox_pid);
    if (sandbox_pid == 0 || (file = fopen(path, "r")) == NULL)
        return 0;
    if (fgets(line, sizeof line, file) == NULL || (rest = strrchr(line, ')')) == NULL
        || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        fail("the sandbox has no CPU");
    (void)fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- by the library ---- */

static void by_library(void)
{
    const char **ids = calloc((size_t)count, sizeof *ids), **keys = calloc((size_t)count, sizeof *keys);
    b2_session **sessions = calloc((size_t)count, sizeof *sessions);
    b2_error **errors = calloc((size_t)count, sizeof *errors);
    b2_options *options = b2_options_new();
    char number[16];
    int i;

    (void)snprintf(number, sizeof number, "%d", connections);
    if (!ids || !keys || !sessions || !errors
        || b2_options_set(options, "realm", getenv("B2_SANDBOX_HTTPS"), NULL) != B2_OK
        || b2_options_set(options, "ca_file", getenv("B2_SANDBOX_CA"), NULL) != B2_OK
        || b2_options_set(options, "batch_timeout_ms", "300000", NULL) != B2_OK
        || b2_options_set(options, "concurrency", number, NULL) != B2_OK)
        fail("the options are refused");
    for (i = 0; i < count; i++) {
        ids[i] = pairs[i].id;
        keys[i] = pairs[i].key;
    }
    if (b2_authorize_many(ids, keys, (size_t)count, options, sessions, errors) != B2_OK) {
        for (i = 0; i < count && errors[i] == NULL;)
            i++;
        fail(i < count ? b2_error_message(errors[i]) : "failed");
    }
    for (i = 0; i < count; i++)
        if (sessions[i] == NULL || strlen(b2_session_authorization_token(sessions[i])) < 20)
            fail("a session is missing");
}

/* ---- by hand ---- */

struct transfer {
    CURL *curl;
    int place;
    struct response response;
};

static struct kept *kept;

static char *text(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;

    if (!json_object_object_get_ex(object, name, &found))
        fail("a field is missing");
    return strdup(json_object_get_string(found));
}

static void finish(struct transfer *transfer)
{
    struct json_object *object, *info = NULL, *storage = NULL;
    struct kept *one = &kept[transfer->place];
    long status = 0;

    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
    object = status == 200 ? json_tokener_parse(transfer->response.body) : NULL;
    if (object == NULL || !json_object_object_get_ex(object, "apiInfo", &info)
        || !json_object_object_get_ex(info, "storageApi", &storage))
        fail("libcurl: a response is not a session");
    one->account = text(object, "accountId");
    one->token = text(object, "authorizationToken");
    one->api = text(storage, "apiUrl");
    one->download = text(storage, "downloadUrl");
    json_object_put(object);
}

static void begin(CURLM *multi, struct transfer *transfer, int place)
{
    transfer->place = place;
    transfer->response.length = 0;
    curl_easy_setopt(transfer->curl, CURLOPT_USERNAME, pairs[place].id);
    curl_easy_setopt(transfer->curl, CURLOPT_PASSWORD, pairs[place].key);
    if (curl_multi_add_handle(multi, transfer->curl) != CURLM_OK)
        fail("libcurl takes no handle");
}

static void by_hand(void)
{
    static struct transfer transfers[MOST_CONNECTIONS];
    char url[256];
    int next = 0, done = 0, running, left, i;
    CURLM *multi;
    CURLMsg *message;

    kept = calloc((size_t)count, sizeof *kept);
    (void)snprintf(url, sizeof url, "%s/b2api/v4/b2_authorize_account", getenv("B2_SANDBOX_HTTPS"));
    if (!kept || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (multi = curl_multi_init()) == NULL)
        fail("libcurl does not begin");
    for (i = 0; i < connections && next < count; i++) {
        CURL *curl = transfers[i].curl = curl_easy_init();

        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("B2_BUNDLE"));
        /* Or else, where a folder of certificates is built in, libcurl reads them anew for each connection. */
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfers[i].response);
        curl_easy_setopt(curl, CURLOPT_PRIVATE, &transfers[i]);
        begin(multi, &transfers[i], next++);
    }
    while (done < count) {
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            fail("libcurl fails");
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            struct transfer *transfer = NULL;

            if (message->msg != CURLMSG_DONE)
                continue;
            if (message->data.result != CURLE_OK)
                fail(curl_easy_strerror(message->data.result));
            (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
            finish(transfer);
            done++;
            (void)curl_multi_remove_handle(multi, transfer->curl);
            if (next < count)
                begin(multi, transfer, next++);
        }
        if (done < count && curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK)
            fail("libcurl does not wait");
    }
}

/* ---- in turn ---- */

static struct result measured(void (*way)(void))
{
    struct result result = {0, 0, 0};
    int channel[2], status = 0;
    double before = sandbox_cpu();
    pid_t child;

    if (pipe(channel) != 0 || (child = fork()) < 0)
        fail("no process");
    if (child == 0) {
        double from = now_ns(), used = cpu_ns();

        way();
        result.wall = (now_ns() - from) / 1e9;
        result.cpu = (cpu_ns() - used) / 1e9;
        _exit(write(channel[1], &result, sizeof result) != (ssize_t)sizeof result);
    }
    (void)close(channel[1]);
    if (read(channel[0], &result, sizeof result) != (ssize_t)sizeof result || waitpid(child, &status, 0) != child || status != 0)
        fail("a run failed");
    (void)close(channel[0]);
    result.sandbox = sandbox_cpu() - before;
    return result;
}

int main(int argc, char **argv)
{
    double rate[2][MOST_ROUNDS], used[2][MOST_ROUNDS], server[2][MOST_ROUNDS], faster[MOST_ROUNDS], lighter[MOST_ROUNDS];
    int rounds = argc > 3 ? atoi(argv[1]) : 0, round, i;

    count = argc > 3 ? atoi(argv[2]) : 0;
    connections = argc > 3 ? atoi(argv[3]) : 0;
    sandbox_pid = argc > 4 ? atol(argv[4]) : 0;
    if (rounds < 1 || rounds > MOST_ROUNDS || count < 1 || connections < 1 || connections > MOST_CONNECTIONS
        || !(pairs = calloc((size_t)count, sizeof *pairs)))
        fail("usage: batch ROUNDS KEYS CONNECTIONS [SANDBOX_PID]");
    for (i = 0; i < count; i++) {
        (void)snprintf(pairs[i].id, sizeof pairs[i].id, "k%07d", i);
        (void)snprintf(pairs[i].key, sizeof pairs[i].key, "secret-of-key-%016d", i);
    }
    for (round = 0; round < rounds; round++) {
        for (i = 0; i < 2; i++) {
            /* Who is first changes. */
            int which = (i + round) % 2;
            struct result result = measured(which == 0 ? by_library : by_hand);

            rate[which][round] = count / result.wall;
            used[which][round] = result.cpu * 1e6 / count;
            server[which][round] = result.sandbox * 100 / result.wall;
        }
        faster[round] = rate[0][round] / rate[1][round];
        lighter[round] = used[0][round] / used[1][round];
    }
    printf("bench batch connections=%d keys=%d rate=%.0f libcurl_rate=%.0f rate_ratio=%.2f cpu_us=%.0f libcurl_cpu_us=%.0f"
           " cpu_ratio=%.2f sandbox_percent=%.0f libcurl_sandbox_percent=%.0f\n",
           connections, count, median(rate[0], rounds), median(rate[1], rounds), median(faster, rounds), median(used[0], rounds),
           median(used[1], rounds), median(lighter, rounds), median(server[0], rounds), median(server[1], rounds));
    return 0;
}
