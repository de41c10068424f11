#include "ts-llm/endpoint.h"

#include "base/buffer.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { URL_LIMIT = 16 << 10 };

static char *get_part(CURLU *url, CURLUPart part)
{
    char *text = NULL, *copy = NULL;
    if (curl_url_get(url, part, &text, 0) == CURLUE_OK)
        copy = strdup(text);
    curl_free(text);
    return copy;
}

/* The path of base with more behind it. */
static int extend_path(CURLU *url, const char *base_path, const char *more)
{
    struct buffer path;
    size_t length = strlen(base_path);
    while (length > 0 && base_path[length - 1] == '/')
        length--;
    buffer_init(&path, URL_LIMIT);
    int result = -1;
    if (buffer_append(&path, base_path, length) == 0 && buffer_append_text(&path, more) == 0 &&
        curl_url_set(url, CURLUPART_PATH, path.length > 0 ? path.data : "/", 0) == CURLUE_OK)
        result = 0;
    buffer_release(&path);
    return result;
}

static char *extended(CURLU *url, const char *base_path, const char *more)
{
    return extend_path(url, base_path, more) == 0 ? get_part(url, CURLUPART_URL) : NULL;
}

static bool is_loopback(const char *host)
{
    static const char suffix[] = ".localhost";
    size_t length = strlen(host);
    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    if (length >= sizeof suffix && strcmp(host + length - (sizeof suffix - 1), suffix) == 0)
        return true;
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == length;
}

static int fill(struct endpoint *endpoint, CURLU *url)
{
    char *path = get_part(url, CURLUPART_PATH);
    char *host = get_part(url, CURLUPART_HOST);
    int result = -1;
    if (path != NULL && host != NULL) {
        endpoint->loopback = is_loopback(host);
        endpoint->chat = extended(url, path, "/chat/completions");
        endpoint->models = extended(url, path, "/models");
        curl_url_set(url, CURLUPART_USER, NULL, 0);
        curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
        curl_url_set(url, CURLUPART_QUERY, NULL, 0);
        curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
        endpoint->chat_shown = extended(url, path, "/chat/completions");
        endpoint->models_shown = extended(url, path, "/models");
        endpoint->base = extended(url, path, "");
        if (endpoint->chat != NULL && endpoint->models != NULL && endpoint->chat_shown != NULL &&
            endpoint->models_shown != NULL && endpoint->base != NULL)
            result = 0;
    }
    free(path);
    free(host);
    return result;
}

int endpoint_init(struct endpoint *endpoint, const char *base_url, struct error *error)
{
    *endpoint = (struct endpoint){0};
    CURLU *url = curl_url();
    int result = -1;
    if (url == NULL)
        return error_set(error, "out of memory");
    if (curl_url_set(url, CURLUPART_URL, base_url, CURLU_GUESS_SCHEME) == CURLUE_OK)
        result = fill(endpoint, url);
    curl_url_cleanup(url);
    if (result < 0)
        error_set(error, "base_url is no usable http or https URL");
    return result;
}

void endpoint_release(struct endpoint *endpoint)
{
    free(endpoint->base);
    free(endpoint->chat);
    free(endpoint->chat_shown);
    free(endpoint->models);
    free(endpoint->models_shown);
    *endpoint = (struct endpoint){0};
}
