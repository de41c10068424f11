#include "io/doorbell.h"

#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { RINGS_MOST = 64 }; /* read at once; one would do */

/* The address of a socket, by way of its open directory where the name is too long for one. */
static int address_of(const char *path, struct sockaddr_un *address, int *directory)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *directory = -1;
    if (strlen(path) < sizeof address->sun_path) {
        memcpy(address->sun_path, path, strlen(path) + 1);
        return 0;
    }
    if (slash == NULL || (size_t)(slash - path) >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    *directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int length = snprintf(
        address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", *directory, slash + 1);
    if (*directory >= 0 && length < (int)sizeof address->sun_path)
        return 0;
    if (*directory >= 0)
        errno = ENAMETOOLONG;
    close_descriptor(directory);
    return -1;
}

static int make_socket(void)
{
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int doorbell_open(
    struct doorbell *doorbell, const char *directory, const char *name, struct error *error)
{
    struct sockaddr_un address;
    int folder = -1;
    doorbell->fd = -1;
    int length = snprintf(doorbell->path, sizeof doorbell->path, "%s/%s", directory, name);
    if (length < 0 || length >= (int)sizeof doorbell->path)
        return error_set(error, "the directory's name '%.200s...' is too long", directory);
    int fd = make_socket();
    int result = fd < 0 ? -1 : address_of(doorbell->path, &address, &folder);
    if (result == 0)
        result = bind(fd, (struct sockaddr *)&address, sizeof address);
    if (result < 0)
        error_system(error, "make the socket '%s'", doorbell->path);
    close_descriptor(&folder);
    if (result < 0)
        close_descriptor(&fd);
    doorbell->fd = fd;
    return result;
}

void doorbell_answer(struct doorbell *doorbell)
{
    char byte;
    for (int i = 0; i < RINGS_MOST && recv(doorbell->fd, &byte, sizeof byte, 0) >= 0; i++)
        continue;
}

void doorbell_close(struct doorbell *doorbell)
{
    if (doorbell->fd < 0)
        return;
    (void)unlink(doorbell->path);
    close_descriptor(&doorbell->fd);
}

static bool reach(const char *path, bool ring)
{
    struct sockaddr_un address;
    int folder = -1;
    int fd = make_socket();
    bool attended = fd >= 0 && address_of(path, &address, &folder) == 0 &&
                    connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0 && !attended && errno == ECONNREFUSED)
        (void)unlink(path);
    /* A bell that is full of rings has been heard. */
    if (attended && ring)
        attended = send(fd, "", 1, MSG_NOSIGNAL) == 1 || errno == EAGAIN;
    close_descriptor(&folder);
    close_descriptor(&fd);
    return attended;
}

bool doorbell_ring(const char *path)
{
    return reach(path, true);
}

bool doorbell_is_attended(const char *path)
{
    return reach(path, false);
}
