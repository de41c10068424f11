#include "common/jailed_child.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "data/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 << 10,
    ARGUMENTS_LIMIT = 128 << 20, /* bytes, as JSON */
};

void jailed_child_init(struct jailed_child *child, struct loop *loop,
    void (*take)(void *context, int descriptor, const char *bytes, size_t length),
    void (*ended)(void *context, int status), void *context)
{
    *child = (struct jailed_child){
        .loop = loop, .take = take, .ended = ended, .context = context, .process = {.pidfd = -1}};
    for (int i = 0; i < SPAWN_DESCRIPTORS; i++)
        child->ends[i] = -1;
}

/* What it writes. */

static void close_end(struct jailed_child *child, int descriptor)
{
    if (child->ends[descriptor] >= 0)
        loop_unwatch(child->loop, child->ends[descriptor]);
    close_descriptor(&child->ends[descriptor]);
}

static void close_ends(struct jailed_child *child)
{
    for (int i = 0; i < SPAWN_DESCRIPTORS; i++)
        close_end(child, i);
}

/* Returns false when there is nothing more at present. */
static bool read_end(struct jailed_child *child, int descriptor)
{
    char bytes[READ_SIZE];
    ssize_t count = read(child->ends[descriptor], bytes, sizeof bytes);
    if (count > 0) {
        child->take(child->context, descriptor, bytes, (size_t)count);
        return true;
    }
    if (count == 0 || (errno != EAGAIN && errno != EINTR))
        close_end(child, descriptor);
    return false;
}

static void ends_ready(void *context, short events)
{
    (void)events;
    struct jailed_child *child = context;
    for (int i = 0; i < SPAWN_DESCRIPTORS; i++) {
        if (child->ends[i] >= 0)
            read_end(child, i);
    }
}

/* Its end. */

static void process_ended(void *context, short events)
{
    (void)events;
    struct jailed_child *child = context;
    int status = 0;
    loop_unwatch(child->loop, child->process.pidfd);
    process_wait(&child->process, -1, &status); /* it has ended: no waiting */
    for (int i = 0; i < SPAWN_DESCRIPTORS; i++) {
        while (child->ends[i] >= 0 && read_end(child, i))
            continue;
    }
    close_ends(child);
    child->ended(child->context, status);
}

void jailed_child_kill(struct jailed_child *child, int milliseconds)
{
    int status;
    if (child->process.pidfd >= 0)
        loop_unwatch(child->loop, child->process.pidfd);
    if (milliseconds > 0)
        process_signal(&child->process, SIGTERM);
    if (milliseconds <= 0 ||
        !process_wait(&child->process, clock_monotonic_ms() + milliseconds, &status))
        process_kill(&child->process);
    close_ends(child);
}

/* Its beginning. */

static int open_ends(struct jailed_child *child, struct spawn *spawn)
{
    for (int i = 0; i < spawn->descriptor_count; i++) {
        if (spawn->descriptors[i] != JAILED_CHILD_READ)
            continue;
        if (process_pipe(&child->ends[i], &spawn->descriptors[i]) < 0 ||
            fcntl(child->ends[i], F_SETFL, O_NONBLOCK) < 0 ||
            loop_watch(child->loop, child->ends[i], POLLIN, ends_ready, child) < 0)
            return -1;
    }
    return 0;
}

static int spawn_watched(struct jailed_child *child, const struct spawn *spawn, struct error *error)
{
    if (process_spawn(&child->process, spawn, error) < 0)
        return -1;
    if (loop_watch(child->loop, child->process.pidfd, POLLIN, process_ended, child) == 0)
        return 0;
    process_kill(&child->process);
    return error_set(error, "watch '%s': out of memory", spawn->path);
}

int jailed_child_start(struct jailed_child *child, const struct spawn *spawn, struct error *error)
{
    struct spawn ours = *spawn;
    int result = open_ends(child, &ours) < 0 ? error_system(error, "start '%s'", ours.path)
                                             : spawn_watched(child, &ours, error);
    for (int i = 0; i < ours.descriptor_count; i++) {
        if (spawn->descriptors[i] == JAILED_CHILD_READ)
            close_descriptor(&ours.descriptors[i]);
    }
    if (result < 0)
        close_ends(child);
    return result;
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, bytes, length);
        if (count < 0 && errno != EINTR)
            return -1;
        if (count > 0) {
            bytes += count;
            length -= (size_t)count;
        }
    }
    return lseek(fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

int jailed_child_arguments(const cJSON *arguments, struct error *error)
{
    struct buffer text;
    buffer_init(&text, ARGUMENTS_LIMIT);
    int result =
        arguments != NULL ? json_append(&text, arguments) : buffer_append_text(&text, "{}");
    int fd = result < 0 ? -1 : memfd_create("arguments", MFD_CLOEXEC);
    if (fd >= 0 && write_all(fd, text.data, text.length) < 0)
        close_descriptor(&fd);
    buffer_release(&text);
    if (fd < 0)
        error_system(error, "hand the arguments over");
    return fd;
}

/* What ts-jail says. */

cJSON *jailed_child_report(const char *lines, const char *wanted)
{
    cJSON *found = NULL;
    while (*lines != '\0' && found == NULL) {
        size_t length = strcspn(lines, "\n");
        cJSON *tree = json_parse_object(lines, length, NULL);
        const char *status = json_string(tree, "status");
        if (status != NULL && strcmp(status, wanted) == 0)
            found = tree;
        else
            json_free(tree);
        lines += length + (lines[length] == '\n');
    }
    return found;
}
