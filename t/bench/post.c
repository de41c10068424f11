/*
 * post RUNS PORT PATH BODY-FILE: how long a server on 127.0.0.1 takes to answer a POST.
 *
 * As little client as can be: connect, write, read to the end. Prints p50 and p90 in microseconds
 * and the bytes of the last answer, tab-separated.
 */
#include "sample.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_MOST = 1 << 20 };

static int64_t samples[SAMPLES_MOST];
static char body[BODY_MOST];
static char answer[1 << 16];

static long exchange(int port, const char *path, size_t length)
{
    char head[1024];
    int head_length = snprintf(head, sizeof head,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
        "Content-Length: %zu\r\nConnection: close\r\n\r\n",
        path, port, length);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    long total = 0;
    ssize_t got = -1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        write(fd, head, (size_t)head_length) == head_length &&
        write(fd, body, length) == (ssize_t)length) {
        while ((got = read(fd, answer, sizeof answer)) > 0)
            total += got;
    }
    close(fd);
    return got == 0 ? total : -1;
}

int main(int argc, char **argv)
{
    int runs = argc == 5 ? atoi(argv[1]) : 0;
    FILE *file = runs > 0 && runs <= SAMPLES_MOST ? fopen(argv[4], "rbe") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: post RUNS PORT PATH BODY-FILE\n");
        return 2;
    }
    size_t length = fread(body, 1, sizeof body, file);
    fclose(file);
    long bytes = 0;
    for (int i = -1; i < runs; i++) {
        int64_t start = now_us();
        bytes = exchange(atoi(argv[2]), argv[3], length);
        if (bytes < 0) {
            perror("post");
            return 1;
        }
        if (i >= 0)
            samples[i] = now_us() - start;
    }
    printf("%lld\t%lld\t%ld\n", (long long)percentile(samples, runs, 50),
        (long long)percentile(samples, runs, 90), bytes);
    return 0;
}
