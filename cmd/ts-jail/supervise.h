/* Run the jail's command under a keeper; see jail.h for the processes. */
#ifndef TS_JAIL_SUPERVISE_H
#define TS_JAIL_SUPERVISE_H

#include "jail.h"

/*
 * Returns ts-jail's exit code when nothing that was started is left: the
 * command's own, 128 + the signal that ended it, or one of enum exit_code. A
 * jail that could not be built is reported on stderr and on the status fd.
 */
int supervise(struct jail *jail);

#endif
