#include "waiting.h"

#include "base/clock.h"
#include "term/spinner.h"
#include "term/style.h"
#include "term/width.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 300 /* what comes sooner needs no spinner */ };

static void say(const char *text, size_t length)
{
    ssize_t ignored = write(STDERR_FILENO, text, length);
    (void)ignored; /* a spinner nobody sees is no loss */
}

static void erase(struct waiting *waiting)
{
    char line[256];
    if (waiting->columns == 0)
        return;
    int length = waiting->escapes
                     ? snprintf(line, sizeof line, "\r\033[K")
                     : snprintf(line, sizeof line, "\r%*s\r", (int)waiting->columns, "");
    say(line, (size_t)length);
    waiting->columns = 0;
}

static void tick(void *context)
{
    struct waiting *waiting = context;
    char line[256], duration[DURATION_SIZE];
    int64_t now = clock_monotonic_ms();
    duration_seconds(duration, sizeof duration, now - waiting->since);
    int length = snprintf(line, sizeof line, "\r%s %s%s %s", spinner_frame(now, waiting->unicode),
        waiting->word, waiting->unicode ? "…" : "...", duration);
    say(line, (size_t)length);
    waiting->columns = width_text(line + 1, (size_t)length - 1);
    loop_timer_set(waiting->loop, &waiting->timer, now + SPINNER_MS);
}

void waiting_init(struct waiting *waiting, struct loop *loop, bool wanted, bool unicode)
{
    *waiting = (struct waiting){.loop = wanted && isatty(STDERR_FILENO) ? loop : NULL};
    waiting->timer.call = tick;
    waiting->timer.context = waiting;
    waiting->escapes = style_terminal(STDERR_FILENO);
    waiting->unicode = unicode && waiting->escapes;
}

void waiting_start(struct waiting *waiting, const char *word)
{
    if (waiting->loop == NULL)
        return;
    if (waiting->timer.deadline != 0 && strcmp(word, waiting->word) == 0)
        return;
    erase(waiting);
    snprintf(waiting->word, sizeof waiting->word, "%s", word);
    waiting->since = clock_monotonic_ms();
    loop_timer_set(waiting->loop, &waiting->timer, waiting->since + PATIENCE_MS);
}

void waiting_stop(struct waiting *waiting)
{
    if (waiting->loop == NULL)
        return;
    loop_timer_cancel(waiting->loop, &waiting->timer);
    erase(waiting);
}
