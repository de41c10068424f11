#include "agent/redact.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    TEXT_LIMIT = 256 << 20, /* bytes of one text of a tree */
    NAME_MOST = 48,         /* bytes behind a telling word that still belong to the name */
    PEM_HEAD = 64,          /* bytes in which "PRIVATE KEY-----" must come */
};

static const char masked[] = "[redacted]";

/* A secret in a text: what is left of it, and how far it goes. */
struct match {
    size_t kept;   /* bytes that are no secret, from the beginning */
    size_t length; /* all of it; 0: there is none */
};

struct text {
    const char *bytes;
    size_t length;
};

static bool starts(struct text text, size_t at, const char *word)
{
    size_t size = strlen(word);
    return text.length - at >= size && memcmp(text.bytes + at, word, size) == 0;
}

static bool starts_anycase(struct text text, size_t at, const char *word)
{
    size_t size = strlen(word);
    return text.length - at >= size && strncasecmp(text.bytes + at, word, size) == 0;
}

static bool is_name_byte(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_' || byte == '-';
}

/* Where the run of bytes that belong to a token ends. */
static size_t token_end(struct text text, size_t at, const char *punctuation)
{
    while (at < text.length &&
           (isalnum((unsigned char)text.bytes[at]) ||
               (text.bytes[at] != '\0' && strchr(punctuation, text.bytes[at]) != NULL)))
        at++;
    return at;
}

/* Names. */

static const char *const telling[] = {"password", "passwd", "passphrase", "secret", "token",
    "apikey", "api_key", "api-key", "accesskey", "access_key", "access-key", "private_key",
    "private-key", "credential", "authorization", "auth_key", "x-api-key"};

static size_t telling_word(struct text text, size_t at)
{
    for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++) {
        if (starts_anycase(text, at, telling[i]))
            return strlen(telling[i]);
    }
    return 0;
}

static bool name_tells(const char *name, size_t length)
{
    const struct text text = {name, length};
    for (size_t at = 0; at < length; at++) {
        if (telling_word(text, at) > 0)
            return true;
    }
    return false;
}

/* Looks. Each is asked about one place of a text. */

static struct match match_prefix(struct text text, size_t at)
{
    static const struct {
        const char *prefix;
        size_t least; /* bytes behind it */
    } known[] = {{"sk-", 16}, {"pk-", 16}, {"rk_", 16}, {"sk_", 16}, {"ghp_", 16}, {"gho_", 16},
        {"ghu_", 16}, {"ghs_", 16}, {"ghr_", 16}, {"github_pat_", 16}, {"glpat-", 16},
        {"xoxb-", 10}, {"xoxp-", 10}, {"xoxa-", 10}, {"xoxr-", 10}, {"xoxs-", 10}, {"AKIA", 12},
        {"ASIA", 12}, {"AIza", 20}, {"tvly-", 8}, {"hf_", 16}, {"npm_", 16}, {"pypi-", 16},
        {"eyJ", 24}};
    if (at > 0 && (isalnum((unsigned char)text.bytes[at - 1]) || text.bytes[at - 1] == '_'))
        return (struct match){0, 0};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t size = strlen(known[i].prefix);
        if (!starts(text, at, known[i].prefix))
            continue;
        size_t end = token_end(text, at + size, known[i].prefix[0] == 'e' ? "_-." : "_-");
        if (end - at - size >= known[i].least)
            return (struct match){size, end - at};
    }
    return (struct match){0, 0};
}

static struct match match_bearer(struct text text, size_t at)
{
    static const char word[] = "bearer ";
    if (!starts_anycase(text, at, word))
        return (struct match){0, 0};
    size_t begin = at + sizeof word - 1;
    size_t end = token_end(text, begin, "._~+/=-");
    return end - begin >= REDACT_LEAST ? (struct match){begin - at, end - at}
                                       : (struct match){0, 0};
}

static struct match match_user(struct text text, size_t at)
{
    static const char mark[] = "://";
    if (!starts(text, at, mark))
        return (struct match){0, 0};
    size_t begin = at + sizeof mark - 1, last = begin;
    for (size_t i = begin; i < text.length && !isspace((unsigned char)text.bytes[i]) &&
                           memchr("/?#\"'<>", text.bytes[i], 7) == NULL;
         i++) {
        if (text.bytes[i] == '@')
            last = i;
    }
    return last > begin ? (struct match){begin - at, last - at} : (struct match){0, 0};
}

static struct match match_private_key(struct text text, size_t at)
{
    static const char begin[] = "-----BEGIN ", mark[] = "PRIVATE KEY-----", end[] = "-----END ";
    if (!starts(text, at, begin))
        return (struct match){0, 0};
    size_t head = text.length - at < PEM_HEAD ? text.length - at : PEM_HEAD;
    const char *found = memmem(text.bytes + at, head, mark, sizeof mark - 1);
    if (found == NULL)
        return (struct match){0, 0};
    size_t kept = (size_t)(found - text.bytes) + sizeof mark - 1;
    found = memmem(text.bytes + kept, text.length - kept, end, sizeof end - 1);
    size_t last = found != NULL ? (size_t)(found - text.bytes) : text.length;
    return (struct match){kept - at, last - at};
}

