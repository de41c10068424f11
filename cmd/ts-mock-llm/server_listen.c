#include "server_listen.h"

#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,       /* evhttp's own 128 makes thousands of clients wait for seconds */
    ACCEPT_PAUSE_MS = 50, /* while every descriptor is in use */
    LISTENERS_MOST = 2,   /* TCP and Unix */
};

struct listeners {
    struct evhttp *http;
    struct evhttp_bound_socket *bound[LISTENERS_MOST];
    int count;
    struct event *resume;
    const char *unix_path; /* to be removed; NULL: none */
};

/* The error callback of a listener gets evhttp's context, not ours. */
static struct listeners *the_listeners;

static void on_resume(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct listeners *listeners = context;
    for (int i = 0; i < listeners->count; i++)
        evconnlistener_enable(evhttp_bound_socket_get_listener(listeners->bound[i]));
}

static void on_accept_error(struct evconnlistener *listener, void *context)
{
    static const struct timeval pause = {0, ACCEPT_PAUSE_MS * 1000};
    (void)context;
    evconnlistener_disable(listener);
    evtimer_add(the_listeners->resume, &pause);
}

static int add_listener(struct listeners *listeners, struct event_base *base,
    const struct sockaddr *address, socklen_t length, const char *name, struct error *error)
{
    struct evconnlistener *listener = evconnlistener_new_bind(base, NULL, NULL,
        LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, BACKLOG, address,
        (int)length);
    if (listener == NULL)
        return error_system(error, "listen on %s", name);
    struct evhttp_bound_socket *bound = evhttp_bind_listener(listeners->http, listener);
    if (bound == NULL) {
        evconnlistener_free(listener);
        return error_set(error, "listen on %s: out of memory", name);
    }
    evconnlistener_set_error_cb(listener, on_accept_error);
    listeners->bound[listeners->count++] = bound;
    return 0;
}

static int listen_tcp(struct listeners *listeners, struct event_base *base,
    const struct server_options *options, char *url, size_t size, struct error *error)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address = {0};
    socklen_t length = sizeof address.four;
    bool six = strchr(options->address, ':') != NULL;
    if (six) {
        address.six.sin6_family = AF_INET6;
        address.six.sin6_port = htons((uint16_t)options->port);
        length = sizeof address.six;
    } else {
        address.four.sin_family = AF_INET;
        address.four.sin_port = htons((uint16_t)options->port);
    }
    if (inet_pton(six ? AF_INET6 : AF_INET, options->address,
            six ? (void *)&address.six.sin6_addr : (void *)&address.four.sin_addr) != 1)
        return error_set(error, "'%s' is no IP address", options->address);
    bool loopback = six ? IN6_IS_ADDR_LOOPBACK(&address.six.sin6_addr)
                        : ntohl(address.four.sin_addr.s_addr) >> 24 == 127;
    if (!loopback && options->key == NULL)
        return error_set(error,
            "refusing to listen on %s, which others can reach, without --api-key-env",
            options->address);
    char name[128];
    snprintf(name, sizeof name, "%s port %d", options->address, options->port);
    if (add_listener(listeners, base, &address.any, length, name, error) < 0)
        return -1;
    socklen_t filled = sizeof address;
    if (getsockname(evhttp_bound_socket_get_fd(listeners->bound[0]), &address.any, &filled) < 0)
        return error_system(error, "ask for the port");
    int port = ntohs(six ? address.six.sin6_port : address.four.sin_port);
    snprintf(url, size, six ? "http://[%s]:%d/v1" : "http://%s:%d/v1", options->address, port);
    return 0;
}

/* A socket nobody listens on any more is left over from a process that was killed. */
static void remove_stale(const struct sockaddr_un *address)
{
    struct stat status;
    if (lstat(address->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno == ECONNREFUSED)
        unlink(address->sun_path);
    close(fd);
}

static int listen_unix(struct listeners *listeners, struct event_base *base,
    const struct server_options *options, char *url, size_t size, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(options->unix_path) >= sizeof address.sun_path)
        return error_set(
            error, "the path of the Unix socket is too long: '%s'", options->unix_path);
    memcpy(address.sun_path, options->unix_path, strlen(options->unix_path));
    remove_stale(&address);
    mode_t mask = umask(077);
    int status = add_listener(listeners, base, (const struct sockaddr *)&address, sizeof address,
        options->unix_path, error);
    umask(mask);
    if (status < 0)
        return -1;
    listeners->unix_path = options->unix_path;
    if (options->address == NULL)
        snprintf(url, size, "http://localhost/v1");
    return 0;
}

/* Descriptors for so many connections and no more: the kernel does the counting. */
static int limit_connections(const struct server_options *options, struct error *error)
{
    /* While recording each has another one to the backend. */
    int64_t connections = options->connections * (options->record_url != NULL ? 2 : 1);
    struct rlimit limit;
    int next = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (next < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return error_system(error, "ask for the limit of open files");
    close(next);
    rlim_t wanted = (rlim_t)next + (rlim_t)connections;
    if (wanted > limit.rlim_max)
        wanted = limit.rlim_max;
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? error_system(error, "set the limit of open files")
                                                : 0;
}

struct listeners *listeners_open(struct event_base *base, struct evhttp *http,
    const struct server_options *options, char *url, size_t size, struct error *error)
{
    struct listeners *listeners = calloc(1, sizeof *listeners);
    if (listeners == NULL) {
        error_set(error, "out of memory");
        return NULL;
    }
    listeners->http = http;
    the_listeners = listeners;
    listeners->resume = evtimer_new(base, on_resume, listeners);
    if (listeners->resume == NULL) {
        error_set(error, "out of memory");
    } else if ((options->address == NULL ||
                   listen_tcp(listeners, base, options, url, size, error) == 0) &&
               (options->unix_path == NULL ||
                   listen_unix(listeners, base, options, url, size, error) == 0) &&
               limit_connections(options, error) == 0) {
        return listeners;
    }
    listeners_free(listeners);
    return NULL;
}

void listeners_close(struct listeners *listeners)
{
    for (int i = 0; i < listeners->count; i++)
        evhttp_del_accept_socket(listeners->http, listeners->bound[i]);
    listeners->count = 0;
    evtimer_del(listeners->resume);
    if (listeners->unix_path != NULL)
        unlink(listeners->unix_path);
    listeners->unix_path = NULL;
}

void listeners_free(struct listeners *listeners)
{
    if (listeners == NULL)
        return;
    if (listeners->resume != NULL) {
        listeners_close(listeners);
        event_free(listeners->resume);
    }
    the_listeners = NULL;
    free(listeners);
}
