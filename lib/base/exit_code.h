/* How a program says how it ended; the same numbers everywhere (turnstone(7)). */
#ifndef BASE_EXIT_CODE_H
#define BASE_EXIT_CODE_H

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,        /* the turn or the check failed */
    EXIT_USAGE = 2,         /* the command line is wrong */
    EXIT_CONFIG = 3,        /* the configuration is wrong */
    EXIT_BACKEND = 4,       /* the model endpoint failed */
    EXIT_DENIED = 5,        /* a call was denied because nobody could be asked, or is pending */
    EXIT_LIMIT = 6,         /* budget or turn limit */
    EXIT_SYSTEM = 111,      /* the system refused: memory, disk, fork */
    EXIT_TIMED_OUT = 124,   /* the time given was used up */
    EXIT_INTERRUPTED = 130, /* SIGINT */
    EXIT_TERMINATED = 143,  /* SIGTERM */
};

#endif