/* Behind a name that tells: "=", ":", or the blank behind an option. */
static size_t skip_assignment(struct text text, size_t at, size_t name_begin)
{
    bool option = name_begin >= 2 && starts(text, name_begin - 2, "--");
    size_t next = at;
    while (next < text.length && memchr("\\\"' \t", text.bytes[next], 5) != NULL)
        next++;
    if (next < text.length && (text.bytes[next] == '=' || text.bytes[next] == ':')) {
        next++;
        while (next < text.length && memchr(">=\\\"' \t", text.bytes[next], 7) != NULL)
            next++;
        return next;
    }
    return option && next > at ? next : at;
}

static struct match match_assignment(struct text text, size_t at)
{
    size_t word = telling_word(text, at);
    if (word == 0)
        return (struct match){0, 0};
    size_t name_begin = at, name_end = at + word;
    while (name_begin > 0 && at - name_begin < NAME_MOST && text.bytes[name_begin - 1] != '-' &&
           is_name_byte(text.bytes[name_begin - 1]))
        name_begin--;
    while (
        name_end < text.length && name_end - at < NAME_MOST && is_name_byte(text.bytes[name_end]))
        name_end++;
    size_t value = skip_assignment(text, name_end, name_begin);
    if (value == name_end || value == text.length || text.bytes[value] == '$')
        return (struct match){0, 0}; /* a variable's name is no secret */
    bool header = starts_anycase(text, at, "authorization");
    size_t end = value;
    while (end < text.length && memchr("\"'\n\r", text.bytes[end], 4) == NULL &&
           (header || (!isspace((unsigned char)text.bytes[end]) &&
                          memchr("&;,<>)}]|", text.bytes[end], 9) == NULL)))
        end++;
    return end > value ? (struct match){value - at, end - at} : (struct match){0, 0};
}

static struct match match_known(const struct redactor *redactor, struct text text, size_t at)
{
    for (size_t i = 0; redactor != NULL && i < redactor->count; i++) {
        if (text.bytes[at] == redactor->secrets[i][0] && starts(text, at, redactor->secrets[i]))
            return (struct match){0, strlen(redactor->secrets[i])};
    }
    return (struct match){0, 0};
}

static struct match find(const struct redactor *redactor, struct text text, size_t at)
{
    typedef struct match matcher(struct text text, size_t at);
    static matcher *const matchers[] = {
        match_private_key, match_user, match_prefix, match_bearer, match_assignment};
    struct match match = match_known(redactor, text, at);
    for (size_t i = 0; match.length == 0 && i < sizeof matchers / sizeof matchers[0]; i++)
        match = matchers[i](text, at);
    return match;
}

int redact_append(
    const struct redactor *redactor, const char *text, size_t length, struct buffer *out)
{
    const struct text whole = {text, length};
    size_t copied = 0;
    for (size_t at = 0; at < length;) {
        struct match match = find(redactor, whole, at);
        if (match.length == 0) {
            at++;
            continue;
        }
        if (buffer_append(out, text + copied, at + match.kept - copied) < 0 ||
            buffer_append(out, masked, sizeof masked - 1) < 0)
            return -1;
        at += match.length;
        copied = at;
    }
    return buffer_append(out, text + copied, length - copied);
}

/* Trees. */

static int replace_text(const struct redactor *redactor, cJSON *item)
{
    struct buffer text;
    char *clean = NULL;
    buffer_init(&text, TEXT_LIMIT);
    if (item->string != NULL && name_tells(item->string, strlen(item->string)))
        clean = strdup(masked);
    else if (redact_append(redactor, item->valuestring, strlen(item->valuestring), &text) == 0)
        clean = buffer_take(&text);
    buffer_release(&text);
    if (clean == NULL)
        return -1;
    bool kept = cJSON_SetValuestring(item, clean) != NULL;
    free(clean);
    if (!kept)
        errno = ENOMEM;
    return kept ? 0 : -1;
}

int redact_tree(const struct redactor *redactor, cJSON *tree)
{
    cJSON *item;
    if (cJSON_IsString(tree))
        return replace_text(redactor, tree);
    cJSON_ArrayForEach(item, tree)
    {
        if (redact_tree(redactor, item) < 0)
            return -1;
    }
    return 0;
}

/* What we hold. */

int redact_add(struct redactor *redactor, const char *secret)
{
    if (secret == NULL || strlen(secret) < REDACT_LEAST || redactor->count == REDACT_SECRETS)
        return 0;
    for (size_t i = 0; i < redactor->count; i++) {
        if (strcmp(redactor->secrets[i], secret) == 0)
            return 0;
    }
    char *copy = strdup(secret);
    if (copy == NULL)
        return -1;
    redactor->secrets[redactor->count++] = copy;
    return 0;
}

int redact_init(struct redactor *redactor, char *const *environment)
{
    *redactor = (struct redactor){.count = 0};
    for (; environment != NULL && *environment != NULL; environment++) {
        const char *equals = strchr(*environment, '=');
        /* Names of files and commands are told from what they lead to. */
        if (equals == NULL || strchr("/~", equals[1]) != NULL || strchr(equals, ' ') != NULL)
            continue;
        size_t length = (size_t)(equals - *environment);
        bool key = length >= 4 && strncasecmp(equals - 4, "_KEY", 4) == 0;
        if ((key || name_tells(*environment, length)) && redact_add(redactor, equals + 1) < 0)
            return -1;
    }
    return 0;
}

void redact_release(struct redactor *redactor)
{
    for (size_t i = 0; i < redactor->count; i++) {
        explicit_bzero(redactor->secrets[i], strlen(redactor->secrets[i]));
        free(redactor->secrets[i]);
    }
    redactor->count = 0;
}
