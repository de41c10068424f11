/*
 * Everything that was started below this process, however it hid: a child
 * subreaper inherits every orphan, so the direct children are all there is to
 * look at, again and again, until there are none.
 */
#ifndef TS_JAIL_DESCENDANTS_H
#define TS_JAIL_DESCENDANTS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * SIGKILL and reap all of them. Waits on signal_fd (a signalfd that receives
 * SIGCHLD, which must be blocked) and gives up after a few seconds, when the
 * kernel does not let one die. first's exit status goes to *status as waitpid
 * has it. Returns how many others had to be killed; -1: some are still there.
 */
int end_descendants(int signal_fd, pid_t first, int *status);

#endif
