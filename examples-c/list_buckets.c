/*
 * What a program that uses B2 looks like: libcurl makes the call, b2auth has the session, and a token that B2 no longer
 * accepts is replaced once.
 *
 *     export B2_APPLICATION_KEY_ID=… B2_APPLICATION_KEY=…
 *     cc list_buckets.c $(pkg-config --cflags --libs b2auth libcurl) -o list_buckets && ./list_buckets
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <b2auth.h>
#include <curl/curl.h>

/* A response of B2, ended by NUL. */
struct response {
    long status;
    size_t length;
    char body[256 * 1024];
};

static size_t keep(char *data, size_t one, size_t count, void *user_data)
{
    struct response *response = user_data;
    size_t size = one * count;

    if (size >= sizeof response->body - response->length)
        return 0; /* Too long for us: libcurl ends the transfer with an error. */
    memcpy(response->body + response->length, data, size);
    response->length += size;
    response->body[response->length] = '\0';
    return size;
}

/* POST {apiUrl}/b2api/v4/b2_list_buckets. 0 if there was a response of any kind. */
static int list_buckets(const b2_session *session, struct response *response)
{
    char url[512];
    char header[1024];
    char body[128];
    struct curl_slist *headers = NULL;
    CURL *curl = NULL;
    CURLcode done = CURLE_OUT_OF_MEMORY;

    response->status = 0;
    response->length = 0;
    response->body[0] = '\0';
    if (snprintf(url, sizeof url, "%s/b2api/v4/b2_list_buckets", b2_session_api_url(session)) >= (int)sizeof url
        || snprintf(header, sizeof header, "Authorization: %s", b2_session_authorization_token(session))
               >= (int)sizeof header
        || snprintf(body, sizeof body, "{\"accountId\":\"%s\"}", b2_session_account_id(session)) >= (int)sizeof body) {
        fprintf(stderr, "error: B2 gave a longer text than this program has room for\n");
        return -1;
    }
    headers = curl_slist_append(NULL, header);
    curl = curl_easy_init();
    if (curl != NULL && headers != NULL) {
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, response);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
        done = curl_easy_perform(curl);
    }
    if (done == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response->status);
    else
        fprintf(stderr, "error: %s\n", curl_easy_strerror(done));
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return done == CURLE_OK ? 0 : -1;
}

static int failed(b2_error *error)
{
    fprintf(stderr, "error: %s\n", b2_error_message(error));
    if (b2_error_hint(error) != NULL)
        fprintf(stderr, "hint: %s\n", b2_error_hint(error));
    b2_error_free(error);
    return 1;
}

int main(void)
{
    static struct response response;
    b2_session *session = NULL;
    b2_error *error = NULL;
    int there;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 1;
    if (b2_authorize_with(NULL, NULL, NULL, &session, &error) != B2_OK)
        return failed(error);

    there = list_buckets(session, &response);
    if (there == 0 && b2_should_reauthorize_body((int)response.status, response.body, response.length)) {
        /* B2 no longer accepts the token. With the session that it refused, a thousand callers whose calls are refused at
         * the same time cause one request. */
        b2_session *fresh = NULL;

        if (b2_reauthorize(NULL, NULL, session, NULL, &fresh, &error) != B2_OK) {
            b2_session_free(session);
            return failed(error);
        }
        b2_session_free(session);
        session = fresh;
        there = list_buckets(session, &response);
    }
    if (there == 0)
        printf("%ld %s\n", response.status, response.body);

    b2_session_free(session);
    curl_global_cleanup();
    return there == 0 && response.status == 200 ? 0 : 1;
}
