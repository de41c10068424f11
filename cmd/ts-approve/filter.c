/*
 * Asking a command: it gets the approval_request line on stdin and prints an
 * approve line. What it may do wrong (fail, say nothing, say something else,
 * take too long) denies the calls, with the reason.
 */
#include "base/buffer.h"
#include "common/program.h"
#include "data/json.h"
#include "io/process.h"
#include "ts-approve/approve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ANSWER_LIMIT = 1 << 20, /* bytes of an answer */
    REQUEST_LIMIT = 128 << 20,
    READ_SIZE = 4096,
};

struct filter {
    struct process process;
    int output; /* its stdout */
    struct buffer answer;
    bool too_long;
};

void filter_close(struct approver *approver)
{
    struct filter *filter = approver->filter;
    if (filter == NULL)
        return;
    approver->filter = NULL;
    if (filter->output >= 0)
        loop_unwatch(approver->stage.loop, filter->output);
    close_descriptor(&filter->output);
    if (filter->process.pid > 0) {
        loop_unwatch(approver->stage.loop, filter->process.pidfd);
        process_signal_group(&filter->process, SIGKILL);
        process_kill(&filter->process);
    }
    buffer_release(&filter->answer);
    free(filter);
}

/* Returns false when there is nothing more at present. */
static bool read_output(struct approver *approver)
{
    struct filter *filter = approver->filter;
    char bytes[READ_SIZE];
    ssize_t count = read(filter->output, bytes, sizeof bytes);
    if (count > 0) {
        filter->too_long |= buffer_append(&filter->answer, bytes, (size_t)count) < 0;
        return true;
    }
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        loop_unwatch(approver->stage.loop, filter->output);
        close_descriptor(&filter->output);
    }
    return false;
}

static void output_ready(void *context, short events)
{
    (void)events;
    read_output(context);
}

static void process_ended(void *context, short events)
{
    (void)events;
    struct approver *approver = context;
    struct filter *filter = approver->filter;
    struct error error = {.text = ""};
    int status = 0;
    loop_unwatch(approver->stage.loop, filter->process.pidfd);
    process_signal_group(&filter->process, SIGKILL); /* what it left behind; it is not reaped yet */
    process_wait(&filter->process, -1, &status);
    while (filter->output >= 0 && read_output(approver))
        continue;
    cJSON *answer = NULL;
    if (status != 0)
        error_set(&error, "the approver failed with exit code %d", status);
    else if (filter->too_long)
        error_set(&error, "the approver's answer is longer than %d bytes", ANSWER_LIMIT);
    else
        answer = answer_parse(filter->answer.data, filter->answer.length,
            asking_answer_type(approver), asking_request_id(approver), &error);
    asking_program_answered(approver, answer, &error);
}

/* A file in memory: the command need not read what it does not want to know. */
static int write_request(const struct approver *approver)
{
    struct buffer text;
    cJSON *request = asking_line(approver);
    buffer_init(&text, REQUEST_LIMIT);
    int fd = -1;
    if (json_append(&text, request) == 0 && buffer_append_byte(&text, '\n') == 0)
        fd = memfd_create("approval_request", MFD_CLOEXEC);
    size_t sent = 0;
    while (fd >= 0 && sent < text.length) {
        ssize_t count = write(fd, text.data + sent, text.length - sent);
        if (count < 0 && errno != EINTR)
            close_descriptor(&fd);
        else if (count > 0)
            sent += (size_t)count;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    buffer_release(&text);
    json_free(request);
    return fd;
}

static int start(struct approver *approver, const char *command, int request, struct error *error)
{
    struct filter *filter = approver->filter;
    int theirs = -1;
    if (process_pipe(&filter->output, &theirs) < 0 ||
        fcntl(filter->output, F_SETFL, O_NONBLOCK) < 0)
        return error_system(error, "make a pipe for the approver");
    char **environment = config_export(approver->config, CONFIG_NO_SECRETS);
    const struct spawn spawn = {
        .path = "/bin/sh",
        .argv = (char *[]){(char *)"sh", (char *)"-c", (char *)command, NULL},
        .environment = stage_need(environment),
        .descriptors = {request, theirs, STDERR_FILENO},
        .descriptor_count = 3,
        .group = SPAWN_OWN_GROUP,
    };
    int result = process_spawn(&filter->process, &spawn, error);
    close_descriptor(&theirs);
    if (result < 0)
        return -1;
    if (loop_watch(approver->stage.loop, filter->output, POLLIN, output_ready, approver) < 0 ||
        loop_watch(approver->stage.loop, filter->process.pidfd, POLLIN, process_ended, approver) <
            0)
        die(EXIT_SYSTEM, "out of memory");
    return 0;
}

int filter_ask(struct approver *approver, const char *command, struct error *error)
{
    int request = write_request(approver);
    if (request < 0)
        return error_system(error, "keep the request for the approver");
    approver->filter = stage_need(calloc(1, sizeof *approver->filter));
    approver->filter->process.pidfd = -1;
    approver->filter->output = -1;
    buffer_init(&approver->filter->answer, ANSWER_LIMIT);
    int result = start(approver, command, request, error);
    close_descriptor(&request);
    if (result < 0)
        filter_close(approver);
    return result;
}
