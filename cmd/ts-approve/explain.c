#include "ts-approve/explain.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "common/program.h"
#include "data/json.h"
#include "io/paths.h"
#include "io/process.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    OUTPUT_LIMIT = 64 << 20, /* bytes of prepared lines */
    PREPARE_MS = 30000,      /* for ts-tool-prep: its own limits are far shorter */
    READ_SIZE = 65536,
    SHOWN_LIMIT = 8 << 20,
};

/* What is printed. */

static void print_visible(const char *text)
{
    struct buffer visible;
    buffer_init(&visible, SHOWN_LIMIT);
    if (utf8_append_visible(&visible, text, strlen(text), false) < 0)
        fputs("(too long to be shown)", stdout);
    else
        fputs(visible.data, stdout);
    buffer_release(&visible);
}

static void print_rule(const char *verdict, const struct policy_rule *rule)
{
    fputs(verdict, stdout);
    print_visible(rule->place);
    if (rule->reason != NULL) {
        fputs(" (", stdout);
        print_visible(rule->reason);
        fputs(")", stdout);
    }
}

static void print_part(void *context, const struct policy_part *part)
{
    (void)context;
    fputs("    ", stdout);
    print_visible(part->text != NULL ? part->text : "the call as a whole");
    if (part->deny != NULL)
        print_rule(": denied by ", part->deny);
    else if (part->ask != NULL)
        print_rule(": asked by ", part->ask);
    else if (part->maybe != NULL)
        print_rule(": known only when it runs, and then perhaps forbidden by ", part->maybe);
    else if (part->allow != NULL)
        print_rule(": allowed by ", part->allow);
    else
        fputs(": no rule", stdout);
    putchar('\n');
}

static void print_verdict(const struct entry *entry, const struct policy_decision *decision)
{
    const char *by = entry->decided_by;
    if (entry->verdict == VERDICT_DENY) {
        print_rule("deny: by the rule ", decision->rule);
    } else if (entry->verdict == VERDICT_OPEN) {
        fputs("ask: ", stdout);
        if (decision->verdict == POLICY_ASK && decision->rule != NULL)
            print_rule("by the rule ", decision->rule);
        else
            print_visible(entry->why != NULL ? entry->why : "no rule allows it");
    } else if (strcmp(by, "policy") == 0) {
        print_rule("allow: by the rule ", decision->rule);
    } else if (strcmp(by, "flag") == 0) {
        fputs("allow: by --skip-permissions or --auto-approve", stdout);
    } else if (strcmp(by, "always") == 0) {
        fputs("allow: somebody said 'always' in this session", stdout);
    } else {
        fputs("allow: it needs no approval", stdout);
    }
    putchar('\n');
}

static int explain_entry(struct approver *approver, struct entry *entry)
{
    const char *header = json_string(entry->item, "header");
    const char *refusal = json_string(entry->item, "error");
    struct policy_decision decision;
    struct error error;
    print_visible(header != NULL && header[0] != '\0' ? header : "a call");
    putchar('\n');
    if (refusal != NULL) {
        fputs("    it would not run: ", stdout);
        print_visible(refusal);
        putchar('\n');
        cJSON_DeleteItemFromObjectCaseSensitive(entry->item, "error");
    }
    decide_entry(approver, entry, &decision);
    const struct policy_call call = decide_call(approver, entry);
    if (call.tool == NULL) {
        fputs("deny: it names no tool\n", stdout);
        return EXIT_FAILED;
    }
    if (policy_parts(&approver->policy, &call, print_part, NULL, &error) < 0) {
        fputs("    the command cannot be judged: ", stdout);
        print_visible(error.text);
        putchar('\n');
    }
    print_verdict(entry, &decision);
    if (entry->verdict == VERDICT_OPEN)
        return EXIT_DENIED;
    return entry->verdict == VERDICT_ALLOW ? EXIT_DONE : EXIT_FAILED;
}

