#include "common/program.h"

#include "base/buffer.h"
#include "base/utf8.h"
#include "version.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPTIONS_MOST = 128,
    MESSAGE_LIMIT = 4096,
    HELP_COLUMN = 30,
    HELP_WIDTH = 80,
    OPTION_HELP = OPTION_LONG + 500,
    OPTION_VERSION,
    OPTION_TABLE, /* not in --help: the option table, tab-separated, for the completion */
};

static const struct option_spec standard_options[] = {
    {OPTION_HELP, "help", NULL, "print this help and exit"},
    {OPTION_VERSION, "version", NULL, "print the version and exit"},
    {0},
};

static const struct program *current;
static int argument_count;
static char **arguments;
static char short_options[OPTIONS_MOST * 2 + 3];
static struct option long_options[OPTIONS_MOST];
static const struct option_spec *specs[OPTIONS_MOST];
static int option_count;

static void message(const char *format, va_list values)
{
    struct buffer plain, visible;
    buffer_init(&plain, MESSAGE_LIMIT);
    buffer_init(&visible, (size_t)MESSAGE_LIMIT * 8);
    if (buffer_vprintf(&plain, format, values) < 0)
        buffer_append_text(&plain, "(message too long)");
    buffer_append_text(&visible, current != NULL ? current->name : "turnstone");
    buffer_append_text(&visible, ": ");
    utf8_append_visible(&visible, plain.data, plain.length, false);
    buffer_append_byte(&visible, '\n');
    ssize_t ignored = write(STDERR_FILENO, visible.data, visible.length);
    (void)ignored; /* there is nowhere left to complain */
    buffer_release(&plain);
    buffer_release(&visible);
}

void warn(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    message(format, values);
    va_end(values);
}

void die(enum exit_code code, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    message(format, values);
    va_end(values);
    exit((int)code);
}

void die_config(const struct error *error)
{
    for (const char *text = error->text; *text != '\0';) {
        size_t length = strcspn(text, "\n");
        warn("%.*s", (int)length, text);
        text += length;
        text += *text == '\n';
    }
    exit(EXIT_CONFIG);
}

void die_usage(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    message(format, values);
    va_end(values);
    warn("try '%s --help'", current->name);
    exit(EXIT_USAGE);
}

void die_output(void)
{
    if (errno == EPIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    die(EXIT_SYSTEM, "write to stdout: %s", strerror(errno));
}

void program_exit(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        die_output();
    exit(code);
}

/* A descriptor that is closed would be taken by the next file opened, and written into. */
static void open_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int mode = fd == STDERR_FILENO ? O_WRONLY : O_RDONLY;
        if (open("/dev/null", mode) != fd)
            exit(EXIT_SYSTEM);
    }
}

/* Services and containers often start programs without HOME: the user database has it. */
static void find_home(void)
{
    const char *given = getenv("HOME");
    if (given != NULL && given[0] == '/')
        return;
    const struct passwd *user = getpwuid(getuid());
    if (user != NULL && user->pw_dir[0] == '/' && setenv("HOME", user->pw_dir, 1) < 0)
        exit(EXIT_SYSTEM);
}

static void add_options(const struct option_spec *table)
{
    for (const struct option_spec *spec = table; spec != NULL && spec->name != NULL; spec++) {
        if (option_count == OPTIONS_MOST - 1)
            abort();
        specs[option_count] = spec;
        long_options[option_count] = (struct option){
            .name = spec->name,
            .has_arg = spec->argument != NULL ? required_argument : no_argument,
            .val = spec->id,
        };
        option_count++;
        if (spec->id < OPTION_LONG) {
            size_t length = strlen(short_options);
            snprintf(short_options + length, sizeof short_options - length, "%c%s", spec->id,
                spec->argument != NULL ? ":" : "");
        }
    }
}

