/*
 * The options of a program as one table, from which --help, the shell
 * completion and the parser come.
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

/* Option ids: a letter is the short form too; OPTION_LONG + n has none. */
enum { OPTION_LONG = 256, OPTION_SHARED = 1024 };

struct option_spec {
    int id;               /* see above; unique in a program */
    const char *name;     /* long name without its dashes; NULL ends a table */
    const char *argument; /* placeholder, as in "FILE"; NULL for a switch */
    const char *help;     /* what it does: a fragment, lower case, no full stop */
};

#endif