/* The worst of two codes: denied, then asked, then allowed. */
static int worse(int one, int other)
{
    if (one == EXIT_FAILED || other == EXIT_FAILED)
        return EXIT_FAILED;
    return one == EXIT_DENIED || other == EXIT_DENIED ? EXIT_DENIED : EXIT_DONE;
}

static int explain_line(struct approver *approver, cJSON *tree)
{
    struct batch *batch = batch_new(tree);
    int code = EXIT_DONE;
    if (batch == NULL)
        die(EXIT_FAILED, "prepared without a list 'items'");
    for (size_t i = 0; i < batch->count; i++)
        code = worse(code, explain_entry(approver, &batch->entries[i]));
    batch_free(batch);
    return code;
}

/* Lines of a stream; what is not prepared is passed over. */

static int explain_lines(struct approver *approver, struct line_reader *reader)
{
    enum line_status status;
    struct error error;
    char *line;
    size_t length;
    int code = EXIT_DONE;
    while ((status = line_reader_next(reader, &line, &length)) != LINE_NONE) {
        if (status == LINE_TOO_LONG)
            die(EXIT_FAILED, "line %lu is longer than %d bytes", reader->number, LINE_LIMIT);
        if (length == 0)
            continue;
        cJSON *tree = json_parse_object(line, length, &error);
        if (tree == NULL)
            die(EXIT_FAILED, "line %lu: %s", reader->number, error.text);
        const char *type = json_string(tree, "type");
        if (type != NULL && strcmp(type, "prepared") == 0)
            code = worse(code, explain_line(approver, tree));
        json_free(tree);
    }
    return code;
}

static int explain_stdin(struct approver *approver)
{
    struct line_reader reader;
    int code = EXIT_DONE;
    line_reader_init(&reader, STDIN_FILENO, LINE_LIMIT);
    while (!reader.ended) {
        if (line_reader_fill(&reader) < 0 && errno != EINTR)
            die(EXIT_SYSTEM, "read stdin: %s", strerror(errno));
        code = worse(code, explain_lines(approver, &reader));
    }
    line_reader_release(&reader);
    return code;
}

/* A call by hand: ts-tool-prep finds its paths and checks its arguments. */

static cJSON *call_arguments(const char *tool, const char *text)
{
    struct error error;
    cJSON *arguments = json_parse_object(text, strlen(text), &error);
    if (arguments == NULL && strcmp(tool, "bash") == 0) {
        arguments = stage_need(cJSON_CreateObject());
        if (json_add_string(arguments, "command", text) < 0)
            die(EXIT_SYSTEM, "out of memory");
    }
    if (arguments == NULL)
        die_usage("the arguments of '%s' are no JSON object: %s", tool, error.text);
    return arguments;
}

static int batch_file(const char *tool, const cJSON *arguments)
{
    struct buffer text;
    cJSON *line = stage_need(cJSON_CreateObject());
    cJSON *calls = stage_need(cJSON_CreateArray());
    cJSON *call = stage_need(cJSON_CreateObject());
    buffer_init(&text, OUTPUT_LIMIT);
    if (!cJSON_AddItemToArray(calls, call) || json_add_string(call, "name", tool) < 0 ||
        json_add(call, "arguments", cJSON_Duplicate(arguments, true)) < 0 ||
        json_add_string(line, "type", "tool_batch") < 0 || json_add(line, "calls", calls) < 0 ||
        json_append(&text, line) < 0)
        die(EXIT_SYSTEM, "out of memory");
    int fd = memfd_create("tool_batch", MFD_CLOEXEC);
    for (size_t sent = 0; fd >= 0 && sent < text.length;) {
        ssize_t count = write(fd, text.data + sent, text.length - sent);
        if (count < 0 && errno != EINTR)
            die(EXIT_SYSTEM, "keep the call: %s", strerror(errno));
        sent += count > 0 ? (size_t)count : 0;
    }
    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
        die(EXIT_SYSTEM, "keep the call: %s", strerror(errno));
    buffer_release(&text);
    json_free(line);
    return fd;
}

