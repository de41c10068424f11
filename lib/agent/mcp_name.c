#include "agent/mcp_name.h"

#include "base/buffer.h"

#include <sha256.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

enum {
    NAME_MOST = MCP_NAME_SIZE - 1,
    SUFFIX_DIGITS = 8, /* of the hash behind a name: 32 bits tell a few hundred tools apart */
};

static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

int mcp_server_name_check(const char *name, struct error *error)
{
    bool plain = name[0] != '\0' && name[0] != '-' && strlen(name) <= MCP_SERVER_NAME_LIMIT;
    for (const char *at = name; *at != '\0'; at++)
        plain = plain && (*at == '.' || strchr(allowed, *at) != NULL);
    if (!plain)
        return error_set(error,
            "the name of a server must be 1 to %d letters, digits, '_', '-' or '.'",
            MCP_SERVER_NAME_LIMIT);
    if (strstr(name, "__") != NULL)
        return error_set(error, "the name of a server must not hold '__'");
    return 0;
}

bool mcp_name_is_plain(const char *server, const char *tool)
{
    return strlen("mcp____") + strlen(server) + strlen(tool) <= NAME_MOST && tool[0] != '\0' &&
           server[strspn(server, allowed)] == '\0' && tool[strspn(tool, allowed)] == '\0';
}

void mcp_hash(char hash[MCP_HASH_SIZE], const char *bytes, size_t length)
{
    char whole[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data((const uint8_t *)bytes, length, whole);
    snprintf(hash, MCP_HASH_SIZE, "%s", whole);
}

static void hash_names(char hash[MCP_HASH_SIZE], const char *server, const char *tool)
{
    struct buffer text;
    buffer_init(&text, SIZE_MAX / 2);
    /* Without memory the shorter text still gives a name that is allowed. */
    (void)buffer_append(&text, server, strlen(server) + 1);
    (void)buffer_append_text(&text, tool);
    mcp_hash(hash, text.data, text.length);
    buffer_release(&text);
}

void mcp_name(char name[MCP_NAME_SIZE], const char *server, const char *tool, bool distinct)
{
    char hash[MCP_HASH_SIZE];
    int wanted = snprintf(name, MCP_NAME_SIZE, "mcp__%s__%s", server, tool);
    for (char *at = name; *at != '\0'; at++) {
        if (strchr(allowed, *at) == NULL)
            *at = '_';
    }
    if (!distinct && wanted > 0 && wanted <= NAME_MOST)
        return;
    size_t length = strlen(name);
    if (length > NAME_MOST - SUFFIX_DIGITS - 1)
        length = NAME_MOST - SUFFIX_DIGITS - 1;
    hash_names(hash, server, tool);
    snprintf(name + length, MCP_NAME_SIZE - length, "_%.*s", SUFFIX_DIGITS, hash);
}
