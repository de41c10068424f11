/* A plan that a person reads before it is followed; also what stands on the terminal then. */
#include "common/program.h"
#include "data/json.h"
#include "ts-approve/approve.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void need(int result)
{
    if (result < 0)
        die(EXIT_SYSTEM, "out of memory");
}

struct review *review_new(cJSON *tree, struct error *error)
{
    if (json_string(tree, "request_id") == NULL || json_string(tree, "content") == NULL) {
        error_set(error, "review without 'request_id' or 'content'");
        return NULL;
    }
    struct review *review = stage_need(calloc(1, sizeof *review));
    review->line = stage_need(cJSON_Duplicate(tree, true));
    review->request_id = json_string(review->line, "request_id");
    review->content = json_string(review->line, "content");
    review->path = json_string(review->line, "path");
    return review;
}

void review_free(struct review *review)
{
    json_free(review->line);
    free(review);
}

static cJSON *event(const struct review *review, const char *type)
{
    static const char *const copied[] = {"request_id", "parent_call_id", "correlation_id"};
    cJSON *line = stage_need(cJSON_CreateObject());
    need(json_add_string(line, "type", type));
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        const char *text = json_string(review->line, copied[i]);
        if (text != NULL)
            need(json_add_string(line, copied[i], text));
    }
    return line;
}

cJSON *review_request(const struct review *review)
{
    cJSON *line = event(review, "plan_review");
    need(json_add_string(line, "content", review->content));
    if (review->path != NULL)
        need(json_add_string(line, "path", review->path));
    return line;
}

void review_put(
    struct stage *stage, const struct review *review, const char *verdict, const char *feedback)
{
    cJSON *line = event(review, "reviewed");
    bool says_more = strcmp(verdict, "annotated") == 0 || strcmp(verdict, "unreviewed") == 0;
    need(json_add_string(line, "verdict", verdict));
    if (says_more && feedback != NULL && feedback[0] != '\0')
        need(json_add_string(line, "feedback", feedback));
    stage_put_tree(stage, line);
}

static bool is_one_of(const char *text, size_t length, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strlen(*words) == length && strncasecmp(text, *words, length) == 0)
            return true;
    }
    return false;
}

const char *review_verdict(const char *text)
{
    static const char *const yes[] = {"", "y", "yes", "ok", "okay", "approve", "accept", NULL};
    static const char *const no[] = {"n", "no", "reject", NULL};
    static const char space[] = " \t\r\n";
    if (text == NULL)
        return "accepted";
    text += strspn(text, space);
    size_t length = strlen(text);
    while (length > 0 && strchr(space, text[length - 1]) != NULL)
        length--;
    if (is_one_of(text, length, yes))
        return "accepted";
    return is_one_of(text, length, no) ? "rejected" : "annotated";
}

/* The terminal. */

static void show(struct approver *approver)
{
    const struct review *review = approver->first_review;
    terminal_say(approver, "\nA plan:\n");
    terminal_say_text(approver, "  ", review->content);
    if (review->path != NULL) {
        terminal_say(approver, "It is kept in ");
        terminal_say_text(approver, "", review->path);
    }
    terminal_say(approver, "Follow it? [Enter accepts, n rejects, anything else is a remark] ");
}

static void reply(struct approver *approver, char *line)
{
    char *text = stage_need(strdup(line)); /* the line goes with the terminal */
    asking_close_review(approver, review_verdict(text), text);
    free(text);
}

/* Who leaves has accepted nothing. */
static void hang_up(struct approver *approver)
{
    asking_close_review(approver, "rejected", NULL);
}

const struct talk review_talk = {.show = show, .reply = reply, .hang_up = hang_up};
