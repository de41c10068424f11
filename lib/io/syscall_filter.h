/*
 * A process that may compute and nothing else, by a filter of system calls
 * (seccomp). It is the second line behind the sandbox, and the only one where a
 * person switched the sandbox off.
 *
 * What is taken away fails with EPERM; nothing is killed, so that programs can
 * say what they were refused. Reading is not taken away: what can be read is
 * the sandbox's business.
 */
#ifndef IO_SYSCALL_FILTER_H
#define IO_SYSCALL_FILTER_H

#include "base/error.h"

/*
 * From here on this process, and whatever it becomes by exec, makes no process
 * (threads it does), no socket, opens no file for writing, changes no name,
 * mode or owner, signals nobody, traces nobody, mounts nothing, and asks
 * nothing of the kernel's less tried corners. It cannot be undone.
 *
 * 0, or -1 with a sentence: the kernel refuses filters. On a processor that
 * this does not know it does nothing and returns 0.
 */
int syscall_filter_compute_only(struct error *error);

#endif
