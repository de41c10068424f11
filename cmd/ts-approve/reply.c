#include "ts-approve/reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NUMBER_DIGITS = 4 };

static char *trim(char *text)
{
    static const char space[] = " \t\r\n";
    text += strspn(text, space);
    size_t length = strlen(text);
    while (length > 0 && strchr(space, text[length - 1]) != NULL)
        text[--length] = '\0';
    return text;
}

/* "2 n": the number, when a decision follows it. */
static char *take_number(char *text, size_t *number)
{
    size_t digits = strspn(text, "0123456789");
    *number = 0;
    if (digits == 0 || digits > NUMBER_DIGITS || text[digits] != ' ')
        return text;
    *number = strtoul(text, NULL, 10);
    return text + digits + strspn(text + digits, " ");
}

static enum reply_kind kind_of(const char *decision)
{
    if (strcasecmp(decision, "y") == 0 || strcasecmp(decision, "yes") == 0)
        return REPLY_YES;
    if (strcasecmp(decision, "a") == 0 || strcasecmp(decision, "always") == 0)
        return REPLY_ALWAYS;
    return strcmp(decision, "?") == 0 ? REPLY_EXPLAIN : REPLY_NO;
}

void reply_parse(char *line, struct reply *reply)
{
    char *decision = take_number(trim(line), &reply->number);
    char *end = strchr(decision, ',');
    if (end == NULL)
        end = strchr(decision, ' ');
    char *feedback = NULL;
    if (end != NULL) {
        *end = '\0';
        feedback = trim(end + 1);
    }
    reply->feedback = feedback != NULL && feedback[0] != '\0' ? feedback : NULL;
    reply->kind = kind_of(trim(decision));
}
