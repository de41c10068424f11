/*
 * Asking a Unix socket: the server there reads the request, one line, and
 * writes the answer, one line. Whoever listens must have our user id. A server
 * that is not there, is another user's, hangs up or says something else denies.
 */
#include "base/buffer.h"
#include "common/program.h"
#include "data/json.h"
#include "io/line_channel.h"
#include "io/process.h"
#include "ts-approve/approve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <fcntl.h>

enum {
    ANSWER_LIMIT = 1 << 20, /* bytes */
    REQUEST_LIMIT = 128 << 20,
};

struct peer {
    struct line_channel channel;
};

void peer_close(struct approver *approver)
{
    struct peer *peer = approver->peer;
    if (peer == NULL)
        return;
    approver->peer = NULL;
    line_channel_close(&peer->channel);
    free(peer);
}

static void line_arrived(void *context, char *line, size_t length)
{
    struct approver *approver = context;
    struct error error = {.text = ""};
    cJSON *answer = NULL;
    if (line == NULL)
        error_set(&error, "the approver's answer is longer than %d bytes", ANSWER_LIMIT);
    else
        answer = answer_parse(
            line, length, asking_answer_type(approver), asking_request_id(approver), &error);
    asking_program_answered(approver, answer, &error);
}

static void hung_up(void *context)
{
    struct error error;
    error_set(&error, "the approver gave no answer");
    asking_program_answered(context, NULL, &error);
}

/* A connected socket, or -1 with a sentence. */
static int connect_to(const char *path, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred owner;
    socklen_t size = sizeof owner;
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(error, "the approver's socket '%s' has too long a name", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_system(error, "make a socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        error_system(error, "connect to the approver at '%s'", path);
    else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &size) < 0)
        error_system(error, "learn who the approver at '%s' is", path);
    else if (owner.uid != geteuid())
        error_set(error, "the approver at '%s' belongs to another user", path);
    else
        return fd;
    close_descriptor(&fd);
    return -1;
}

static void send_request(struct approver *approver)
{
    struct buffer text;
    cJSON *request = asking_line(approver);
    buffer_init(&text, REQUEST_LIMIT);
    /* A request that cannot be sent gets no answer: the server hangs up, or the time is up. */
    if (json_append(&text, request) < 0 ||
        line_channel_send(&approver->peer->channel, text.data, text.length) < 0)
        die(EXIT_SYSTEM, "keep the request for the approver: %s", strerror(errno));
    line_channel_flush(&approver->peer->channel);
    buffer_release(&text);
    json_free(request);
}

int peer_ask(struct approver *approver, const char *path, struct error *error)
{
    int fd = connect_to(path, error);
    if (fd < 0)
        return -1;
    int other = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    if (other < 0) {
        close_descriptor(&fd);
        return error_system(error, "ask the approver");
    }
    approver->peer = stage_need(calloc(1, sizeof *approver->peer));
    if (line_channel_open(&approver->peer->channel, approver->stage.loop, fd, other, ANSWER_LIMIT,
            line_arrived, hung_up, approver) < 0)
        die(EXIT_SYSTEM, "out of memory");
    send_request(approver);
    return 0;
}
