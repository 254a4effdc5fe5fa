/* A response's body, as libcurl hands it over. */
#ifndef RESPONSE_H
#define RESPONSE_H

#include <string.h>

struct response {
    size_t length;
    char body[65536];
};

/* For CURLOPT_WRITEFUNCTION, with a response as CURLOPT_WRITEDATA. */
static size_t keep(char *data, size_t one, size_t many, void *user_data)
{
    struct response *response = user_data;

    if (one * many >= sizeof response->body - response->length)
        return 0;
    memcpy(response->body + response->length, data, one * many);
    response->length += one * many;
    response->body[response->length] = '\0';
    return one * many;
}

#endif