static void read_all(int fd, struct buffer *text)
{
    int64_t deadline = clock_monotonic_ms() + PREPARE_MS;
    ssize_t count = 1;
    while (count != 0) {
        int64_t left = deadline - clock_monotonic_ms();
        struct pollfd watch = {.fd = fd, .events = POLLIN};
        if (left <= 0 || poll(&watch, 1, (int)left) == 0)
            die(EXIT_FAILED, "ts-tool-prep took longer than %d seconds", PREPARE_MS / 1000);
        if (buffer_reserve(text, READ_SIZE) < 0)
            die(EXIT_FAILED, "read what ts-tool-prep says: %s", strerror(errno));
        count = read(fd, text->data + text->length, READ_SIZE);
        if (count < 0 && errno != EINTR)
            die(EXIT_SYSTEM, "read what ts-tool-prep says: %s", strerror(errno));
        text->length += count > 0 ? (size_t)count : 0;
    }
}

/* The one item of the prepared line; the caller frees the line. */
static cJSON *prepare(struct approver *approver, const char *tool, const cJSON *arguments)
{
    char path[PATH_MAX];
    struct error error;
    struct buffer text;
    struct process process;
    int ours = -1, theirs = -1, status = 0;
    int input = batch_file(tool, arguments);
    if (paths_helper(path, sizeof path, "ts-tool-prep", &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    if (process_pipe(&ours, &theirs) < 0)
        die(EXIT_SYSTEM, "make a pipe: %s", strerror(errno));
    const struct spawn spawn = {
        .path = path,
        .argv = (char *[]){(char *)"ts-tool-prep", (char *)"--project", approver->project, NULL},
        .environment = stage_need(config_export(approver->config, false)),
        .descriptors = {input, theirs, STDERR_FILENO},
        .descriptor_count = 3,
    };
    if (process_spawn(&process, &spawn, &error) < 0)
        die(EXIT_SYSTEM, "%s", error.text);
    close_descriptor(&input);
    close_descriptor(&theirs);
    buffer_init(&text, OUTPUT_LIMIT);
    read_all(ours, &text);
    close_descriptor(&ours);
    if (process_wait(&process, clock_monotonic_ms() + PREPARE_MS, &status) && status != 0)
        die(EXIT_FAILED, "ts-tool-prep failed with exit code %d", status);
    cJSON *line = json_parse_object(text.data, strcspn(text.data, "\n"), &error);
    if (line == NULL)
        die(EXIT_FAILED, "what ts-tool-prep says: %s", error.text);
    buffer_release(&text);
    return line;
}

static int explain_call(struct approver *approver, const char *tool, const char *text)
{
    cJSON *arguments = call_arguments(tool, text);
    cJSON *line = prepare(approver, tool, arguments);
    cJSON *item = cJSON_GetArrayItem(json_array(line, "items"), 0);
    /* What cannot run, such as a tool that is not installed here, is judged as it was given. */
    if (item != NULL && json_string(item, "error") != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(item, "arguments");
        cJSON_DeleteItemFromObjectCaseSensitive(item, "func_name");
        cJSON_DeleteItemFromObjectCaseSensitive(item, "needs_approval");
        if (json_add(item, "arguments", cJSON_Duplicate(arguments, true)) < 0 ||
            json_add_string(item, "func_name", tool) < 0)
            die(EXIT_SYSTEM, "out of memory");
    }
    json_free(arguments);
    int code = explain_line(approver, line);
    json_free(line);
    return code;
}

int explain(struct approver *approver, char *const *operands)
{
    if (operands[0] == NULL)
        return explain_stdin(approver);
    if (operands[1] == NULL || operands[2] != NULL)
        die_usage("--explain takes a tool and its arguments, or nothing");
    return explain_call(approver, operands[0], operands[1]);
}
