/* The lines on the status descriptor (ts-jail(1)). All do nothing when there is none. */
#ifndef TS_JAIL_REPORT_H
#define TS_JAIL_REPORT_H

#include <stdbool.h>

struct ending {
    int exit_code;
    int signal; /* that ended the command, as far as it can be known; 0: none */
    bool timed_out;
    int killed; /* processes that were still there and had to be ended */
};

/* 0, or -1 when the reader has gone, which means that nobody waits for the command. */
int report_started(int fd);
void report_exited(int fd, const struct ending *ending);
void report_failed(int fd, const char *message);

#endif
