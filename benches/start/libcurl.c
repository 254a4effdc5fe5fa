/* The same as b2auth.c by hand, as a program does it that has libcurl and json-c: one request, its status, its fields.
 * Its file of certificates is benches/bundle.sh's. */
#define _POSIX_C_SOURCE 200809L
#include <curl/curl.h>
#include <json-c/json.h>
#include <string.h>

#include "../response.h"
#include "resident.h"

/* A text of the object, also of one further in. */
static const char *text(struct json_object *object, const char *name)
{
    struct json_object *found = NULL;

    return json_object_object_get_ex(object, name, &found) ? json_object_get_string(found) : NULL;
}

static int authorize(struct response *response, char *token, size_t size)
{
    CURL *curl;
    struct json_object *object, *info = NULL, *storage = NULL;
    char url[256];
    long status = 0;
    int good;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (curl = curl_easy_init()) == NULL)
        return 0;
    (void)snprintf(url, sizeof url, "%s/b2api/v4/b2_authorize_account", getenv("B2_SANDBOX_HTTPS"));
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("B2_BUNDLE"));
    curl_easy_setopt(curl, CURLOPT_USERNAME, getenv("B2_APPLICATION_KEY_ID"));
    curl_easy_setopt(curl, CURLOPT_PASSWORD, getenv("B2_APPLICATION_KEY"));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, response);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    good = curl_easy_perform(curl) == CURLE_OK && curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK;
    curl_easy_cleanup(curl);
    object = good && status == 200 ? json_tokener_parse(response->body) : NULL;
    good = object != NULL && text(object, "accountId") != NULL && text(object, "authorizationToken") != NULL
        && json_object_object_get_ex(object, "apiInfo", &info) && json_object_object_get_ex(info, "storageApi", &storage)
        && text(storage, "apiUrl") != NULL && text(storage, "downloadUrl") != NULL
        && snprintf(token, size, "%s", text(object, "authorizationToken")) < (int)size;
    json_object_put(object);
    return good;
}

int main(void)
{
    static struct response response;
    char token[1024];
    struct resident before = resident(), after;

    if (!authorize(&response, token, sizeof token)) {
        fprintf(stderr, "libcurl: no session: %s\n", response.body);
        return 1;
    }
    after = resident();
    printf("%lu %ld %ld %ld\n", (unsigned long)strlen(token), after.all - before.all, after.own - before.own, after.all);
    curl_global_cleanup();
    return 0;
}
