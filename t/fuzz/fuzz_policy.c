/* A policy, then behind a NUL the command that it judges. */
#include "agent/policy.h"
#include "data/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, 0, size);
    size_t length = end != NULL ? (size_t)(end - data) : size;
    char *command = strndup(
        end != NULL ? (const char *)end + 1 : "ls; rm x", end != NULL ? size - length - 1 : 8);
    struct policy policy = {0};
    struct error error;
    cJSON *arguments = cJSON_CreateObject();
    if (command != NULL && policy_parse(&policy, (const char *)data, length, "p", &error) == 0 &&
        json_add_string(arguments, "command", command) == 0) {
        const struct policy_call call = {
            .tool = "bash", .arguments = arguments, .project = "/project"};
        struct policy_decision decision;
        policy_decide(&policy, &call, &decision);
        if (decision.verdict == POLICY_DENY && decision.rule == NULL)
            abort();
    }
    policy_release(&policy);
    json_free(arguments);
    free(command);
    return 0;
}
