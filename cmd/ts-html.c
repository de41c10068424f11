/*
 * ts-html: HTML on stdin, text to read on stdout.
 *
 * Parsing what comes from strangers is the risk here: whoever uses it on such
 * runs it under ts-jail.
 */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "common/program.h"
#include "data/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    INPUT_MOST = 64 << 20, /* bytes read at most, whatever was asked for */
    INPUT_DEFAULT = 16 << 20,
    OUTPUT_MOST = 256 << 20,
    READ_SIZE = 64 << 10,
    MEMORY_DEFAULT = 512, /* MiB for the parsed page: 20 to 60 times its size */
    MEMORY_MOST = 1 << 16,
    TIMEOUT_DEFAULT = 10, /* seconds; a usual page takes milliseconds */
    TIMEOUT_MOST = 3600,
};

enum {
    OPTION_BASE = OPTION_LONG,
    OPTION_MAX_BYTES,
    OPTION_MEMORY,
    OPTION_NO_LINKS,
    OPTION_TIMEOUT
};

static const struct option_spec options[] = {
    {OPTION_BASE, "base", "URL", "where the page comes from: relative links become whole"},
    {OPTION_NO_LINKS, "no-links", NULL, "leave out where links lead"},
    {OPTION_MAX_BYTES, "max-bytes", "BYTES", "how much is read (16 MiB); the rest is left out"},
    {OPTION_MEMORY, "memory", "MIB", "limit of the memory for the parsed page (512)"},
    {OPTION_TIMEOUT, "timeout", "SECONDS", "limit of the time for parsing (10)"},
    {0},
};

static const struct program program = {
    .name = "ts-html",
    .synopsis = "[options]",
    .purpose = "turns HTML on stdin into text to read",
    .options = options,
};

/* True: there was more than most. */
static bool read_input(struct buffer *html, size_t most)
{
    for (;;) {
        if (buffer_reserve(html, READ_SIZE) < 0)
            die(EXIT_SYSTEM, "read stdin: %s", strerror(errno));
        ssize_t got = read(STDIN_FILENO, html->data + html->length, READ_SIZE);
        if (got == 0)
            return false;
        if (got < 0 && errno != EINTR)
            die(EXIT_SYSTEM, "read stdin: %s", strerror(errno));
        if (got > 0)
            html->length += (size_t)got;
        if (html->length > most) {
            html->length = most;
            return true;
        }
    }
}

int main(int argc, char **argv)
{
    struct page_options choice = {.memory_most = (size_t)MEMORY_DEFAULT << 20};
    size_t most = INPUT_DEFAULT;
    long long timeout = TIMEOUT_DEFAULT;
    struct buffer html, text;
    struct error error;
    const char *value;
    int option;
    program_start(&program, argc, argv);
    while ((option = program_option(&value)) != OPTION_END) {
        if (option == OPTION_BASE)
            choice.base = value;
        else if (option == OPTION_NO_LINKS)
            choice.without_links = true;
        else if (option == OPTION_MAX_BYTES)
            most = (size_t)program_integer("max-bytes", value, 1, INPUT_MOST);
        else if (option == OPTION_MEMORY)
            choice.memory_most = (size_t)program_integer("memory", value, 1, MEMORY_MOST) << 20;
        else if (option == OPTION_TIMEOUT)
            timeout = program_integer("timeout", value, 1, TIMEOUT_MOST);
    }
    if (argv[program_operand()] != NULL)
        die_usage("the page is read from stdin; there are no operands");
    buffer_init(&html, (size_t)INPUT_MOST + 2 * READ_SIZE);
    buffer_init(&text, OUTPUT_MOST);
    if (read_input(&html, most))
        warn("the page is longer than %zu bytes; the rest is left out", most);
    choice.deadline = clock_monotonic_ms() + timeout * 1000;
    if (page_to_text(&text, html.data, html.length, &choice, &error) < 0)
        die(EXIT_FAILED, "%s", error.text);
    fwrite(text.data, 1, text.length, stdout);
    buffer_release(&html);
    buffer_release(&text);
    program_exit(EXIT_DONE);
}
