/*
 * What every program does alike: start, read options, complain, end.
 *
 * This is the one place that prints messages and ends the process; nothing in
 * lib/ includes it.
 *
 *     static const struct option_spec options[] = {
 *         {'o', "output", "FILE", "write to FILE"},
 *         {0},
 *     };
 *     static const struct program program = {
 *         .name = "ts-foo", .synopsis = "[options] [file ...]",
 *         .purpose = "does one thing", .options = options,
 *     };
 *     program_start(&program, argc, argv);
 *     while ((id = program_option(&value)) != OPTION_END) switch (id) ...
 *     argv += program_operand();
 *
 * --help, --version and unknown options are dealt with here.
 */
#ifndef CMD_COMMON_PROGRAM_H
#define CMD_COMMON_PROGRAM_H

#include "base/error.h"
#include "base/exit_code.h"
#include "base/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

enum { OPTION_END = -1 };

struct program {
    const char *name;
    const char *synopsis;                     /* the usage line behind the name */
    const char *purpose;                      /* one line, lower case, no full stop */
    const struct option_spec *options;        /* NULL or a table */
    const struct option_spec *shared_options; /* NULL or a second table, listed behind the first */
    const char *notes;                        /* further lines for --help, or NULL */
    bool operands_end_options; /* the first operand ends the options: a command line follows */
};

/*
 * Must be called first: descriptors 0 to 2 are open afterwards (a closed stdin
 * reads as empty, writing to a closed stdout fails), SIGPIPE is ignored so that
 * a failed write is seen, the character type is UTF-8.
 */
void program_start(const struct program *program, int argc, char **argv);

/* The next option's id, its argument in *value (NULL for a switch); OPTION_END behind the last. */
int program_option(const char **value);

/* Index in argv of the first operand. */
int program_operand(void);

/* End with EXIT_USAGE unless a command has from least to most operands; most negative: any number.
 */
void program_count_operands(const char *command, char *const *operands, int least, int most);

/* Parse an option's argument as a whole number within bounds, or end with EXIT_USAGE. */
long long program_integer(const char *option, const char *value, long long least, long long most);

/* "name: message" on stderr, in one write, control bytes made visible. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
noreturn void die(enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* EXIT_CONFIG, after each of the sentences that config_load joins by newlines. */
noreturn void die_config(const struct error *error);

/* warn, then a hint at --help, then EXIT_USAGE. */
noreturn void die_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Flush stdout (stdio) and end: a write that failed turns success into EXIT_SYSTEM, and a
 * reader that left (EPIPE) ends the process by SIGPIPE, as custom has it. */
noreturn void program_exit(int code);

/* A write to stdout failed with errno: end as program_exit does. */
noreturn void die_output(void);

#endif