void program_start(const struct program *program, int argc, char **argv)
{
    static const struct option_spec hidden[] = {{OPTION_TABLE, "option-table", NULL, ""}, {0}};
    current = program;
    argument_count = argc;
    arguments = argv;
    open_standard_descriptors();
    find_home();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit fails, and is told */
    setlocale(LC_CTYPE, "C.UTF-8");
    /* ':' first: a missing argument is told apart from an unknown option. */
    snprintf(short_options, sizeof short_options, "%s:", program->operands_end_options ? "+" : "");
    add_options(program->options);
    add_options(program->shared_options);
    add_options(standard_options);
    add_options(hidden);
    opterr = 0;
}

static void print_wrapped(const char *text, int column)
{
    while (*text != '\0') {
        size_t room = (size_t)(HELP_WIDTH - column);
        size_t length = strlen(text);
        if (length > room) {
            length = room;
            while (length > 0 && text[length] != ' ')
                length--;
            if (length == 0)
                length = strcspn(text, " ");
        }
        printf("%.*s\n", (int)length, text);
        text += length;
        text += strspn(text, " ");
        if (*text != '\0')
            printf("%*s", column, "");
    }
}

static void print_option(const struct option_spec *spec)
{
    char left[96];
    char letter[5] = "    ";
    if (spec->id < OPTION_LONG)
        snprintf(letter, sizeof letter, "-%c, ", spec->id);
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, spec->name,
        spec->argument != NULL ? " " : "", spec->argument != NULL ? spec->argument : "");
    if (strlen(left) + 2 > HELP_COLUMN)
        printf("%s\n%*s", left, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left);
    print_wrapped(spec->help, HELP_COLUMN);
}

static void print_help(void)
{
    printf("usage: %s %s\n\n", current->name, current->synopsis);
    printf("%s %s.\n\n", current->name, current->purpose);
    for (int i = 0; i < option_count; i++) {
        if (specs[i]->id != OPTION_TABLE)
            print_option(specs[i]);
    }
    if (current->notes != NULL)
        printf("\n%s", current->notes);
    printf("\nThe manual page %s(1) has more.\n", current->name);
}

static void print_table(void)
{
    for (int i = 0; i < option_count; i++) {
        const struct option_spec *spec = specs[i];
        if (spec->id == OPTION_TABLE)
            continue;
        printf("%c\t%s\t%s\t%s\n", spec->id < OPTION_LONG ? spec->id : '-', spec->name,
            spec->argument != NULL ? spec->argument : "-", spec->help);
    }
}

int program_option(const char **value)
{
    int id = getopt_long(argument_count, arguments, short_options, long_options, NULL);
    *value = optarg;
    switch (id) {
    case -1:
        return OPTION_END;
    case OPTION_HELP:
        print_help();
        program_exit(EXIT_DONE);
    case OPTION_VERSION:
        printf("%s %s\n", current->name, TURNSTONE_VERSION);
        program_exit(EXIT_DONE);
    case OPTION_TABLE:
        print_table();
        program_exit(EXIT_DONE);
    case ':':
        die_usage("option '%s' needs an argument", arguments[optind - 1]);
    case '?':
        if (optopt > 0 && optopt < OPTION_LONG)
            die_usage("unknown option '-%c'", optopt);
        if (optopt >= OPTION_LONG)
            die_usage("option '%s' takes no argument", arguments[optind - 1]);
        die_usage("unknown option '%s'", arguments[optind - 1]);
    default:
        return id;
    }
}

int program_operand(void)
{
    return optind;
}

void program_count_operands(const char *command, char *const *operands, int least, int most)
{
    int count = 0;
    while (operands[count] != NULL)
        count++;
    if (count < least)
        die_usage("%s: an argument is missing", command);
    if (most >= 0 && count > most)
        die_usage("%s: too many arguments", command);
}

long long program_integer(const char *option, const char *value, long long least, long long most)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < least || number > most)
        die_usage("--%s: '%s' is not a whole number from %lld to %lld", option, value, least, most);
    return number;
}
